package tf

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/cpu"
)

// oneDNNEnv switches TensorFlow's oneDNN kernels on (1) or off (0).
const oneDNNEnv = "TF_ENABLE_ONEDNN_OPTS"

// UseOneDNN makes TensorFlow compute with oneDNN's kernels on CPUs with AVX2,
// unless the user has decided. TensorFlow uses them by default only with
// AVX512-VNNI and newer; with AVX2 alone a training step of the preset shapes-64
// takes 0.73 s of processor time with them and 1.26 s without.
//
// TensorFlow reads the setting while its library is loaded, before any code of
// the program. So a program that wants it calls this first in main: where the
// setting is missing, the process replaces itself by the same program with it.
// It returns an error, and the program can go on, if that fails.
func UseOneDNN() error {
	if _, set := os.LookupEnv(oneDNNEnv); set || !cpu.X86.HasAVX2 || oneDNNByDefault() {
		return nil
	}
	program, err := os.Executable() // its own name is what `ps` shows
	if err == nil {
		err = syscall.Exec(program, os.Args, append(os.Environ(), oneDNNEnv+"=1"))
	}
	return fmt.Errorf("TensorFlow runs without oneDNN's kernels, more slowly (%s=1 switches them on): %w", oneDNNEnv, err)
}

// oneDNNByDefault reports whether TensorFlow 2.18 uses oneDNN on this CPU of
// its own accord. AVX-VNNI, which counts too, is not told apart here; setting
// what is the default anyway does no harm.
func oneDNNByDefault() bool {
	x := &cpu.X86
	return x.HasAVX512VNNI || x.HasAVX512BF16 || x.HasAMXTile || x.HasAMXInt8 || x.HasAMXBF16
}
