package weights

import (
	"fmt"
	"io"

	"github.com/prioritycut/prioritycut/internal/element"
)

// DType is a tensor's element type.
type DType = element.Type

// Tensor is a tensor of a file. Its elements are read when asked for and not
// kept. Tensors of one file may be read by several goroutines at once.
type Tensor struct {
	dtype  DType
	shape  []int64
	source source
}

// source has a tensor's elements: little-endian, in C order.
type source interface {
	bytes() ([]byte, error)
	writeTo(w io.Writer) error
}

// DType returns the element type.
func (t *Tensor) DType() DType { return t.dtype }

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
	if t.source == nil {
		return nil, fmt.Errorf("the tensor has no data")
	}
	return t.source.bytes()
}

// StreamTo writes what Bytes returns, as far as possible without holding all
// of it in memory.
func (t *Tensor) StreamTo(w io.Writer) error {
	if t.source == nil {
		return fmt.Errorf("the tensor has no data")
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
