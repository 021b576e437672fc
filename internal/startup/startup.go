// Package startup starts a program again, once, with the settings that TensorFlow
// reads while its library is loaded, before any Go code runs:
//
//   - TF_CPP_MIN_LOG_LEVEL=2, which hides notices of the start.
//   - TF_ENABLE_ONEDNN_OPTS=1 on CPUs with AVX2. TensorFlow uses oneDNN's kernels
//     by default only with AVX512-VNNI and newer; with AVX2 alone a training step
//     of the preset shapes-64 takes 0.73 s of processor time with them and 1.26 s
//     without, where kernels of our own are off.
//
// What the user has set stays. It is for programs, which import it for its effect
// (package cli does); no library does, so a program of others that uses them
// starts once.
package startup

import "C" // startup.c
