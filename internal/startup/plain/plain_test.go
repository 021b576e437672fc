package plain

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"
)

const (
	setting = "TF_ENABLE_ONEDNN_OPTS"
	partEnv = "PLAIN_TEST_PART" // makes this binary a program that tells its setting
)

func TestMain(m *testing.M) {
	if os.Getenv(partEnv) == "" {
		os.Exit(m.Run())
	}
	fmt.Print(os.Getenv(setting))
}

// A program with the package has oneDNN's kernels where there is AVX-512, and
// TensorFlow's plain ones where there is AVX2 alone; what the user has set stays.
func TestSetting(t *testing.T) {
	own := ""
	switch {
	case cpu.X86.HasAVX512F:
		own = "1"
	case cpu.X86.HasAVX2:
		own = "0"
	}
	for given, want := range map[string]string{"": own, setting + "=1": "1", setting + "=0": "0"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), partEnv+"=1", given)
		if given == "" {
			cmd.Env = []string{partEnv + "=1"}
		}
		got, err := cmd.Output()
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("with %q: %q (%v), want %q", given, got, err, want)
		}
	}
}
