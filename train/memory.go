package train

import (
	"fmt"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/machine"
)

// What a process needs beside the tensors of a step, measured on the presets.
const (
	// programMemory is Go, TensorFlow's library, its graph and the loader.
	programMemory = 400 << 20
	// kernelFactor multiplies the tensors of a step: kernels take scratch
	// space and keep rearranged weights, two operations run side by side, and
	// freed memory is not always fit for the next tensor.
	kernelFactor = 1.6
)

// MemoryEstimate is what training is expected to need of main memory.
type MemoryEstimate struct {
	// Variables are weights, averages and the optimisers' slots, in bytes.
	Variables int64
	// Step is the most that one step needs beside them; it grows with the
	// batch.
	Step int64
	// Batch is the batch that Step is for.
	Batch int
}

// Total is the expected peak of the process, in bytes.
func (m MemoryEstimate) Total() int64 { return programMemory + m.Variables + m.Step }

// LargestBatch is the largest batch that fits into limit bytes; 0 when none.
func (m MemoryEstimate) LargestBatch(limit int64) int {
	perSample := m.Step / int64(m.Batch)
	if perSample <= 0 {
		return m.Batch
	}
	return int(max(0, (limit-programMemory-m.Variables)/perSample))
}

// String tells the parts.
func (m MemoryEstimate) String() string {
	return fmt.Sprintf("about %.1f GB: variables %.2f GB, a step of %d pairs %.2f GB, the program %.2f GB",
		gigabytes(m.Total()), gigabytes(m.Variables), m.Batch, gigabytes(m.Step), gigabytes(programMemory))
}

func gigabytes(bytes int64) float64 { return float64(bytes) / (1 << 30) }

// EstimateMemory tells what training with step, built in s, needs.
func EstimateMemory(s *graph.Scope, step *Step, o StepOptions) (MemoryEstimate, error) {
	m, err := s.EstimateMemory(step.Train, step.Losses, step.GradientNorms)
	if err != nil {
		return MemoryEstimate{}, err
	}
	return MemoryEstimate{Variables: m.Variables, Step: int64(kernelFactor * float64(m.Temporaries)), Batch: o.Batch}, nil
}

// CheckMemory refuses a run on the CPU that needs more than the machine has.
func (m MemoryEstimate) CheckMemory() error {
	limit, err := machine.Memory()
	if err != nil || m.Total() <= limit {
		return nil // an unknown limit stops nobody
	}
	advice := "; not even one pair fits: use smaller networks or pictures"
	if n := m.LargestBatch(limit); n > 0 {
		advice = fmt.Sprintf("; the largest batch that fits is %d: --set train_params.batch_size=%d", n, n)
	}
	return fmt.Errorf("training needs %v, and this machine has %.1f GB%s", m, gigabytes(limit), advice)
}
