package train

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// stepOps is a table of every type of operation in a training step of any
// variant, on one GPU or several, and of the kernel that a GPU computes it with: "gpu"
// for one of GPUs, "any" for one of all devices, which handles shapes and names in host
// memory, or hands tensors to the device itself, as reductions do.
const stepOps = "testdata/step_ops.tsv"

// sampler are the types that Warp has on a GPU, in place of TensorFlow's own.
var sampler = []string{"PriorityCutSample", "PriorityCutSampleGridGrad", "PriorityCutSampleMapGrad"}

// A new type of operation must be looked at before it gets into a step: one
// without a GPU kernel would send its tensors to the host and back.
func TestStepOps(t *testing.T) {
	known := readStepOps(t)
	t.Setenv(tf.KernelsEnv, "off") // convolutions and norms are TensorFlow's on a GPU
	used := slices.Clone(sampler)
	for _, variant := range model.AllVariants() {
		for _, devices := range []int{1, 2} {
			c := ofVariant(t, variant)
			s, o := graph.New(tensorflow.Float), OptionsOf(c)
			o.Batch, o.Accumulate, o.Mixed, o.Replicas = 4, 2, tf.MixedFloat16, devicesOf(c.Run, devices)
			step, err := BuildStep(s, o)
			if err == nil {
				_, err = step.share(s, true)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, op := range s.Graph().Operations() {
				used = append(used, op.Type())
			}
		}
	}
	slices.Sort(used)
	used = slices.Compact(used)
	for _, op := range used {
		if known[op] == "" {
			t.Errorf("%s is not in %s: look whether TensorFlow has a GPU kernel of it for floats, then add it (docs/gpu.md)", op, stepOps)
		}
	}
	for op := range known {
		if !slices.Contains(used, op) {
			t.Errorf("%s stands in %s, but no step has it", op, stepOps)
		}
	}
}

// TestStepOpsHaveGPUKernels asks TensorFlow's GPU build, where it is at hand.
func TestStepOpsHaveGPUKernels(t *testing.T) {
	if err := tf.LoadOps(); err != nil {
		t.Fatal(err)
	}
	devices := func(op string) []string {
		devices, err := tf.KernelDevices(op)
		if err != nil {
			t.Fatal(err)
		}
		return devices
	}
	if !slices.Contains(devices("MatMul"), "GPU") || !slices.Contains(devices("PriorityCutMask"), "GPU") {
		t.Skip("this is TensorFlow's build for CPUs, or the op library's: see docs/gpu.md")
	}
	for op, where := range readStepOps(t) {
		want := map[string]string{"gpu": "GPU", "any": "DEFAULT"}[where]
		if got := devices(op); !slices.Contains(got, want) {
			t.Errorf("%s has kernels for %v, but %s says %q", op, got, stepOps, where)
		}
	}
}

func readStepOps(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(stepOps)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	known := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		op, where, _ := strings.Cut(lines.Text(), "\t")
		if where != "gpu" && where != "any" {
			t.Fatalf("%s: %q", stepOps, lines.Text())
		}
		known[op] = where
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return known
}

// ofVariant is a small configuration of a variant of any family.
func ofVariant(t *testing.T, variant model.Variant) *config.Config {
	t.Helper()
	switch variant {
	case model.MonkeyNet:
		return resolve(t, config.Options{Variant: string(variant), Sets: tinymodel.MonkeyNet()})
	case model.X2Face:
		return resolve(t, config.Options{Variant: string(variant), Sets: tinymodel.X2Face()})
	}
	return tiny(t, variant)
}
