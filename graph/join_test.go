package graph

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// TestJoins compares joins of few and of many with their definition, and their
// gradients with the weights of the functional that is differentiated.
func TestJoins(t *testing.T) {
	for _, n := range []int{1, 2, 7, 8, 9, 15, 49, 50, 57, 130} {
		s := New(tensorflow.Double)
		values := make([][]float64, n)
		list := make([]tensorflow.Output, n)
		feeds := map[tensorflow.Output]*tensorflow.Tensor{}
		r := random.New(int64(n))
		for i := range list {
			fed := s.Placeholder("x", tensorflow.Double, 2, 1)
			list[i] = s.Identity("x", fed)
			values[i] = normals(r, 2)
			feeds[fed] = tftest.Tensor(t, tensorflow.Double, values[i], 2, 1)
		}
		weights := normals(r, 2*n)
		sum, joined, stacked := s.AddN(list...), s.Concat(1, list...), s.Stack(0, list...)
		loss := s.Sum(s.Mul(joined, s.Values(weights, 2, int64(n))))
		gradients := s.GradientsOf(loss, list)
		ofSum := s.GradientsOf(s.Sum(sum), list[n-1:])
		if s.Err() != nil {
			t.Fatal(s.Err())
		}
		outputs := append([]tensorflow.Output{sum, joined, stacked, ofSum[0]}, gradients...)
		got := tftest.Run(t, tftest.NewSession(t, s), feeds, outputs...)
		wantSum, wantJoined, wantStacked := make([]float64, 2), make([]float64, 2*n), make([]float64, 2*n)
		for i, v := range values {
			for j := range v {
				wantSum[j] += v[j]
				wantJoined[j*n+i], wantStacked[2*i+j] = v[j], v[j]
			}
			near(t, "gradient", got[4+i], []float64{weights[i], weights[n+i]}, 1e-12)
		}
		near(t, "sum", got[0], wantSum, 1e-12)
		near(t, "concat", got[1], wantJoined, 0)
		near(t, "stack", got[2], wantStacked, 0)
		near(t, "gradient of the sum", got[3], []float64{1, 1}, 0)
	}
}

func TestJoinsOfNothing(t *testing.T) {
	for name, join := range map[string]func(*Scope) tensorflow.Output{
		"AddN":   func(s *Scope) tensorflow.Output { return s.AddN() },
		"Concat": func(s *Scope) tensorflow.Output { return s.Concat(0) },
		"Stack":  func(s *Scope) tensorflow.Output { return s.Stack(0) },
	} {
		s := New(tensorflow.Float)
		if join(s); s.Err() == nil {
			t.Errorf("%s of nothing is no error", name)
		}
	}
}

// TestWideGradients: an operation of more inputs than TensorFlow differentiates
// alike in every process is refused where it lies between the loss and what is
// asked for, and nowhere else.
func TestWideGradients(t *testing.T) {
	build := func(from string) (s *Scope, x, wide tensorflow.Output) {
		s = New(tensorflow.Double)
		x = s.Placeholder("x", tensorflow.Double, 3)
		y := x
		if from == "narrow" {
			y = s.Placeholder("y", tensorflow.Double, 3)
		}
		list := make(tensorflow.OutputList, maxInputs+1)
		for i := range list {
			list[i] = s.Scale(y, float64(i+2))
		}
		return s, x, s.Op("AddN", nil, list)
	}
	for name, c := range map[string]struct {
		loss    func(s *Scope, x, wide tensorflow.Output) tensorflow.Output
		refused bool
	}{
		"between":  {func(s *Scope, x, wide tensorflow.Output) tensorflow.Output { return s.Sum(s.Square(wide)) }, true},
		"the loss": {func(s *Scope, x, wide tensorflow.Output) tensorflow.Output { return wide }, true},
		"narrow": {func(s *Scope, x, wide tensorflow.Output) tensorflow.Output {
			return s.Sum(s.AddN(x, s.Square(x), s.Exp(x)))
		}, false},
		"with controls": {func(s *Scope, x, wide tensorflow.Output) tensorflow.Output { return controlled(s, x) }, true},
	} {
		s, x, wide := build(name)
		loss := c.loss(s, x, wide)
		s.GradientsOf(loss, []tensorflow.Output{x})
		if err := s.Err(); (err != nil) != c.refused || err != nil && !strings.Contains(err.Error(), "from process to process") {
			t.Errorf("%s: error is %v, refused should be %v", name, err, c.refused)
		}
	}
}

// controlled is the square of x behind so many control inputs.
func controlled(s *Scope, x tensorflow.Output) tensorflow.Output {
	control := make([]*tensorflow.Operation, maxInputs)
	for i := range control {
		control[i] = s.AddOp("NoOp", nil, nil)
	}
	return s.AddOp("Square", nil, control, x).Output(0)
}
