package graph

import (
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// staged is a loss of two stages over one variable: the second one's output is
// multiplied by the first one's where they are coupled.
type staged struct {
	s          *Scope
	x          tensorflow.Output
	w          *Variable
	outs       []tensorflow.Output
	loss, grad tensorflow.Output
}

func newStaged(t *testing.T, coupled, inTurn bool) staged {
	t.Helper()
	s := New(tensorflow.Float)
	g := staged{s: s, x: s.Placeholder("x", tensorflow.Float, 3), w: s.Variable("w", Trainable, Repeat(0.5), 3)}
	first, second := &Stage{}, &Stage{}
	a := s.Exp(s.Mul(first.Enter(s, s.Exp(g.x)), g.w.Value))
	b := s.Exp(s.Mul(second.Enter(s, g.w.Value), g.w.Value))
	g.outs = []tensorflow.Output{a, b}
	g.loss = s.Add(s.Sum(a), s.Sum(b))
	if coupled {
		g.loss = s.Sum(s.Mul(a, b))
	}
	grads := s.Gradients(g.loss, []*Variable{g.w})
	if inTurn {
		s.InTurn(grads, first, second)
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	g.grad = grads[0]
	return g
}

func (g staged) run(t *testing.T, fetch tensorflow.Output, feeds map[tensorflow.Output]*tensorflow.Tensor) ([]float32, error) {
	t.Helper()
	session := tftest.NewSession(t, g.s)
	if err := Initialize(session, g.s.Variables(), 1); err != nil {
		t.Fatal(err)
	}
	out, err := session.Run(feeds, []tensorflow.Output{fetch}, nil)
	if err != nil {
		return nil, err
	}
	values, err := tf.Values[float32](out[0])
	if err != nil {
		t.Fatal(err)
	}
	return values, nil
}

// Stages in turn give the same gradients, also where one needs the other: no
// operation waits for itself then.
func TestStagesKeepValues(t *testing.T) {
	for _, coupled := range []bool{false, true} {
		var got [2][]float32
		for i, inTurn := range []bool{false, true} {
			g := newStaged(t, coupled, inTurn)
			x, err := tf.NewTensor([]float32{0.1, -0.2, 0.3}, 3)
			if err != nil {
				t.Fatal(err)
			}
			if got[i], err = g.run(t, g.grad, map[tensorflow.Output]*tensorflow.Tensor{g.x: x}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got[0], got[1]) || slices.Max(got[0]) == 0 {
			t.Errorf("coupled %v: gradients %v, in turn %v", coupled, got[0], got[1])
		}
	}
}

// A stage waits for the gradients of the one before: without that one's input it
// cannot be computed, though it reads nothing of it. The first waits for nobody.
func TestStagesWait(t *testing.T) {
	for _, inTurn := range []bool{false, true} {
		g := newStaged(t, false, inTurn)
		_, err := g.run(t, g.outs[1], nil)
		if waits := err != nil && strings.Contains(err.Error(), "placeholder"); waits != inTurn {
			t.Errorf("in turn %v: the second stage without the first one's input: %v", inTurn, err)
		}
		x, err := tf.NewTensor([]float32{0, 0, 0}, 3)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.run(t, g.outs[0], map[tensorflow.Output]*tensorflow.Tensor{g.x: x}); err != nil {
			t.Errorf("in turn %v: the first stage: %v", inTurn, err)
		}
	}
}
