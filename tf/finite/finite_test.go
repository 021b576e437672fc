package finite

import (
	"errors"
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

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

// Whatever the type, wherever it lies among words and blocks, the first value that
// is no number is found, and the largest numbers are numbers.
func TestCheckBytesFindsTheFirst(t *testing.T) {
	for _, test := range []struct {
		dtype     tensorflow.DataType
		bytes     int
		bad, good uint64 // least infinity, greatest number; with and without sign
	}{
		{tensorflow.Float, 4, 0x7f800000, 0x7f7fffff},
		{tensorflow.Double, 8, 0x7ff0000000000000, 0x7fefffffffffffff},
		{tensorflow.Bfloat16, 2, 0x7f80, 0x7f7f},
		{tensorflow.Half, 2, 0x7c00, 0x7bff},
	} {
		const n = 83
		sign := uint64(1) << (8*test.bytes - 1)
		raw := make([]byte, n*test.bytes)
		put := func(i int, bits uint64) {
			for b := range test.bytes {
				raw[i*test.bytes+b] = byte(bits >> (8 * b))
			}
		}
		for i := range n {
			put(i, test.good|sign*uint64(i%2))
		}
		if err := CheckBytes(test.dtype, raw, 5); err != nil {
			t.Fatalf("%v: the largest numbers: %v", test.dtype, err)
		}
		for _, bad := range []uint64{test.bad, test.bad | sign, test.bad | 1, test.good | test.bad} {
			for i := n - 1; i >= 0; i-- {
				put(i, bad)
				var found *Error
				if err := CheckBytes(test.dtype, raw, 5); !errors.As(err, &found) || found.Index != int64(5+i) {
					t.Fatalf("%v: %x at %d: %v", test.dtype, bad, i, err)
				}
			}
			for i := range n {
				put(i, test.good|sign*uint64(i%2))
			}
		}
	}
}
