// Package plain leaves the convolutions of a program that imports it to
// TensorFlow's plain kernels where a processor has AVX2 and no AVX-512, unless the
// user has set TF_ENABLE_ONEDNN_OPTS.
//
// It is for programs that compute with TensorFlow's own convolutions, as export
// does when it compares what it wrote. There oneDNN makes a picture's forward
// convolution some twice as slow as they do; from pictures of 512x512 on it takes its
// reference code for some of them, at minutes each.
package plain

import "C"

import (
	_ "github.com/prioritycut/prioritycut/internal/startup" // which reads it
)
