package memory

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// TestEstimate compares with sums made by hand for graphs of maps of
// 1000 floats, 4000 bytes.
func TestEstimate(t *testing.T) {
	const size = 4000
	input := func(s *graph.Scope) tensorflow.Output { return s.Placeholder("x", tensorflow.Float, 10, 100) }
	for _, c := range []struct {
		name  string
		build func(s *graph.Scope, x tensorflow.Output) tensorflow.Output
		want  int64
	}{
		{"one output, and the input is the caller's", func(s *graph.Scope, x tensorflow.Output) tensorflow.Output { return s.Relu(x) }, size},
		{"written over in a chain", func(s *graph.Scope, x tensorflow.Output) tensorflow.Output { return s.Exp(s.Neg(s.Relu(x))) }, size},
		{"kept for a later consumer", func(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
			a := s.Relu(x)
			return s.Concat(0, a, s.Exp(a)) // a, exp(a), both joined
		}, 4 * size},
		{"freed before the next", func(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
			a := s.Concat(0, x, x)   // 2
			b := s.Concat(0, a, a)   // 4, beside 2
			return s.Concat(0, b, b) // 8, beside 4
		}, 12 * size},
		{"views cost nothing", func(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
			return s.Reshape(s.Identity("same", s.Reshape(s.Relu(x), 1000)), 100, 10)
		}, size},
		{"doubles are twice as large", func(s *graph.Scope, x tensorflow.Output) tensorflow.Output { return s.Cast(x, tensorflow.Double) }, 2 * size},
		{"what the target does not need", func(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
			s.Concat(0, x, x, x, x)
			return s.Relu(x)
		}, size},
	} {
		s := graph.New(tensorflow.Float)
		y := c.build(s, input(s))
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		got, err := Estimate(s, y.Op)
		if err != nil {
			t.Fatal(err)
		}
		if got.Temporaries != c.want || got.Variables != 0 {
			t.Errorf("%s: %d bytes and %d of variables, want %d and 0", c.name, got.Temporaries, got.Variables, c.want)
		}
	}
}

// TestEstimateOfVariables: variables live all the time, reading them
// costs nothing, and control dependencies count as needed.
func TestEstimateOfVariables(t *testing.T) {
	s := graph.New(tensorflow.Float)
	w := s.Variable("w", graph.Trainable, graph.Ones, 10, 100)
	s.VariableOf(tensorflow.Int64, "step", graph.Slot, graph.Zeros)
	joined := s.Concat(0, w.Value, w.Value)
	target := s.Barrier(joined)
	got, err := Estimate(s, target)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Need{Variables: 4000 + 8, Temporaries: 8000}); got != want || got.Total() != 12008 {
		t.Errorf("%+v, %d in total; want %+v", got, got.Total(), want)
	}
	// A fetched output stays until the end of the run.
	other := s.Concat(0, w.Value, w.Value, w.Value)
	got, err = Estimate(s, target, other)
	if err != nil {
		t.Fatal(err)
	}
	if got.Temporaries < 12000 {
		t.Errorf("with an output of 12000 bytes fetched: %d bytes", got.Temporaries)
	}
}

// TestEstimateOfOpenShapes: a size that is not known counts as large as
// the largest input.
func TestEstimateOfOpenShapes(t *testing.T) {
	s := graph.New(tensorflow.Float)
	a := s.Concat(0, s.Placeholder("x", tensorflow.Float, 10, 100), s.Placeholder("y", tensorflow.Float, 10, 100))
	b := s.Op("Unique", nil, s.Reshape(a, -1))
	got, err := Estimate(s, b.Op)
	if err != nil {
		t.Fatal(err)
	}
	// Both outputs of Unique may be as large as its input.
	if got.Temporaries < 2*8000 {
		t.Errorf("%d bytes, want at least 16000", got.Temporaries)
	}
}

func TestEstimateAfterAnError(t *testing.T) {
	s := graph.New(tensorflow.Float)
	s.Failf("no such luck")
	if _, err := Estimate(s, nil); err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("error is %v", err)
	}
}
