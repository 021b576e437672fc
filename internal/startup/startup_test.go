package startup

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"golang.org/x/sys/cpu"

	"github.com/prioritycut/prioritycut/tf"
)

// partEnv makes this binary a program that runs a graph.
const partEnv = "STARTUP_TEST_PART"

func TestMain(m *testing.M) {
	if os.Getenv(partEnv) == "" {
		os.Exit(m.Run())
	}
	if err := runGraph(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runGraph() error {
	// What the kernel gave the process is what its user set: nobody started it again.
	given, err := os.ReadFile("/proc/self/environ")
	if err != nil {
		return err
	}
	for _, v := range strings.Split(string(given), "\x00") {
		if strings.HasPrefix(v, "TF_") {
			fmt.Println("given", v)
		}
	}
	for _, name := range names {
		fmt.Println(name, os.Getenv(name))
	}
	fmt.Fprintln(os.Stderr, "before")
	g := tensorflow.NewGraph()
	one, err := tensorflow.NewTensor(int32(1))
	if err != nil {
		return err
	}
	op, err := g.AddOperation(tensorflow.OpSpec{Type: "Const", Name: "one", Attrs: map[string]any{"dtype": tensorflow.Int32, "value": one}})
	if err != nil {
		return err
	}
	s, err := tf.NewSession(g, tf.SessionConfig{})
	if err != nil {
		return err
	}
	if _, err = s.Run(nil, []tensorflow.Output{{Op: op}}, nil); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "after")
	return s.Close()
}

// startWith runs the part in a process with these of TensorFlow's variables and no
// others.
func startWith(t *testing.T, env ...string) (stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TF_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, partEnv+"=1"), env...)
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", env, err, &out, &said)
	}
	return out.String(), said.String()
}

// A program says nothing that its user did not ask for, and keeps what the user
// has set.
func TestQuiet(t *testing.T) {
	for _, test := range []struct {
		env   []string
		quiet bool
	}{
		{nil, true},
		{[]string{logLevel + "=2"}, true},
		{[]string{logLevel + "=0"}, false},
	} {
		_, said := startWith(t, test.env...)
		if got := said == "before\nafter\n"; got != test.quiet {
			t.Errorf("%v: quiet %v, want %v; output:\n%s", test.env, got, test.quiet, said)
		}
	}
}

// A program starts once, TensorFlow has the settings as it loads, and Go code and
// programs started from it see them.
func TestSettings(t *testing.T) {
	own := ""
	if cpu.X86.HasAVX2 {
		own = "1"
	}
	for _, test := range []struct {
		env         []string
		level, fast string
	}{
		{nil, "2", own},
		{[]string{logLevel + "=0"}, "0", own},
		{[]string{logLevel + "=0", oneDNN + "=0"}, "0", "0"},
		{[]string{logLevel + "=0", oneDNN + "=1"}, "0", "1"},
	} {
		var want strings.Builder
		for _, v := range test.env {
			fmt.Fprintln(&want, "given", v)
		}
		fmt.Fprintln(&want, logLevel, test.level)
		fmt.Fprintln(&want, oneDNN, test.fast)
		out, said := startWith(t, test.env...)
		if out != want.String() {
			t.Errorf("%v: it has\n%swant\n%s", test.env, out, &want)
		}
		// TensorFlow tells, where it may, which kernels it has chosen.
		if on := strings.Contains(said, "oneDNN custom operations are on"); test.level == "0" && test.fast != "" && on != (test.fast == "1") {
			t.Errorf("%v: oneDNN is on: %v\n%s", test.env, on, said)
		}
	}
}
