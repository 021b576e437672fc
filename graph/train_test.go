package graph

import (
	"fmt"
	"math"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// pytorchAdam is the optimiser of one weight as PyTorch defines it.
type pytorchAdam struct {
	beta1, beta2, epsilon float64
	w, m, v               float64
	t                     int
}

func (a *pytorchAdam) step(g, lr float64) {
	a.t++
	a.m = a.beta1*a.m + (1-a.beta1)*g
	a.v = a.beta2*a.v + (1-a.beta2)*g*g
	mHat := a.m / (1 - math.Pow(a.beta1, float64(a.t)))
	vHat := a.v / (1 - math.Pow(a.beta2, float64(a.t)))
	a.w -= lr * mHat / (math.Sqrt(vHat) + a.epsilon)
}

// TestAdam takes steps with gradients of all sizes: some are as small as
// epsilon, which tells where it is added, and the learning rate changes.
func TestAdam(t *testing.T) {
	gradients := [][]float64{
		{1, -2, 1e-8, 3e-9, 0},
		{0.5, 2, -1e-8, 5e-9, 0},
		{-1, 0.1, 2e-8, 1e-7, 1e-8},
		{3, 0, 0, -1e-9, 1},
		{1e-3, -5, 1e-8, 0, 1},
	}
	rates := []float64{2e-4, 2e-4, 2e-4, 2e-5, 2e-5}
	for name, dtype := range dtypes {
		t.Run(name, func(t *testing.T) {
			s := New(dtype)
			w := s.Sub("net").Variable("weight", Trainable, Zeros, 5)
			other := s.Sub("other").Variable("bias", Trainable, Zeros, 2, 1)
			lr, g := s.Placeholder("lr", dtype), s.Placeholder("g", dtype, 5)
			adam := NewAdam(s.Sub("optimizer"), "net", []*Variable{w, other}, lr, 0.5, 0.999, 1e-8)
			barrier := s.Barrier(append(append(s.PendingUpdates(), adam.Reads()...), g)...)
			done := append(s.Commit(barrier), adam.Apply(s, []tensorflow.Output{g, s.Values([]float64{1, -1}, 2, 1)}, barrier)...)
			train := s.AddOp("NoOp", nil, done)
			session := tftest.NewSession(t, s)
			if err := Initialize(session, s.Variables(), 1); err != nil {
				t.Fatal(err)
			}
			// A long run behind it, with moments that fit.
			const before = 100000
			start := pytorchAdam{beta1: 0.5, beta2: 0.999, epsilon: 1e-8, m: 1e-9, v: 1e-17, t: before}
			first, second := adam.Slots(0)
			fill := func(v *Variable, x float64) *tensorflow.Tensor {
				return tftest.Tensor(t, v.DType, []float64{x, x, x, x, x}, 5)
			}
			if err := Assign(session, map[*Variable]*tensorflow.Tensor{
				first: fill(first, start.m), second: fill(second, start.v), adam.Step: tftest.Tensor(t, tensorflow.Int64, []float64{before}),
			}); err != nil {
				t.Fatal(err)
			}
			for _, fromZero := range []bool{false, true} {
				if fromZero {
					start.m, start.v, start.t = 0, 0, 0
					if err := Initialize(session, s.Variables(), 1); err != nil {
						t.Fatal(err)
					}
				}
				want := make([]pytorchAdam, 5)
				for i := range want {
					want[i] = start
				}
				for step, values := range gradients {
					in := map[tensorflow.Output]*tensorflow.Tensor{g: tftest.Tensor(t, dtype, values, 5), lr: tftest.Tensor(t, dtype, []float64{rates[step]})}
					if _, err := session.Run(in, nil, []*tensorflow.Operation{train}); err != nil {
						t.Fatal(err)
					}
					compareAdam(t, fmt.Sprintf("from zero %v, step %d", fromZero, step), dtype, want, values, rates[step],
						tftest.Run(t, session, nil, w.Value, first.Value, second.Value, adam.Step.Value))
				}
			}
		})
	}
}

// compareAdam moves want and compares with it. TensorFlow takes 1-beta2 from
// beta2 in the variables' dtype, which in float32 is 1.3e-5 off.
func compareAdam(t *testing.T, what string, dtype tensorflow.DataType, want []pytorchAdam, gradients []float64, rate float64, got [][]float64) {
	t.Helper()
	tol := 1e-12
	if dtype == tensorflow.Float {
		tol = 2e-5
	}
	if steps := got[3][0]; int(steps) != want[0].t+1 {
		t.Errorf("%s: %v steps were counted, want %d", what, steps, want[0].t+1)
	}
	for i := range want {
		want[i].step(gradients[i], rate)
		if math.Abs(got[0][i]-want[i].w) > tol*(2e-4+math.Abs(want[i].w)) {
			t.Errorf("%s: weight %d is %v, want %v", what, i, got[0][i], want[i].w)
		}
		if math.Abs(got[1][i]-want[i].m) > tol*(math.Abs(want[i].m)+1e-9) {
			t.Errorf("%s: the first moment of weight %d is %v, want %v", what, i, got[1][i], want[i].m)
		}
		if math.Abs(got[2][i]-want[i].v) > tol*want[i].v {
			t.Errorf("%s: the second moment of weight %d is %v, want %v", what, i, got[2][i], want[i].v)
		}
	}
}

func TestAdamNamesAndErrors(t *testing.T) {
	s := New(tensorflow.Float)
	w := s.Sub("net").Variable("weight", Trainable, Ones, 2, 3)
	lr := s.Placeholder("lr", tensorflow.Float)
	adam := NewAdam(s.Sub("optimizer"), "net", []*Variable{w}, lr, 0.5, 0.999, 1e-8)
	first, second := adam.Slots(0)
	for v, want := range map[*Variable]string{
		first: "optimizer.net.weight.exp_avg", second: "optimizer.net.weight.exp_avg_sq", adam.Step: "optimizer.net.step",
	} {
		if v.Name != want || v.Kind != Slot {
			t.Errorf("a slot is called %s (kind %d), want %s (kind %d)", v.Name, v.Kind, want, Slot)
		}
	}
	if adam.Apply(s, nil, nil) != nil || s.Err() == nil || !strings.Contains(s.Err().Error(), "0 gradients for 1 variables") {
		t.Errorf("too few gradients give %v", s.Err())
	}
	if adam.Apply(s, nil, nil) != nil {
		t.Error("after an error operations are added")
	}
}

// TestBarrier: what a step reads is read before anything moves.
func TestBarrier(t *testing.T) {
	s := New(tensorflow.Double)
	v := s.Variable("count", State, Zeros, 1)
	before := s.Scale(v.Value, 1)
	s.Update(v, s.Shift(s.Pending(v), 1))
	s.Update(v, s.Scale(s.Pending(v), 10))
	barrier := s.Barrier(append(s.PendingUpdates(), before, tensorflow.Output{}, before)...)
	ops := s.Commit(barrier)
	if len(ops) != 1 || len(s.PendingUpdates()) != 0 || s.Pending(v) != v.Value {
		t.Errorf("%d assignments, %d updates still wait", len(ops), len(s.PendingUpdates()))
	}
	session := tftest.NewSession(t, s)
	if err := Initialize(session, s.Variables(), 0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []float64{0, 10, 110} {
		out, err := session.Run(nil, []tensorflow.Output{before}, ops)
		if err != nil {
			t.Fatal(err)
		}
		if got := tftest.Values(t, out[0])[0]; got != want {
			t.Errorf("a step reads %v, want %v", got, want)
		}
	}
}

// TestGradientsCutOff: a variable that the loss does not reach is an error
// that names it.
func TestGradientsCutOff(t *testing.T) {
	s := New(tensorflow.Double)
	used := s.Sub("used").Variable("weight", Trainable, Ones, 2)
	lost := s.Sub("lost").Variable("weight", Trainable, Ones, 2)
	loss := s.Add(s.Sum(s.Square(used.Value)), s.Sum(s.StopGradient(lost.Value)))
	if grads := s.Gradients(loss, []*Variable{used, lost}); grads != nil {
		t.Errorf("gradients are %v", grads)
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "lost.weight") || strings.Contains(err.Error(), "used.weight") {
		t.Errorf("error is %v, want one that names lost.weight alone", err)
	}
}

// TestGradientsTwice: two losses are differentiated in one graph.
func TestGradientsTwice(t *testing.T) {
	s := New(tensorflow.Double)
	w := s.Variable("w", Trainable, Ones, 3)
	values := normals(random.New(13), 3)
	a := s.Gradients(s.Sum(s.Square(w.Value)), []*Variable{w})
	b := s.Gradients(s.Sum(s.Exp(w.Value)), []*Variable{w})
	if none := s.Gradients(s.Sum(w.Value), nil); len(none) != 0 {
		t.Errorf("gradients for no variables are %v", none)
	}
	got := tftest.Run(t, tftest.NewSession(t, s), map[tensorflow.Output]*tensorflow.Tensor{w.Value: tftest.Tensor(t, tensorflow.Double, values, 3)}, a[0], b[0])
	for i, v := range values {
		if math.Abs(got[0][i]-2*v) > 1e-15 || math.Abs(got[1][i]-math.Exp(v)) > 1e-14 {
			t.Errorf("gradients at %v are %v and %v", v, got[0][i], got[1][i])
		}
	}
}
