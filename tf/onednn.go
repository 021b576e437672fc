package tf

import "os"

// TensorFlow uses oneDNN's kernels by default only on CPUs with AVX512-VNNI or
// newer instructions. They are about 1.7 times as fast with AVX2 alone (a
// training step of the preset shapes-64: 0.73 s of CPU against 1.26 s), so they
// are switched on wherever the user has not decided. TensorFlow asks at its
// first op, after all init functions.
func init() {
	const name = "TF_ENABLE_ONEDNN_OPTS"
	if _, set := os.LookupEnv(name); !set {
		os.Setenv(name, "1")
	}
}
