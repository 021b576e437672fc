package tf

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/cpu"
)

// KernelsEnv names the environment variable that limits the kernels of our own:
// off leaves everything to TensorFlow; avx512, avx2 and generic choose the
// instructions, for tests and comparisons. Without it the processor decides.
const KernelsEnv = "PRIORITYCUT_KERNELS"

// kernelsOff leaves everything to TensorFlow.
const kernelsOff = "off"

// OwnKernels reports whether convolutions and their like are to be computed by
// the kernels of the op library on a device as SessionConfig has it: on
// processors with AVX2 and FMA, unless a GPU may do the work. It is an error
// when the environment asks for what this processor has not.
func OwnKernels(deviceName string) (bool, error) {
	d, err := parseDevice(deviceName)
	if err != nil {
		return false, err
	}
	serves, err := processorServes()
	return serves && !(d.gpu && gpuPresent()), err
}

// OwnSampler reports the same of the sampler, which serves a GPU as well where the
// op library was built for one. It loads that library if it must ask.
func OwnSampler(deviceName string) (bool, error) {
	own, err := OwnKernels(deviceName)
	if own || err != nil || os.Getenv(KernelsEnv) == kernelsOff || deviceName == "cpu" || !gpuPresent() {
		return own, err
	}
	if err := LoadOps(); err != nil {
		return false, err
	}
	devices, err := KernelDevices("PriorityCutSample")
	return slices.Contains(devices, gpuType), err
}

// processorServes reports whether kernels of our own are for this processor, as
// the environment has it.
func processorServes() (bool, error) {
	avx2 := cpu.X86.HasAVX2 && cpu.X86.HasFMA
	avx512 := avx2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ
	switch name := os.Getenv(KernelsEnv); name {
	case "":
		return avx2, nil
	case kernelsOff:
		return false, nil
	case "generic":
		return true, nil
	case "avx2", "avx512":
		if (name == "avx2" && !avx2) || (name == "avx512" && !avx512) {
			return false, fmt.Errorf("%s is %s, but this processor cannot; unset it, or set it to off", KernelsEnv, name)
		}
		return avx2, nil
	default:
		return false, fmt.Errorf("%s is %q, want off, generic, avx2 or avx512", KernelsEnv, name)
	}
}

// gpuPresent reports whether NVIDIA's driver shows a GPU. TensorFlow itself
// tells only once a session is made, and then the graph is complete. Tests
// replace it.
var gpuPresent = func() bool {
	found, err := filepath.Glob("/dev/nvidia[0-9]*")
	return err == nil && len(found) > 0
}
