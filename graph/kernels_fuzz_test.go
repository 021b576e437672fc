package graph

import (
	"slices"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// fuzzedConv is one of our convolutions with inputs of open shapes.
type fuzzedConv struct {
	inputs        []tensorflow.Output
	outputs       []tensorflow.Output
	session       *tf.Session
	before, after int64
	up            bool
}

// newFuzzedConv adds an op of a kind with so many inputs and outputs; x and dy
// come before kernels.
func newFuzzedConv(f *testing.F, op string, inputs, outputs int, before, after int64, up bool) *fuzzedConv {
	f.Helper()
	s := New(tensorflow.Float)
	c := &fuzzedConv{before: before, after: after, up: up}
	var in []tensorflow.Input
	for range inputs {
		p := s.Op("Placeholder", Attrs{"dtype": tensorflow.Float})
		c.inputs, in = append(c.inputs, p), append(in, p)
	}
	added := s.AddOp(op, Attrs{"pad_before": before, "pad_after": after, "upsample": up}, nil, in...)
	if err := s.Err(); err != nil {
		f.Fatal(err)
	}
	for i := range outputs {
		c.outputs = append(c.outputs, added.Output(i))
	}
	c.session = tftest.NewSession(f, s)
	return c
}

// FuzzConvolutions runs our ops in TensorFlow on tensors of any shapes: they
// refuse those that do not go together, and give the others' sizes. What they
// compute is compared in kernels.
func FuzzConvolutions(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 4, 1, 5, 6, 2, 4, 3, 3, 2, 7, 1, 7})
	f.Add([]byte{2, 4, 2, 4, 4, 3, 4, 3, 3, 3, 5, 4, 2, 4, 4, 5})
	f.Add([]byte{4, 4, 3, 3, 1, 1, 4, 1, 4, 4, 1, 4})
	f.Add([]byte{6, 4, 1, 0, 6, 2, 4, 3, 3, 2, 7, 1, 7})
	if err := tf.LoadOps(); err != nil {
		f.Fatal(err)
	}
	var all []*fuzzedConv
	for _, op := range []struct {
		name            string
		inputs, outputs int
	}{{"PriorityCutConv2D", 3, 1}, {"PriorityCutConv2DFused", 4, 1}, {"PriorityCutConv2DInputGrad", 2, 1}, {"PriorityCutConv2DKernelGrad", 3, 2}} {
		all = append(all, newFuzzedConv(f, op.name, op.inputs, op.outputs, 1, 1, false), newFuzzedConv(f, op.name, op.inputs, op.outputs, 1, 1, true),
			newFuzzedConv(f, op.name, op.inputs, op.outputs, 0, 2, false))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		next := func() int64 {
			if len(data) == 0 {
				return 1
			}
			b := data[0]
			data = data[1:]
			return int64(b)
		}
		c := all[int(next())%len(all)]
		feeds := map[tensorflow.Output]*tensorflow.Tensor{}
		for _, in := range c.inputs {
			dims := make([]int64, next()%6)
			n := int64(1)
			for i := range dims {
				dims[i] = next() % 10
				n *= dims[i]
			}
			values := make([]float32, n)
			for i := range values {
				values[i] = float32(i%7) - 3
			}
			feeds[in] = tftest.Of(t, values, dims...)
		}
		out, err := c.session.Run(feeds, c.outputs, nil)
		if err != nil {
			if tf.Code(err) != tf.InvalidArgument {
				t.Errorf("%v", err)
			}
			return
		}
		if len(c.inputs) >= 3 && len(c.outputs) == 1 { // forward
			x, k := feeds[c.inputs[0]].Shape(), feeds[c.inputs[1]].Shape()
			side := func(n int64) int64 {
				if c.up {
					n *= 2
				}
				return n + c.before + c.after - k[0] + 1
			}
			if want := []int64{x[0], side(x[1]), side(x[2]), k[3]}; !slices.Equal(out[0].Shape(), want) {
				t.Errorf("%v with a kernel %v gives %v, want %v", x, k, out[0].Shape(), want)
			}
		}
	})
}
