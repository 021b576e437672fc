package tf

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/cpu"
)

// oneDNNEnv switches TensorFlow's oneDNN kernels on (1) or off (0).
const oneDNNEnv = "TF_ENABLE_ONEDNN_OPTS"

// Prepare gives the process the settings that TensorFlow reads while its library
// is loaded, before any code of the program. A program calls it first in main:
// where a setting is missing, the process replaces itself by the same program
// with it. What the user has set stays. It returns an error, and the program
// can go on, if that fails.
//
//   - oneDNN's kernels on CPUs with AVX2: TensorFlow uses them by default only
//     with AVX512-VNNI and newer. With AVX2 alone a training step of the preset
//     shapes-64 takes 0.73 s of processor time with them and 1.26 s without.
//   - A log level that hides notices of the start.
func Prepare() error {
	var missing []string
	add := func(name, value string) {
		if _, set := os.LookupEnv(name); !set {
			missing = append(missing, name+"="+value)
		}
	}
	if cpu.X86.HasAVX2 && !oneDNNByDefault() {
		add(oneDNNEnv, "1")
	}
	add(logLevelEnv, defaultLogLevel)
	if len(missing) == 0 {
		return nil
	}
	program, err := os.Executable() // its own name is what `ps` shows
	if err == nil {
		err = syscall.Exec(program, os.Args, append(os.Environ(), missing...))
	}
	return fmt.Errorf("the program cannot start itself again with %s, which makes TensorFlow quiet and fast: %w", strings.Join(missing, " "), err)
}

// oneDNNByDefault reports whether TensorFlow 2.18 uses oneDNN on this CPU of
// its own accord. AVX-VNNI, which counts too, is not told apart here; setting
// what is the default anyway does no harm.
func oneDNNByDefault() bool {
	x := &cpu.X86
	return x.HasAVX512VNNI || x.HasAVX512BF16 || x.HasAMXTile || x.HasAMXInt8 || x.HasAMXBF16
}
