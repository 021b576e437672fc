package tf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// Element is a Go type whose flat slices become tensors and come back.
type Element interface {
	float32 | float64 | uint8 | int8 | uint16 | int16 | int32 | int64 | bool
}

// DataTypeOf returns TensorFlow's name for a Go type.
func DataTypeOf[T Element]() tensorflow.DataType {
	var zero T
	switch any(zero).(type) {
	case float32:
		return tensorflow.Float
	case float64:
		return tensorflow.Double
	case uint8:
		return tensorflow.Uint8
	case int8:
		return tensorflow.Int8
	case uint16:
		return tensorflow.Uint16
	case int16:
		return tensorflow.Int16
	case int32:
		return tensorflow.Int32
	case int64:
		return tensorflow.Int64
	default:
		return tensorflow.Bool
	}
}

// NewTensor copies data, in row-major order, into a tensor of that shape. The
// shape of a scalar is empty. Its product must be len(data).
func NewTensor[T Element](data []T, shape ...int64) (*tensorflow.Tensor, error) {
	n, err := elements(shape)
	if err != nil {
		return nil, err
	}
	if n != int64(len(data)) {
		return nil, fmt.Errorf("a tensor of shape %v has %d elements, but %d were given", shape, n, len(data))
	}
	return ReadTensor(DataTypeOf[T](), shape, bytes.NewReader(rawBytes(data)))
}

// Scalar makes a tensor of shape [].
func Scalar[T Element](v T) (*tensorflow.Tensor, error) {
	return NewTensor([]T{v})
}

// Values copies a tensor's elements, in row-major order. It is an error when
// the tensor has another type.
func Values[T Element](t *tensorflow.Tensor) ([]T, error) {
	if t == nil {
		return nil, errors.New("reading a tensor: it is nil")
	}
	n, err := elements(t.Shape())
	if err != nil {
		return nil, err
	}
	values := make([]T, n)
	if err := CopyValues(values, t); err != nil {
		return nil, err
	}
	return values, nil
}

// CopyValues copies a tensor's elements into dst, in row-major order, without
// allocating. It is an error when the tensor has another type or number of
// elements.
func CopyValues[T Element](dst []T, t *tensorflow.Tensor) error {
	if t == nil {
		return errors.New("reading a tensor: it is nil")
	}
	if got, want := t.DataType(), DataTypeOf[T](); got != want {
		return fmt.Errorf("reading a tensor: it has %s elements, not %s", TypeName(got), TypeName(want))
	}
	raw, err := Bytes(t)
	if err != nil {
		return err
	}
	to := rawBytes(dst)
	if len(to) != len(raw) {
		return fmt.Errorf("reading a tensor: shape %v has %d elements, not %d", t.Shape(), len(raw)/int(unsafe.Sizeof(*new(T))), len(dst))
	}
	copy(to, raw)
	runtime.KeepAlive(t)
	return nil
}

// Value returns the only element of a tensor, whatever its rank.
func Value[T Element](t *tensorflow.Tensor) (T, error) {
	var v [1]T
	err := CopyValues(v[:], t)
	return v[0], err
}

// Bytes returns the tensor's own memory: read only, valid only while t
// is kept alive. Strings, resources and variants have none.
func Bytes(t *tensorflow.Tensor) ([]byte, error) {
	var v view
	err := guard("reading a tensor", func() error {
		_, err := t.WriteContentsTo(&v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v.memory, nil
}

// ReadTensor makes a tensor of the bytes that r has, row-major and little-endian.
// They go straight into TensorFlow's memory.
func ReadTensor(dataType tensorflow.DataType, shape []int64, r io.Reader) (*tensorflow.Tensor, error) {
	var t *tensorflow.Tensor
	err := guard("making a tensor", func() error {
		var err error
		// The tensor keeps the shape: it gets its own.
		t, err = tensorflow.ReadTensor(dataType, slices.Clone(shape), r)
		return err
	})
	return t, err
}

// view keeps the slice that it is given instead of copying it: graft writes a
// tensor's contents in one call, straight from TensorFlow's memory.
type view struct {
	memory []byte
	calls  int
}

func (v *view) Write(p []byte) (int, error) {
	v.calls++
	if v.calls > 1 {
		return 0, errors.New("reading a tensor: its memory came in pieces (another version of graft?)")
	}
	v.memory = p
	return len(p), nil
}

// rawBytes returns the memory of a slice of numbers.
func rawBytes[T Element](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(s[0])))
}

// elements returns the number of elements of a shape.
func elements(shape []int64) (int64, error) {
	n := int64(1)
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("tensor shape %v has a negative dimension", shape)
		}
		if d > 0 && n > math.MaxInt64/16/d {
			return 0, fmt.Errorf("tensor shape %v has too many elements", shape)
		}
		n *= d
	}
	return n, nil
}

var typeNames = map[tensorflow.DataType]string{
	tensorflow.Float: "float32", tensorflow.Double: "float64",
	tensorflow.Uint8: "uint8", tensorflow.Int8: "int8",
	tensorflow.Uint16: "uint16", tensorflow.Int16: "int16",
	tensorflow.Uint32: "uint32", tensorflow.Int32: "int32",
	tensorflow.Uint64: "uint64", tensorflow.Int64: "int64",
	tensorflow.Bool: "bool", tensorflow.String: "string",
	tensorflow.Half: "float16", tensorflow.Bfloat16: "bfloat16",
}

// TypeName is the name of a type of elements, as in "float32".
func TypeName(d tensorflow.DataType) string {
	if n, ok := typeNames[d]; ok {
		return n
	}
	return fmt.Sprintf("DataType(%d)", int(d))
}

var reclaiming sync.Mutex

// Reclaim frees the C memory of tensors that nothing refers to any more. It
// runs the garbage collector twice and waits for finalizers, some milliseconds
// with a small Go heap. Fetched variables share their memory with the graph:
// reclaim them after a checkpoint and before the next step, or that step
// copies each variable that it assigns.
func Reclaim() {
	reclaiming.Lock()
	defer reclaiming.Unlock()
	// Finalizers queued by one collection run as a batch in any order. Once
	// one of the second batch has run, the first batch is done.
	for range 2 {
		done := make(chan struct{})
		sentinel := new([64]byte) // too big to share a block with others
		runtime.SetFinalizer(sentinel, func(*[64]byte) { close(done) })
		sentinel = nil
		runtime.GC()
		<-done
	}
}
