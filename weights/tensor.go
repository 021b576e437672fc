package weights

import (
	"fmt"
	"io"
	"math"

	"github.com/prioritycut/prioritycut/internal/element"
)

// DType is a tensor's element type.
type DType = element.Type

// Tensor is a tensor of a file. Its elements are read when asked for and not
// kept. Tensors of one file may be read by several goroutines at once.
type Tensor struct {
	dtype   DType
	foreign string
	shape   []int64
	source  source
}

// source has a tensor's elements: little-endian, in C order.
type source interface {
	bytes() ([]byte, error)
	writeTo(w io.Writer) error
}

// DType returns the element type; it is not valid for a tensor whose type this
// package does not read, see TypeName.
func (t *Tensor) DType() DType { return t.dtype }

// TypeName is the name of the element type, also of one that is not read, as
// the file has it: "F32", "F8_E4M3", "float8_e5m2", numpy's "<V2".
func (t *Tensor) TypeName() string {
	if t.foreign != "" {
		return t.foreign
	}
	return t.dtype.String()
}

// readable is an error that says what to do about a tensor without numbers that
// this package reads.
func (t *Tensor) readable() error {
	switch {
	case t.foreign != "":
		return fmt.Errorf("its elements are of the type %s%s, which is not read: store it as float32 or float16",
			t.foreign, explained[t.foreign])
	case t.source == nil:
		return fmt.Errorf("the tensor has no data")
	}
	return nil
}

// explained are types whose names do not tell what they may be.
var explained = map[string]string{
	"<V2": " (as numpy stores bfloat16)",
	"<V1": " (as numpy stores floats of 8 bits or fewer)",
	"<f1": " (as numpy stores a float of 8 bits)",
	"|V1": " (as numpy stores floats of 8 bits or fewer)",
	"|V2": " (as numpy stores bfloat16)",
	"|O":  " (pickled objects)",
}

// Shape returns a copy of the shape, empty for a scalar. PyTorch's
// convolutions are [out, in, height, width].
func (t *Tensor) Shape() []int64 { return append([]int64{}, t.shape...) }

// Len returns the number of elements.
func (t *Tensor) Len() int64 {
	n, err := element.Count(t.shape)
	if err != nil {
		return 0
	}
	return n
}

// Bytes reads the elements: little-endian, in C order (the last axis runs
// fastest), whatever the strides in the file are.
func (t *Tensor) Bytes() ([]byte, error) {
	if err := t.readable(); err != nil {
		return nil, err
	}
	return t.source.bytes()
}

// StreamTo writes what Bytes returns, as far as possible without holding all
// of it in memory.
func (t *Tensor) StreamTo(w io.Writer) error {
	if err := t.readable(); err != nil {
		return err
	}
	return t.source.writeTo(w)
}

// Float32s reads the elements, in C order, as float32; wider numbers are
// rounded.
func (t *Tensor) Float32s() ([]float32, error) {
	b, err := t.Bytes()
	if err != nil {
		return nil, err
	}
	return element.Float32s(t.dtype, b)
}

// Float64s reads the elements, in C order, as float64.
func (t *Tensor) Float64s() ([]float64, error) {
	b, err := t.Bytes()
	if err != nil {
		return nil, err
	}
	return element.Float64s(t.dtype, b)
}

// CheckFinite reads the elements and reports the first that is no number, or
// beyond float32: whoever computes with it would not see it.
func (t *Tensor) CheckFinite() error {
	values, err := t.Float32s()
	if err != nil {
		return err
	}
	for i, v := range values {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("value %d is %v: the weights are damaged", i, v)
		}
	}
	return nil
}

// Int64s reads the elements, in C order, of an integer or boolean tensor.
func (t *Tensor) Int64s() ([]int64, error) {
	b, err := t.Bytes()
	if err != nil {
		return nil, err
	}
	return element.Int64s(t.dtype, b)
}

// writeBytes is writeTo for sources that have to build the bytes anyway.
func writeBytes(w io.Writer, s source) error {
	b, err := s.bytes()
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
