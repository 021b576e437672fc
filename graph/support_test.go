package graph

import (
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
)

var dtypes = map[string]tensorflow.DataType{"float": tensorflow.Float, "double": tensorflow.Double}

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
