package element

import (
	"encoding/binary"
	"math"
	"testing"
)

// TestHalf re-derives every half-precision number from its definition.
func TestHalf(t *testing.T) {
	for h := 0; h < 1<<16; h++ {
		sign := 1.0
		if h&0x8000 != 0 {
			sign = -1
		}
		exponent, fraction := h>>10&31, float64(h&1023)/1024
		var want float64
		switch {
		case exponent == 31 && fraction == 0:
			want = sign * math.Inf(1)
		case exponent == 31:
			want = math.NaN()
		case exponent == 0:
			want = sign * math.Ldexp(fraction, -14)
		default:
			want = sign * math.Ldexp(1+fraction, exponent-15)
		}
		v, err := Float64s(F16, binary.LittleEndian.AppendUint16(nil, uint16(h)))
		if err != nil {
			t.Fatal(err)
		}
		same := v[0] == want && math.Signbit(v[0]) == math.Signbit(want) || math.IsNaN(v[0]) && math.IsNaN(want)
		if !same {
			t.Fatalf("%#04x is %v, not %v", h, v[0], want)
		}
	}
}

func TestConversions(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		t    Type
		b    []byte
		want float64
	}{
		{Bool, []byte{0}, 0},
		{Bool, []byte{7}, 1},
		{U8, []byte{255}, 255},
		{I8, []byte{255}, -1},
		{U16, []byte{1, 255}, 0xff01},
		{I16, []byte{1, 255}, -255},
		{BF16, []byte{0x49, 0x40}, 3.140625},
		{U32, le.AppendUint32(nil, math.MaxUint32), math.MaxUint32},
		{I32, le.AppendUint32(nil, 1<<31), math.MinInt32},
		{F32, le.AppendUint32(nil, math.Float32bits(0.1)), float64(float32(0.1))},
		{U64, le.AppendUint64(nil, 1<<63), 1 << 63},
		{I64, le.AppendUint64(nil, 1<<63), math.MinInt64},
		{F64, le.AppendUint64(nil, math.Float64bits(0.1)), 0.1},
	} {
		v, err := Float64s(c.t, c.b)
		if err != nil || len(v) != 1 || v[0] != c.want {
			t.Errorf("%v %x: %v, %v, want %v", c.t, c.b, v, err, c.want)
		}
		f, err := Float32s(c.t, c.b)
		if err != nil || len(f) != 1 || f[0] != float32(c.want) {
			t.Errorf("%v %x: %v, %v, want %v", c.t, c.b, f, err, float32(c.want))
		}
		if again, err := Parse(c.t.String()); again != c.t || err != nil {
			t.Errorf("%v is parsed as %v, %v", c.t, again, err)
		}
	}
	if _, err := Float32s(F32, make([]byte, 6)); err == nil {
		t.Error("one and a half elements were converted")
	}
	if _, err := Int64s(U64, le.AppendUint64(nil, 1<<63)); err == nil {
		t.Error("a number above the range of int64 was converted")
	}
	if _, err := Int64s(F32, make([]byte, 4)); err == nil {
		t.Error("a floating-point number was converted to an integer")
	}
	if _, err := Parse("F8_E4M3"); err == nil {
		t.Error("an unknown type has been parsed")
	}
}

func TestCount(t *testing.T) {
	for _, c := range []struct {
		shape []int64
		want  int64
		ok    bool
	}{
		{nil, 1, true},
		{[]int64{2, 3}, 6, true},
		{[]int64{1 << 20, 0, 1 << 20}, 0, true},
		{[]int64{1 << 40, 0, 1 << 40}, 0, false},
		{[]int64{1 << 40, 1 << 40}, 0, false},
		{[]int64{math.MaxInt64, math.MaxInt64, math.MaxInt64}, 0, false},
		{[]int64{0, -1}, 0, false},
	} {
		if n, err := Count(c.shape); n != c.want || (err == nil) != c.ok {
			t.Errorf("%v: %d, %v", c.shape, n, err)
		}
	}
	if n, err := F64.Bytes([]int64{3, 5}); n != 120 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := Invalid.Bytes(nil); err == nil {
		t.Error("an invalid type has a size")
	}
}

func TestSwap(t *testing.T) {
	b := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	Swap(U32, b)
	if string(b) != "\x04\x03\x02\x01\x08\x07\x06\x05" {
		t.Errorf("%v", b)
	}
}
