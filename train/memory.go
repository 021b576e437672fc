package train

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/graph/memory"
	"github.com/prioritycut/prioritycut/internal/machine"
	"github.com/prioritycut/prioritycut/tf"
)

// What a process needs beside the tensors of a step, measured on the presets.
const (
	// programMemory is Go, TensorFlow's library, its graph and the loader.
	programMemory = 400 << 20
	// kernelFactor multiplies the tensors of a step: kernels take scratch
	// space and keep rearranged weights, two operations run side by side, and
	// freed memory is not always fit for the next tensor.
	kernelFactor = 1.9
	// ownKernelFactor is the same where kernels of our own serve, which need fewer
	// tensors and less space, and cut what they need from a pool without much waste.
	// ownGradientFactor multiplies the gradients of all weights besides: those of
	// several judgements of the discriminator wait to be added up, and from two pairs
	// of 256x256 pixels on VGG-19 keeps as much in packed kernels. Both fit the peaks
	// of steps of 64x64 to 256x256 pixels and batches of 1 to 16.
	ownKernelFactor   = 1.2
	ownGradientFactor = 3.0
	// deviceFactor is the same on a GPU, where one operation runs at a time. No GPU
	// was at hand to measure it.
	deviceFactor = 1.3
)

// MemoryEstimate is what training is expected to need of main memory.
type MemoryEstimate struct {
	// Variables are weights, averages and the optimisers' slots, in bytes.
	Variables int64
	// Gradients of all weights, alive together before anything moves.
	Gradients int64
	// Step is the most that one step needs beside them; it grows with the
	// batch.
	Step int64
	// Tensors are those of a step that are alive together.
	Tensors int64
	// Batch is the part of the batch that Step is for, one worker's; Parts is the
	// number of micro-batches that it is taken in.
	Batch, Parts int
}

// Total is the expected peak of the process, in bytes.
func (m MemoryEstimate) Total() int64 { return programMemory + m.Variables + m.Gradients + m.Step }

// Device is the expected peak of a GPU's memory, in bytes: the same tensors, and
// deviceFactor of those of a step for what cuDNN works in.
func (m MemoryEstimate) Device() int64 {
	return m.Variables + m.Gradients + int64(deviceFactor*float64(m.Tensors))
}

// String tells the parts.
func (m MemoryEstimate) String() string {
	step := fmt.Sprintf("gradients %.2f GB, a step of %d pairs", gigabytes(m.Gradients), m.Batch)
	if m.Parts > 1 {
		step = fmt.Sprintf("one of %d micro-batches of %d pairs", m.Parts, m.Batch)
	}
	return fmt.Sprintf("about %.1f GB: variables %.2f GB, %s %.2f GB, the program %.2f GB",
		gigabytes(m.Total()), gigabytes(m.Variables), step, gigabytes(m.Step), gigabytes(programMemory))
}

func gigabytes(bytes int64) float64 { return float64(bytes) / (1 << 30) }

// EstimateMemory tells what training with step, built in s, needs.
func EstimateMemory(s *graph.Scope, step *Step, o StepOptions) (MemoryEstimate, error) {
	m, err := memory.Estimate(s, step.Train, step.Losses, step.GradientNorms)
	if err != nil {
		return MemoryEstimate{}, err
	}
	e := MemoryEstimate{Variables: m.Variables, Batch: o.Batch / max(o.Replicas.Size, 1), Parts: o.parts()}
	if step.Micro != nil {
		micro, err := memory.Estimate(s, step.Micro.Gather)
		if err != nil {
			return MemoryEstimate{}, err
		}
		// Each gradient is gone once it is added to its sum, which is a variable.
		e.Tensors = max(m.Temporaries, micro.Temporaries)
		e.scale(s)
		return e, s.Err()
	}
	for _, g := range step.Gradients {
		size := int64(4)
		for _, d := range s.Shape(g) {
			size *= int64(d)
		}
		e.Gradients += size
	}
	e.Tensors = m.Temporaries - e.Gradients
	e.scale(s)
	return e, s.Err()
}

// scale adds to the tensors of a step what kernels need beside them.
func (m *MemoryEstimate) scale(s *graph.Scope) {
	m.Step = int64(kernelFactor * float64(m.Tensors))
	if s.OwnKernels() {
		m.Step = int64(ownKernelFactor*float64(m.Tensors) + ownGradientFactor*float64(m.Gradients))
	}
}

// together is what so many that share each batch need of a machine: processes, or
// the replicas of one.
func (m MemoryEstimate) together(o StepOptions, processes int) int64 {
	if o.Replicas.InSession {
		return programMemory + int64(o.Replicas.Size)*(m.Total()-programMemory)
	}
	return int64(processes) * m.Total()
}

// mayHold reports whether the variables of two steps may be kept side by side in
// so many processes of this machine. An unknown limit forbids nothing.
func (m MemoryEstimate) mayHold(o StepOptions, processes int) bool {
	limit, err := machine.Memory()
	return err != nil || m.together(o, processes)+int64(processes)*m.Variables <= limit
}

