package train

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/graph/memory"
	"github.com/prioritycut/prioritycut/internal/machine"
)

// What a process needs beside the tensors of a step, measured on the presets.
const (
	// programMemory is Go, TensorFlow's library, its graph and the loader.
	programMemory = 400 << 20
	// kernelFactor multiplies the tensors of a step: kernels take scratch
	// space and keep rearranged weights, two operations run side by side, and
	// freed memory is not always fit for the next tensor.
	kernelFactor = 1.9
	// ownKernelFactor is the same where kernels of our own serve: they need fewer
	// tensors, and keep the transformed kernels of networks that do not train.
	ownKernelFactor = 4.1
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
	// Batch is the batch that Step is for.
	Batch int
}

// Total is the expected peak of the process, in bytes.
func (m MemoryEstimate) Total() int64 { return programMemory + m.Variables + m.Gradients + m.Step }

// String tells the parts.
func (m MemoryEstimate) String() string {
	return fmt.Sprintf("about %.1f GB: variables %.2f GB, gradients %.2f GB, a step of %d pairs %.2f GB, the program %.2f GB",
		gigabytes(m.Total()), gigabytes(m.Variables), gigabytes(m.Gradients), m.Batch, gigabytes(m.Step), gigabytes(programMemory))
}

func gigabytes(bytes int64) float64 { return float64(bytes) / (1 << 30) }

// EstimateMemory tells what training with step, built in s, needs.
func EstimateMemory(s *graph.Scope, step *Step, o StepOptions) (MemoryEstimate, error) {
	m, err := memory.Estimate(s, step.Train, step.Losses, step.GradientNorms)
	if err != nil {
		return MemoryEstimate{}, err
	}
	e := MemoryEstimate{Variables: m.Variables, Batch: o.Batch}
	for _, g := range step.Gradients {
		size := int64(4)
		for _, d := range s.Shape(g) {
			size *= int64(d)
		}
		e.Gradients += size
	}
	factor := kernelFactor
	if s.OwnKernels() {
		factor = ownKernelFactor
	}
	e.Step = int64(factor * float64(m.Temporaries-e.Gradients))
	return e, s.Err()
}

// mayHold reports whether the variables of two steps may be kept side by side
// on a machine with so much memory. An unknown limit forbids nothing.
func (m MemoryEstimate) mayHold() bool {
	limit, err := machine.Memory()
	return err != nil || m.Total()+m.Variables <= limit
}

// checkMemory refuses a step on the CPU that needs more than the machine has,
// and looks for the batch that fits.
func checkMemory(m MemoryEstimate, o StepOptions) error {
	limit, err := machine.Memory()
	if err != nil || m.Total() <= limit {
		return nil // an unknown limit stops nobody
	}
	fits, err := largestBatch(o, limit)
	if err != nil {
		return err
	}
	advice := "not even one pair fits: use smaller networks or pictures"
	if fits > 0 {
		advice = fmt.Sprintf("the largest batch that fits is %d: --set train_params.batch_size=%d", fits, fits)
	}
	return fmt.Errorf("training needs %v, and this machine has %.1f GB; %s", m, gigabytes(limit), advice)
}

// largestBatch is the largest batch below o.Batch whose step fits into limit
// bytes, 0 when none does. It builds a graph for each batch that it tries: what
// is alive together does not grow evenly.
func largestBatch(o StepOptions, limit int64) (int, error) {
	fits, tooLarge := 0, o.Batch
	for tooLarge-fits > 1 {
		o.Batch = (fits + tooLarge) / 2
		s := graph.New(tensorflow.Float)
		step, err := BuildStep(s, o)
		if err != nil {
			return 0, err
		}
		m, err := EstimateMemory(s, step, o)
		if err != nil {
			return 0, err
		}
		if m.Total() <= limit {
			fits = o.Batch
		} else {
			tooLarge = o.Batch
		}
	}
	return fits, nil
}
