package tf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"

	tensorflow "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
)

// Weights that are no numbers are refused where they are loaded. Later nobody
// would notice: optimised graphs turn NaN into 0 in a fused ReLU, and a maximum
// drops it.

// NotFiniteError says that weights hold a value that is no number, or infinite.
type NotFiniteError struct {
	// Index is that of the first such value, in row-major order.
	Index int64
	Value float64
}

// Error names value and place.
func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("value %d is %v: the weights are damaged, or their training failed", e.Index, e.Value)
}

// CheckFinite returns a *NotFiniteError for a tensor of floating-point numbers
// that holds NaN or an infinity. Other types have neither.
func CheckFinite(t *tensorflow.Tensor) error {
	if floatOf(t.DataType()) == nil {
		return nil
	}
	raw, err := tensorBytes(t)
	if err != nil {
		return err
	}
	err = checkFinite(t.DataType(), raw, 0)
	runtime.KeepAlive(t) // raw is its memory
	return err
}

// floatFormat is a floating-point type in memory.
type floatFormat struct {
	bytes int
	// exponent are the bits of the last two bytes that are all set in NaN and
	// infinities.
	exponent uint16
	value    func(raw []byte) float64
}

func floatOf(t tensorflow.DataType) *floatFormat {
	switch t {
	case tensorflow.Float:
		return &floatFormat{4, 0x7f80, func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }}
	case tensorflow.Double:
		return &floatFormat{8, 0x7ff0, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }}
	case tensorflow.Bfloat16:
		return &floatFormat{2, 0x7f80, func(b []byte) float64 {
			return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16))
		}}
	case tensorflow.Half:
		return &floatFormat{2, 0x7c00, func(b []byte) float64 { // of those that are not finite
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

// checkFinite looks at whole values; first is the index of raw's first one.
func checkFinite(t tensorflow.DataType, raw []byte, first int64) error {
	f := floatOf(t)
	if f == nil {
		return nil
	}
	for i := 0; i+f.bytes <= len(raw); i += f.bytes {
		if binary.LittleEndian.Uint16(raw[i+f.bytes-2:])&f.exponent == f.exponent {
			return &NotFiniteError{first + int64(i/f.bytes), f.value(raw[i : i+f.bytes])}
		}
	}
	return nil
}

// checkFiniteAt looks at the values in a part of a file.
func checkFiniteAt(file *os.File, t tensorflow.DataType, offset, size int64) error {
	f := floatOf(t)
	if f == nil {
		return nil
	}
	section := io.NewSectionReader(file, offset, size)
	buffer := make([]byte, min(size, copyBuffer))
	for first := int64(0); ; {
		n, err := io.ReadFull(section, buffer)
		if err := checkFinite(t, buffer[:n], first); err != nil {
			return err
		}
		first += int64(n / f.bytes)
		if err == io.EOF || err == io.ErrUnexpectedEOF || n == 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// checkFiniteConstants looks at the constants of a graph, which are the weights
// of a frozen model. A single number may be what something is compared with, and
// a mask may hold 0 and infinities; both are left alone.
func checkFiniteConstants(def *graphpb.GraphDef) error {
	for _, nodes := range bodies(def) {
		for _, n := range nodes {
			for _, a := range n.GetAttr() {
				if err := checkFiniteAttr(a); err != nil {
					return fmt.Errorf("constant %s: %w", n.GetName(), err)
				}
			}
		}
	}
	return nil
}

func checkFiniteAttr(a *attrpb.AttrValue) error {
	for _, t := range append(a.GetList().GetTensor(), a.GetTensor()) {
		if len(t.GetTensorShape().GetDim()) == 0 {
			continue
		}
		if err := checkFiniteProto(t); err != nil && !isMask(t) {
			return err
		}
	}
	return nil
}

// checkFiniteProto looks at a stored tensor, in either of its forms.
func checkFiniteProto(t *tensorpb.TensorProto) error {
	if err := checkFinite(tensorflow.DataType(t.GetDtype()), t.GetTensorContent(), 0); err != nil {
		return err
	}
	for i, v := range t.GetFloatVal() {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return &NotFiniteError{int64(i), f}
		}
	}
	for i, v := range t.GetDoubleVal() {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return &NotFiniteError{int64(i), v}
		}
	}
	var two [2]byte
	for i, v := range t.GetHalfVal() {
		binary.LittleEndian.PutUint16(two[:], uint16(v))
		if err := checkFinite(tensorflow.DataType(t.GetDtype()), two[:], int64(i)); err != nil {
			return err
		}
	}
	return nil
}

// isMask reports whether the values of a tensor are 0 or infinite, some of each.
func isMask(t *tensorpb.TensorProto) bool {
	zeros, others := 0, 0
	count := func(v float64) {
		switch {
		case v == 0:
			zeros++
		case !math.IsInf(v, 0):
			others++
		}
	}
	if f := floatOf(tensorflow.DataType(t.GetDtype())); f != nil && f.bytes > 2 {
		for raw := t.GetTensorContent(); len(raw) >= f.bytes; raw = raw[f.bytes:] {
			count(f.value(raw[:f.bytes]))
		}
	}
	for _, v := range t.GetFloatVal() {
		count(float64(v))
	}
	for _, v := range t.GetDoubleVal() {
		count(v)
	}
	return zeros > 0 && others == 0
}
