package element

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Float32s converts little-endian elements to float32. Float64 values and
// integers are rounded to the nearest float32; what exceeds its range becomes
// an infinity. It is an error when the bytes are no whole number of elements.
func Float32s(t Type, src []byte) ([]float32, error) {
	if err := whole(t, src); err != nil {
		return nil, err
	}
	dst := make([]float32, len(src)/t.Size())
	if t == F32 {
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
		return dst, nil
	}
	convert(dst, t, src)
	return dst, nil
}

// Float64s converts little-endian elements to float64. All types but 64-bit
// integers above 2^53 are converted exactly.
func Float64s(t Type, src []byte) ([]float64, error) {
	if err := whole(t, src); err != nil {
		return nil, err
	}
	dst := make([]float64, len(src)/t.Size())
	convert(dst, t, src)
	return dst, nil
}

// Int64s converts little-endian integers and booleans to int64. It is an
// error for floating-point types and for values above the range of int64.
func Int64s(t Type, src []byte) ([]int64, error) {
	if err := whole(t, src); err != nil {
		return nil, err
	}
	if t.IsFloat() {
		return nil, fmt.Errorf("elements of type %v are no integers", t)
	}
	dst := make([]int64, len(src)/t.Size())
	convert(dst, t, src)
	if t == U64 {
		for i, v := range dst {
			if v < 0 {
				return nil, fmt.Errorf("element %d is %d, above the range of int64", i, uint64(v))
			}
		}
	}
	return dst, nil
}

// convert reads len(dst) elements; the caller has checked the length.
func convert[N int64 | float32 | float64](dst []N, t Type, src []byte) {
	le := binary.LittleEndian
	for i := range dst {
		switch t {
		case Bool:
			if src[i] != 0 {
				dst[i] = 1
			}
		case U8:
			dst[i] = N(src[i])
		case I8:
			dst[i] = N(int8(src[i]))
		case U16:
			dst[i] = N(le.Uint16(src[2*i:]))
		case I16:
			dst[i] = N(int16(le.Uint16(src[2*i:])))
		case F16:
			dst[i] = N(fromHalf(le.Uint16(src[2*i:])))
		case BF16:
			dst[i] = N(math.Float32frombits(uint32(le.Uint16(src[2*i:])) << 16))
		case U32:
			dst[i] = N(le.Uint32(src[4*i:]))
		case I32:
			dst[i] = N(int32(le.Uint32(src[4*i:])))
		case F32:
			dst[i] = N(math.Float32frombits(le.Uint32(src[4*i:])))
		case U64:
			dst[i] = N(le.Uint64(src[8*i:]))
		case I64:
			dst[i] = N(int64(le.Uint64(src[8*i:])))
		case F64:
			dst[i] = N(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	}
}

// fromHalf converts an IEEE 754 half-precision number; every one of them is a
// float32 too.
func fromHalf(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, fraction := uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 31: // infinity, NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	case 0: // zero, subnormal: a multiple of 2^-24
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(v))
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// AppendFloat32s appends the little-endian form of v.
func AppendFloat32s(dst []byte, v []float32) []byte {
	for _, x := range v {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(x))
	}
	return dst
}

// AppendFloat64s appends the little-endian form of v.
func AppendFloat64s(dst []byte, v []float64) []byte {
	for _, x := range v {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
	}
	return dst
}

// AppendInt64s appends the little-endian form of v.
func AppendInt64s(dst []byte, v []int64) []byte {
	for _, x := range v {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(x))
	}
	return dst
}

// Swap turns the byte order of every element round, in place.
func Swap(t Type, b []byte) {
	size := t.Size()
	if size < 2 {
		return
	}
	for ; len(b) >= size; b = b[size:] {
		for i, j := 0, size-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
}

func whole(t Type, src []byte) error {
	if !t.Valid() {
		return fmt.Errorf("the element type is invalid")
	}
	if len(src)%t.Size() != 0 {
		return fmt.Errorf("%d bytes are no whole number of %v elements", len(src), t)
	}
	return nil
}
