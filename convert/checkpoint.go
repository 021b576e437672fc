package convert

import (
	"fmt"
	"math"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/weights"
)

// Notes are those of a training run's checkpoint and where a converted one
// comes from.
type Notes struct {
	rundir.Meta
	// Converted is nil for checkpoints of our own runs.
	Converted *Origin `json:"converted,omitempty"`
}

// Origin says what a checkpoint was converted from.
type Origin struct {
	// File is the file's name without its folder, Format its kind.
	File   string         `json:"file"`
	Format weights.Format `json:"format"`
	// Epoch is the last epoch that the reference finished, absent if the file
	// does not say.
	Epoch *int64 `json:"epoch,omitempty"`
}

// runState is the state of a run: networks and values of their variables.
type runState struct {
	from   string
	config *config.Config
	nets   *networks
	notes  Notes
	// values has all weights and all state, and the slots of those optimisers
	// whose state is known.
	values map[*graph.Variable]*tensorflow.Tensor
	// ignored are tensors of the file that are not taken.
	ignored []string
	// remarks tell a person what he may want to know.
	remarks []string
}

func (c *runState) remark(format string, args ...any) {
	c.remarks = append(c.remarks, fmt.Sprintf(format, args...))
}

// take makes a tensor of the file the value of a variable.
func (c *runState) take(v *graph.Variable, t *weights.Tensor) error {
	if t.DType().Valid() && !t.DType().IsFloat() {
		return fmt.Errorf("%s: its elements are %v, no floating-point numbers", fileName(v), t.DType())
	}
	values, err := t.Float32s()
	if err != nil {
		return fmt.Errorf("%s: %w", fileName(v), err)
	}
	for _, x := range values {
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%s has elements that are not finite: the file is damaged, or its training went astray", fileName(v))
		}
	}
	if len(v.Dims) == 4 {
		shape := t.Shape()
		if len(shape) == 5 { // 1 deep, which check has seen
			shape = []int64{shape[0], shape[1], shape[3], shape[4]}
		}
		if values, _, err = weights.HWIO(values, shape); err != nil {
			return fmt.Errorf("%s: %w", fileName(v), err)
		}
	}
	if c.values[v], err = tf.NewTensor(values, v.Dims...); err != nil {
		return fmt.Errorf("%s: %w", fileName(v), err)
	}
	return nil
}

// setCount gives a counter its value.
func (c *runState) setCount(v *graph.Variable, n int64) error {
	if n < 0 || n > maxSteps {
		return fmt.Errorf("%s is %d, must lie in 0..%d", fileName(v), n, int64(maxSteps))
	}
	var err error
	c.values[v], err = tf.Scalar(n)
	return err
}

// maxSteps bounds the counts that files may claim.
const maxSteps = 1_000_000_000_000

// count is the value of a counter, 0 without one.
func (c *runState) count(v *graph.Variable) int64 {
	t := c.values[v]
	if t == nil {
		return 0
	}
	n, err := tf.Value[int64](t)
	if err != nil {
		return 0
	}
	return n
}

// finish notes what the checkpoint is, once configuration and counts are known.
func (c *runState) finish() error {
	text, err := c.config.Marshal()
	if err != nil {
		return err
	}
	m := &c.notes.Meta
	m.FormatVersion = rundir.FormatVersion
	m.Seed, m.ConfigHash, m.Preset, m.Variant = c.config.Seed, c.config.Hash(), c.config.Preset, string(c.config.Variant)
	m.FrameShape, m.Fit, m.AlignCorners = c.config.Dataset.FrameShape, string(c.config.Dataset.Fit), c.config.Model.AlignCorners
	m.Config = string(text)
	if m.VGG19 == "" {
		m.VGG19 = unknownVGG19
	}
	return c.setCount(c.nets.counter, m.Step)
}

// unknownVGG19 stands where files of others do not say what the perceptual loss
// compared.
const unknownVGG19 = "unknown"
