package tf

import (
	"os"
	"slices"
	"testing"
)

func TestKernelDevices(t *testing.T) {
	for op, want := range map[string]bool{"Conv2D": true, "NoSuchOperation": false} {
		devices, err := KernelDevices(op)
		if err != nil {
			t.Errorf("%s: %v", op, err)
		}
		if slices.Contains(devices, "CPU") != want {
			t.Errorf("%s has kernels for %v", op, devices)
		}
	}
}

// TestGPUKernelsAreRegistered asks a library that was built with PRIORITYCUT_CUDA=1
// for its kernels, in whichever TensorFlow: see tools/gpu/ops_test.sh.
func TestGPUKernelsAreRegistered(t *testing.T) {
	if err := LoadOps(); err != nil {
		t.Fatal(err)
	}
	want := []string{"CPU"}
	if os.Getenv("PRIORITYCUT_TEST_CUDA") == "1" {
		want = append(want, "GPU")
	}
	for _, op := range []string{"PriorityCutMask", "PriorityCutSample", "PriorityCutSampleMapGrad", "PriorityCutSampleGridGrad"} {
		if got, err := KernelDevices(op); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s has kernels for %v (%v), want %v", op, got, err, want)
		}
	}
}
