package graph

import (
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
)

var dtypes = map[string]tensorflow.DataType{"float": tensorflow.Float, "double": tensorflow.Double}

// newSession runs the graph of s on the CPU.
func newSession(tb testing.TB, s *Scope) *tf.Session {
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
	t, err := NewTensor(dtype, values, dims...)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// valuesOf reads a tensor of float32, float64 or int64.
func valuesOf(tb testing.TB, t *tensorflow.Tensor) []float64 {
	tb.Helper()
	switch t.DataType() {
	case tensorflow.Float:
		return widen[float32](tb, t)
	case tensorflow.Int64:
		return widen[int64](tb, t)
	}
	return widen[float64](tb, t)
}

func widen[T float32 | float64 | int64](tb testing.TB, t *tensorflow.Tensor) []float64 {
	tb.Helper()
	values, err := tf.Values[T](t)
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

type feeds = map[tensorflow.Output]*tensorflow.Tensor

// run fetches outputs, all in one run.
func run(tb testing.TB, session *tf.Session, in feeds, outputs ...tensorflow.Output) [][]float64 {
	tb.Helper()
	fetched, err := session.Run(in, outputs, nil)
	if err != nil {
		tb.Fatal(err)
	}
	values := make([][]float64, len(fetched))
	for i, t := range fetched {
		values[i] = valuesOf(tb, t)
	}
	return values
}

// evaluate fetches outputs of a graph without inputs.
func evaluate(tb testing.TB, s *Scope, outputs ...tensorflow.Output) [][]float64 {
	tb.Helper()
	return run(tb, newSession(tb, s), nil, outputs...)
}

// normals draws n standard normals, rounded to float32, so that graphs of both
// dtypes see the same numbers.
func normals(r *random.Rand, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = float64(float32(r.Normal()))
	}
	return values
}

// uniforms draws n numbers from [lo, hi], rounded to float32.
func uniforms(r *random.Rand, n int, lo, hi float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = float64(float32(r.Uniform(lo, hi)))
	}
	return values
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func wide(dims []int) []int64 {
	out := make([]int64, len(dims))
	for i, d := range dims {
		out[i] = int64(d)
	}
	return out
}

// near fails the test where got is further from want than tol times want's
// largest absolute value (at least 1e-3).
func near(tb testing.TB, what string, got, want []float64, tol float64) {
	tb.Helper()
	nearOrBelow(tb, what, got, want, tol, 1e-3)
}

// nearOrBelow is near with another least scale.
func nearOrBelow(tb testing.TB, what string, got, want []float64, tol, scale float64) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Errorf("%s: %d elements, want %d", what, len(got), len(want))
		return
	}
	for _, w := range want {
		scale = math.Max(scale, math.Abs(w))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tol*scale) {
			tb.Errorf("%s: element %d is %v, want %v, %.2g of the scale apart, allowed are %.2g",
				what, i, got[i], want[i], math.Abs(got[i]-want[i])/scale, tol)
			return
		}
	}
}
