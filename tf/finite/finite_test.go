package finite

import (
	"errors"
	"math"
	"testing"

	"github.com/prioritycut/prioritycut/tf/tftest"
)

var nan, inf = float32(math.NaN()), float32(math.Inf(1))

func TestCheckFinite(t *testing.T) {
	for _, bad := range []float32{nan, inf, -inf} {
		var found *Error
		if err := Check(tftest.Of(t, []float32{0, math.MaxFloat32, bad, nan}, 4)); !errors.As(err, &found) || found.Index != 2 {
			t.Errorf("%v: %v", bad, err)
		} else if f := found.Value; float32(f) != bad && !math.IsNaN(f) {
			t.Errorf("%v is told as %v", bad, f)
		}
		if err := Check(tftest.Of(t, []float64{1e308, float64(bad)}, 2)); !errors.As(err, &found) || found.Index != 1 {
			t.Errorf("%v in double precision: %v", bad, err)
		}
	}
	// The bits of these would be no numbers as floats.
	for _, err := range []error{
		Check(tftest.Of(t, []float32{math.MaxFloat32, -math.SmallestNonzeroFloat32, 0}, 3)),
		Check(tftest.Of(t, []int32{math.MaxInt32, -1}, 2)), Check(tftest.Of(t, []bool{true}, 1)),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}
