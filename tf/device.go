package tf

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// TensorFlow's names of types of device.
const (
	gpuType = "GPU"
	cpuType = "CPU"
)

// device is a parsed SessionConfig.Device.
type device struct {
	gpu      bool // may be used
	required bool // must be there
	number   int  // -1 for any
}

func parseDevice(s string) (device, error) {
	switch s {
	case "", "auto":
		return device{gpu: true, number: -1}, nil
	case "cpu":
		return device{number: -1}, nil
	case "gpu":
		return device{gpu: true, required: true, number: -1}, nil
	}
	if digits, ok := strings.CutPrefix(s, "gpu:"); ok {
		n, err := strconv.ParseUint(digits, 10, 16)
		if err == nil {
			return device{gpu: true, required: true, number: int(n)}, nil
		}
	}
	return device{}, fmt.Errorf("device %q is unknown: want auto, cpu, gpu or gpu:N (N from 0)", s)
}

// own are the devices of so many graphs, one each, as GPU:1; none where TensorFlow
// chooses.
func (d device) own(graphs int, gpus bool) []string {
	kind, first := cpuType, 0
	switch {
	case d.number >= 0:
		kind, first = gpuType, d.number
	case graphs == 1:
		return nil
	case d.gpu && gpus:
		kind = gpuType
	}
	list := make([]string, graphs)
	for i := range list {
		list[i] = fmt.Sprintf("%s:%d", kind, first+i)
	}
	return list
}

// checkDevice chooses the devices of so many graphs, and reports what is not there.
func (s *Session) checkDevice(name string, graphs int) error {
	d, err := parseDevice(name)
	if err != nil {
		return err
	}
	s.wantsGPU = d.gpu
	if d.required && !s.HasGPU() {
		why := "this machine has none, or its driver is not loaded"
		if gpuPresent() {
			why = whyNoGPU()
		}
		return fmt.Errorf("device %q: TensorFlow %s sees no GPU: %s; run with device cpu or auto, or see docs/gpu.md", name, tensorflow.Version(), why)
	}
	s.own = d.own(graphs, s.HasGPU())
	if s.placed != nil {
		s.placed.devices = s.own
	}
	for _, own := range s.own {
		if slices.ContainsFunc(s.devices, func(d tensorflow.Device) bool { return shortName(d.Name) == own }) {
			continue
		}
		of := ""
		if graphs > 1 {
			of = fmt.Sprintf(" for %d replicas", graphs)
		}
		return fmt.Errorf("device %q%s: TensorFlow sees %s", name, of, strings.Join(s.gpus(), ", "))
	}
	return nil
}

// gpus are the names of all GPUs that TensorFlow sees, as gpu:1.
func (s *Session) gpus() (list []string) {
	for _, d := range s.devices {
		if d.Type == gpuType {
			list = append(list, strings.ToLower(shortName(d.Name)))
		}
	}
	return list
}

// uses reports whether a device is one that the session was made for, or any was.
func (s *Session) uses(d tensorflow.Device) bool {
	return len(s.own) == 0 || slices.Contains(s.own, shortName(d.Name))
}

// Devices returns what the session can run on.
func (s *Session) Devices() []tensorflow.Device {
	return append([]tensorflow.Device(nil), s.devices...)
}

// HasGPU reports whether the session has a GPU.
func (s *Session) HasGPU() bool { return len(s.gpus()) > 0 }

// DeviceMemory is how much memory TensorFlow may take of each of the session's GPUs,
// in bytes; false where there is no GPU.
func (s *Session) DeviceMemory() (least int64, found bool) {
	for _, d := range s.devices {
		if d.Type != gpuType || !s.uses(d) {
			continue
		}
		if !found || d.MemoryLimitBytes < least {
			least, found = d.MemoryLimitBytes, true
		}
		if len(s.own) == 0 {
			break // TensorFlow takes the first
		}
	}
	return least, found
}

// Placement says in words where the session computes, and why not on a GPU where
// the machine has one that the session was allowed to use.
func (s *Session) Placement() string {
	var names []string
	for _, d := range s.devices {
		switch {
		case !s.uses(d):
		case d.Type == gpuType:
			names = append(names, fmt.Sprintf("%s with %.1f GB", shortName(d.Name), float64(d.MemoryLimitBytes)/(1<<30)))
		case len(s.own) > 0:
			names = append(names, shortName(d.Name))
		}
	}
	where := "on the CPU"
	if len(names) > 0 {
		where = "on " + strings.Join(names, ", ")
	}
	if s.wantsGPU && !s.HasGPU() && gpuPresent() {
		return where + ": this machine has a GPU, but " + whyNoGPU()
	}
	return where
}

// shortName is GPU:0 of /job:localhost/replica:0/task:0/device:GPU:0.
func shortName(device string) string {
	_, name, found := strings.Cut(device, "/device:")
	if !found {
		return device
	}
	return name
}

// whyNoGPU is the most likely reason for which TensorFlow shows no GPU.
func whyNoGPU() string {
	if visible, set := os.LookupEnv("CUDA_VISIBLE_DEVICES"); set && (visible == "" || strings.HasPrefix(visible, "-1")) {
		return fmt.Sprintf("CUDA_VISIBLE_DEVICES=%q hides it", visible)
	}
	// Kernels are registered by the build, whether or not there is a device.
	if devices, err := KernelDevices("MatMul"); err == nil && !slices.Contains(devices, gpuType) {
		return fmt.Sprintf("TensorFlow %s is its build for CPUs (Bazel's configuration cuda, or PRIORITYCUT_CUDA=1 before env.sh, takes the one for GPUs)", tensorflow.Version())
	}
	return "TensorFlow cannot use it: NVIDIA's driver is missing or older than 525, or the GPU is older than TensorFlow supports (TF_CPP_MIN_LOG_LEVEL=0 shows what it tried)"
}
