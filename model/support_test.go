package model

import (
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
)

// newSession runs the graph of s on the CPU.
func newSession(tb testing.TB, s *graph.Scope) *tf.Session {
	tb.Helper()
	if err := s.Err(); err != nil {
		tb.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { session.Close() })
	return session
}

// newTensor makes a tensor; for float32 the values are rounded.
func newTensor(tb testing.TB, dtype tensorflow.DataType, values []float64, dims ...int64) *tensorflow.Tensor {
	tb.Helper()
	t, err := graph.NewTensor(dtype, values, dims...)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// valuesOf reads a tensor of float32 or float64.
func valuesOf(tb testing.TB, t *tensorflow.Tensor) []float64 {
	tb.Helper()
	if t.DataType() == tensorflow.Double {
		v, err := tf.Values[float64](t)
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
	single, err := tf.Values[float32](t)
	if err != nil {
		tb.Fatal(err)
	}
	v := make([]float64, len(single))
	for i, x := range single {
		v[i] = float64(x)
	}
	return v
}

// run fetches outputs, all in one run.
func run(tb testing.TB, session *tf.Session, feeds map[tensorflow.Output]*tensorflow.Tensor, outputs []tensorflow.Output) [][]float64 {
	tb.Helper()
	fetched, err := session.Run(feeds, outputs, nil)
	if err != nil {
		tb.Fatal(err)
	}
	values := make([][]float64, len(fetched))
	for i, t := range fetched {
		values[i] = valuesOf(tb, t)
	}
	return values
}
