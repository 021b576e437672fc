package tf

import (
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// withGPU lets the package believe that the driver shows a GPU.
func withGPU(t *testing.T) {
	was := gpuPresent
	gpuPresent = func() bool { return true }
	t.Cleanup(func() { gpuPresent = was })
}

// On a GPU convolutions are cuDNN's; the sampler is ours where the op library
// has it for GPUs.
func TestOwnKernelsBesideAGPU(t *testing.T) {
	withGPU(t)
	t.Setenv(KernelsEnv, "")
	if err := LoadOps(); err != nil {
		t.Fatal(err)
	}
	devices, err := KernelDevices("PriorityCutSample")
	if err != nil {
		t.Fatal(err)
	}
	for _, device := range []string{"auto", "gpu", "gpu:1"} {
		if own, err := OwnKernels(device); own || err != nil {
			t.Errorf("%s: own kernels: %v, %v", device, own, err)
		}
		if own, err := OwnSampler(device); own != slices.Contains(devices, "GPU") || err != nil {
			t.Errorf("%s: own sampler: %v, %v, with kernels for %v", device, own, err, devices)
		}
	}
	kernels, err := OwnKernels("cpu")
	if err != nil {
		t.Fatal(err)
	}
	if sampler, err := OwnSampler("cpu"); sampler != kernels || err != nil {
		t.Errorf("cpu: own sampler: %v, %v; own kernels: %v", sampler, err, kernels)
	}
	t.Setenv(KernelsEnv, "off")
	if own, err := OwnSampler("auto"); own || err != nil {
		t.Errorf("off: own sampler: %v, %v", own, err)
	}
	t.Setenv(KernelsEnv, "fast")
	if _, err := OwnSampler("auto"); err == nil || !strings.Contains(err.Error(), "want off, generic, avx2 or avx512") {
		t.Errorf("fast: %v", err)
	}
}

// Whoever computes on the CPU though there is a GPU is told why.
func TestPlacement(t *testing.T) {
	plain := newSession(t, tensorflow.NewGraph(), SessionConfig{Device: "cpu"})
	if got := plain.Placement(); got != "on the CPU" {
		t.Errorf("cpu: %q", got)
	}
	auto := newSession(t, tensorflow.NewGraph(), SessionConfig{MemoryGrowth: true})
	if auto.HasGPU() {
		if got := auto.Placement(); !strings.HasPrefix(got, "on GPU:0 with ") {
			t.Errorf("auto with a GPU: %q", got)
		}
		return
	}
	withGPU(t)
	if got := plain.Placement(); got != "on the CPU" {
		t.Errorf("cpu beside a GPU: %q", got)
	}
	t.Setenv("CUDA_VISIBLE_DEVICES", "")
	if got := auto.Placement(); got != `on the CPU: this machine has a GPU, but CUDA_VISIBLE_DEVICES="" hides it` {
		t.Errorf("hidden: %q", got)
	}
	t.Setenv("CUDA_VISIBLE_DEVICES", "0")
	want := "build for CPUs"
	if devices, err := KernelDevices("MatMul"); err != nil || slices.Contains(devices, "GPU") {
		want = "driver"
	}
	if got := auto.Placement(); !strings.Contains(got, want) {
		t.Errorf("auto: %q, want it to tell of the %s", got, want)
	}
	if _, err := NewSession(tensorflow.NewGraph(), SessionConfig{Device: "gpu"}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("gpu: %v, want it to tell of the %s", err, want)
	}
}