// togetherIn is the number of a cluster's processes that share this machine's
// memory; the cluster is nil for a process by itself.
func togetherIn(c *tf.Cluster) int {
	if c == nil {
		return 1
	}
	return c.Together()
}

// CheckMemory reports whether a step on the CPU fits into this machine's memory,
// in that many processes of it which share each batch, before any is started.
func CheckMemory(c *config.Config, workers int) error {
	o := OptionsOf(c)
	o.Replicas = graph.Replicas{Size: workers}
	s := graph.New(tensorflow.Float)
	step, err := BuildStep(s, o)
	if err != nil {
		return err
	}
	m, err := EstimateMemory(s, step, o)
	if err != nil {
		return err
	}
	return checkMemory(m, o, workers)
}

// checkMemory refuses a step on the CPU that needs more than the machine has.
func checkMemory(m MemoryEstimate, o StepOptions, processes int) error {
	limit, err := machine.Memory()
	if err != nil {
		return nil // an unknown limit stops nobody
	}
	return m.within(limit, o, processes)
}

// within refuses what needs more than so many bytes in all processes of the
// machine together, and looks for the batch that fits.
func (m MemoryEstimate) within(limit int64, o StepOptions, processes int) error {
	fits := func(m MemoryEstimate) bool { return m.together(o, processes) <= limit }
	if fits(m) {
		return nil
	}
	advice, err := smallerBatch(o, fits)
	if err != nil {
		return err
	}
	each := fmt.Sprintf("in each of the %d processes of this machine", processes)
	switch {
	case o.Replicas.InSession:
		each = fmt.Sprintf("for each of %v", o.Replicas)
	case processes == 1:
		return fmt.Errorf("training needs %v, and this machine has %.1f GB; %s", m, gigabytes(limit), advice)
	}
	return fmt.Errorf("training needs, %s, %v: %.1f GB together, and the machine has %.1f GB; %s",
		each, m, gigabytes(m.together(o, processes)), gigabytes(limit), advice)
}

// checkDeviceMemory refuses a step on a GPU that needs more than TensorFlow may
// take of the GPU's memory, in bytes.
func checkDeviceMemory(m MemoryEstimate, o StepOptions, limit int64) error {
	if limit <= 0 || m.Device() <= limit {
		return nil // an unknown limit stops nobody
	}
	advice, err := smallerBatch(o, func(m MemoryEstimate) bool { return m.Device() <= limit })
	if err != nil {
		return err
	}
	whose := "the GPU's"
	if o.Replicas.InSession {
		whose = "each GPU's"
	}
	return fmt.Errorf("training needs about %.1f GB of %s memory for a step of %d pairs, and TensorFlow may take %.1f GB; %s",
		gigabytes(m.Device()), whose, m.Batch, gigabytes(limit), advice)
}

// smallerBatch is advice on what fits: a smaller batch, or the same one in
// micro-batches.
func smallerBatch(o StepOptions, holds func(MemoryEstimate) bool) (string, error) {
	fits, err := largestBatch(o, holds)
	if err != nil {
		return "", err
	}
	if fits == 0 {
		return "not even one pair fits: use smaller networks or pictures", nil
	}
	advice := fmt.Sprintf("the largest batch that fits is %d: `set` train_params.batch_size=%d", fits, fits)
	parts, err := fewestParts(o, holds)
	if err != nil || parts == 0 {
		return advice, err
	}
	return fmt.Sprintf("%s, or accumulate_steps=%d, which takes the batch of %d in micro-batches of %d", advice, parts, o.Batch, o.Batch/parts), nil
}

// unit is what a batch must be a multiple of.
func (o StepOptions) unit() int { return max(o.Replicas.Size, 1) * o.parts() }

// largestBatch is the largest batch below o.Batch whose step fits, 0 when none does. It builds a graph for each batch that it tries: what
// is alive together does not grow evenly.
func largestBatch(o StepOptions, holds func(MemoryEstimate) bool) (int, error) {
	unit := o.unit()
	fits, tooLarge := 0, o.Batch/unit
	for tooLarge-fits > 1 {
		middle := (fits + tooLarge) / 2
		o.Batch = middle * unit
		ok, err := fitting(o, holds)
		if err != nil {
			return 0, err
		}
		if ok {
			fits = middle
		} else {
			tooLarge = middle
		}
	}
	return fits * unit, nil
}

// fewestParts is the least number of micro-batches in which the batch fits, 0 when
// it fits in none.
func fewestParts(o StepOptions, holds func(MemoryEstimate) bool) (int, error) {
	pairs := o.Batch / max(o.Replicas.Size, 1)
	for parts := o.parts() + 1; parts <= pairs; parts++ {
		if pairs%parts != 0 {
			continue
		}
		o.Accumulate = parts
		if ok, err := fitting(o, holds); ok || err != nil {
			return parts, err
		}
	}
	return 0, nil
}

// fitting builds a step and reports whether it fits.
func fitting(o StepOptions, holds func(MemoryEstimate) bool) (bool, error) {
	s := graph.New(tensorflow.Float)
	step, err := BuildStep(s, o)
	if err != nil {
		return false, err
	}
	m, err := EstimateMemory(s, step, o)
	return err == nil && holds(m), err
}
