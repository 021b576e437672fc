package graph

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
)

// Placeholder adds an input of the given dtype; -1 leaves a size open. Its
// operation bears the scope's path and name.
func (s *Scope) Placeholder(name string, dtype tensorflow.DataType, dims ...int64) tensorflow.Output {
	op := s.addNamed(name, "Placeholder", Attrs{"dtype": dtype, "shape": tensorflow.MakeShape(dims...)}, nil)
	if op == nil {
		return tensorflow.Output{}
	}
	return op.Output(0)
}

// Const adds a constant: a Go scalar, slice or *tensorflow.Tensor.
func (s *Scope) Const(value interface{}) tensorflow.Output {
	if s.b.err != nil {
		return tensorflow.Output{}
	}
	t, ok := value.(*tensorflow.Tensor)
	if !ok {
		var err error
		if t, err = tensorflow.NewTensor(value); err != nil {
			s.Failf("constant: %w", err)
			return tensorflow.Output{}
		}
	}
	return s.Op("Const", Attrs{"dtype": t.DataType(), "value": t})
}

// Scalar is a constant of the graph's dtype, made once for each value.
func (s *Scope) Scalar(v float64) tensorflow.Output { return s.ScalarOf(s.b.dtype, v) }

// ScalarOf is a constant of the given floating or integer dtype, made once for
// each value.
func (s *Scope) ScalarOf(dtype tensorflow.DataType, v float64) tensorflow.Output {
	key := scalarKey{dtype, v}
	if out, ok := s.b.scalars[key]; ok {
		return out
	}
	var value interface{}
	switch dtype {
	case tensorflow.Float:
		value = float32(v)
	case tensorflow.Double:
		value = v
	case tensorflow.Int32:
		value = int32(v)
	case tensorflow.Int64:
		value = int64(v)
	default:
		s.Fail(fmt.Errorf("no scalar constants of dtype %v", dtype))
		return tensorflow.Output{}
	}
	root := *s
	root.path = "constants"
	out := root.Const(value)
	s.b.scalars[key] = out
	return out
}

// Values is a constant of the graph's dtype with the given shape.
func (s *Scope) Values(values []float64, dims ...int64) tensorflow.Output {
	t, err := NewTensor(s.b.dtype, values, dims...)
	if err != nil {
		s.Fail(err)
		return tensorflow.Output{}
	}
	return s.Const(t)
}

// NewTensor makes a tensor of dtype float, double or int64 from float64 values
// in row-major order.
func NewTensor(dtype tensorflow.DataType, values []float64, dims ...int64) (*tensorflow.Tensor, error) {
	switch dtype {
	case tensorflow.Double:
		return tf.NewTensor(values, dims...)
	case tensorflow.Float:
		single := make([]float32, len(values))
		for i, v := range values {
			single[i] = float32(v)
		}
		return tf.NewTensor(single, dims...)
	case tensorflow.Int64:
		whole := make([]int64, len(values))
		for i, v := range values {
			whole[i] = int64(v)
		}
		return tf.NewTensor(whole, dims...)
	}
	return nil, fmt.Errorf("dtype %v is not float, double or int64", dtype)
}

// ints is a constant int32 vector, as shapes and axes are given.
func (s *Scope) ints(v ...int) tensorflow.Output {
	list := make([]int32, len(v))
	for i, x := range v {
		list[i] = int32(x)
	}
	return s.Const(list)
}
