package graph

import (
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf/tftest"
)

// TestSGD compares with the formula over three steps.
func TestSGD(t *testing.T) {
	const rate, momentum = 0.1, 0.9
	s := New(tensorflow.Double)
	w := s.Sub("net").Variable("weight", Trainable, Ones, 2)
	g := s.Placeholder("gradient", tensorflow.Double, 2)
	sgd := NewSGD(s.Sub("optimizer"), []*Variable{w}, s.Scalar(rate), momentum)
	ops := sgd.Apply(s, []tensorflow.Output{g}, s.Barrier(sgd.Reads()...))
	session := tftest.NewSession(t, s)
	if err := Initialize(session, s.Variables(), 0); err != nil {
		t.Fatal(err)
	}
	if name := s.Variables(Slot)[0].Name; name != "optimizer.net.weight.momentum_buffer" {
		t.Errorf("the slot is called %s", name)
	}
	want, buffer := []float64{1, 1}, []float64{0, 0}
	for _, d := range [][]float64{{1, -2}, {0.5, 0}, {-3, 1}} {
		feed := map[tensorflow.Output]*tensorflow.Tensor{g: tftest.Of(t, d, 2)}
		if _, err := session.Run(feed, nil, ops); err != nil {
			t.Fatal(err)
		}
		for i := range d {
			buffer[i] = momentum*buffer[i] + d[i]
			want[i] -= rate * buffer[i]
		}
		near(t, "weights", tftest.Run(t, session, nil, s.Op("ReadVariableOp", Attrs{"dtype": tensorflow.Double}, w.Handle()))[0], want, 1e-14)
	}
	if sgd.Apply(s, nil, nil) != nil || s.Err() == nil {
		t.Error("too few gradients are no error")
	}
}
