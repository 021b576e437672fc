// Package startup gives a program the settings that TensorFlow reads while its
// library is loaded, before any Go code runs:
//
//   - TF_CPP_MIN_LOG_LEVEL=2, which hides notices of the start.
//   - TF_ENABLE_ONEDNN_OPTS=1 on CPUs with AVX2. TensorFlow uses oneDNN's kernels
//     by default only with AVX512-VNNI and newer; with AVX2 alone a training step
//     of the preset shapes-64 takes 0.73 s of processor time with them and 1.26 s
//     without, where kernels of our own are off. Programs with package plain have 0
//     where there is AVX2 alone.
//
// What the user has set stays. Nothing starts again for it: the program's own
// getenv answers TensorFlow, and once Go runs the variables are in the environment,
// so that Go code and programs started from here see them too.
//
// It is for programs, which import it for its effect (package cli does); no library
// does, so programs of others that use them keep the C library's getenv.
package startup

// #include <stdlib.h>
import "C"

import (
	"os"
	"unsafe"
)

// What startup.c knows values of.
const (
	logLevel = "TF_CPP_MIN_LOG_LEVEL"
	oneDNN   = "TF_ENABLE_ONEDNN_OPTS"
)

var names = []string{logLevel, oneDNN}

func init() {
	for _, name := range names {
		if _, set := os.LookupEnv(name); set {
			continue
		}
		c := C.CString(name)
		if v := C.getenv(c); v != nil {
			_ = os.Setenv(name, C.GoString(v)) // fails for names that are none
		}
		C.free(unsafe.Pointer(c))
	}
}
