// Package finite refuses weights that are no numbers, where they are loaded.
// Later nobody would notice: optimised graphs turn NaN into 0 in a fused ReLU,
// and a maximum drops it.
package finite

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
)

// Error says that weights hold a value that is no number, or infinite.
type Error struct {
	// Index is that of the first such value, in row-major order.
	Index int64
	Value float64
}

// Error names value and place.
func (e *Error) Error() string {
	return fmt.Sprintf("value %d is %v: the weights are damaged, or their training failed", e.Index, e.Value)
}

// Check returns a *Error for a tensor of floating-point numbers
// that holds NaN or an infinity. Other types have neither.
func Check(t *tensorflow.Tensor) error {
	if FormatOf(t.DataType()) == nil {
		return nil
	}
	raw, err := tf.Bytes(t)
	if err != nil {
		return err
	}
	err = CheckBytes(t.DataType(), raw, 0)
	runtime.KeepAlive(t) // raw is its memory
	return err
}

// Format is how a floating-point type lies in memory.
type Format struct {
	// Bytes is the size of a value.
	Bytes int
	// exponent are the bits of the last two bytes that are all set in NaN and
	// infinities.
	exponent uint16
	// Value is what the bytes of one value say. Of float16 it tells only those that
	// are not finite apart.
	Value func(raw []byte) float64
}

// FormatOf is the format of a type, nil of one that is not of floating-point
// numbers.
func FormatOf(t tensorflow.DataType) *Format {
	switch t {
	case tensorflow.Float:
		return &Format{4, 0x7f80, func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }}
	case tensorflow.Double:
		return &Format{8, 0x7ff0, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }}
	case tensorflow.Bfloat16:
		return &Format{2, 0x7f80, func(b []byte) float64 {
			return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16))
		}}
	case tensorflow.Half:
		return &Format{2, 0x7c00, func(b []byte) float64 { // of those that are not finite
			if bits := binary.LittleEndian.Uint16(b); bits&0x3ff != 0 {
				return math.NaN()
			} else if bits&0x8000 != 0 {
				return math.Inf(-1)
			}
			return math.Inf(1)
		}}
	}
	return nil
}

// CheckBytes looks at whole values; first is the index of raw's first one.
func CheckBytes(t tensorflow.DataType, raw []byte, first int64) error {
	f := FormatOf(t)
	if f == nil {
		return nil
	}
	clean := f.clean(raw)
	for i := clean; i+f.Bytes <= len(raw); i += f.Bytes {
		if binary.LittleEndian.Uint16(raw[i+f.Bytes-2:])&f.exponent == f.exponent {
			return &Error{first + int64(i/f.Bytes), f.Value(raw[i : i+f.Bytes])}
		}
	}
	return nil
}

// block is how many bytes clean looks at together.
const block = 64

// clean is the number of bytes up to the first block that holds a value which is
// not finite, or to the last whole block. Weights are millions of values: eight
// bytes at a time take a fifth of what single values take.
func (f *Format) clean(raw []byte) int {
	// In every value of a word: all bits of the exponent, and its lowest one. The sum
	// of both carries into the sign where all are set, and no further.
	exponents, lowest := uint64(0), uint64(0)
	for at := 8*f.Bytes - 16; at < 64; at += 8 * f.Bytes {
		exponents |= uint64(f.exponent) << at
		lowest |= uint64(f.exponent&-f.exponent) << at
	}
	signs := exponents + lowest
	i := 0
	for ; i+block <= len(raw); i += block {
		b := raw[i : i+block : i+block]
		found := uint64(0)
		for j := 0; j < block; j += 32 {
			found |= binary.LittleEndian.Uint64(b[j:])&exponents + lowest
			found |= binary.LittleEndian.Uint64(b[j+8:])&exponents + lowest
			found |= binary.LittleEndian.Uint64(b[j+16:])&exponents + lowest
			found |= binary.LittleEndian.Uint64(b[j+24:])&exponents + lowest
		}
		if found&signs != 0 {
			break
		}
	}
	return i
}
