package savedmodel

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	tensorflow "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"

	"github.com/prioritycut/prioritycut/tf/finite"
)

// checkFiniteAt looks at the values in a part of a file.
func checkFiniteAt(file io.ReaderAt, t tensorflow.DataType, offset, size int64) error {
	f := finite.FormatOf(t)
	if f == nil {
		return nil
	}
	section := io.NewSectionReader(file, offset, size)
	buffer := make([]byte, min(size, 1<<20))
	for first := int64(0); ; {
		n, err := io.ReadFull(section, buffer)
		if err := finite.CheckBytes(t, buffer[:n], first); err != nil {
			return err
		}
		first += int64(n / f.Bytes)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil || n == 0 { // n is 0 where size is
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
	if err := finite.CheckBytes(tensorflow.DataType(t.GetDtype()), t.GetTensorContent(), 0); err != nil {
		return err
	}
	for i, v := range t.GetFloatVal() {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return &finite.Error{Index: int64(i), Value: f}
		}
	}
	for i, v := range t.GetDoubleVal() {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return &finite.Error{Index: int64(i), Value: v}
		}
	}
	var two [2]byte
	for i, v := range t.GetHalfVal() {
		binary.LittleEndian.PutUint16(two[:], uint16(v))
		if err := finite.CheckBytes(tensorflow.DataType(t.GetDtype()), two[:], int64(i)); err != nil {
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
	if f := finite.FormatOf(tensorflow.DataType(t.GetDtype())); f != nil && f.Bytes > 2 {
		for raw := t.GetTensorContent(); len(raw) >= f.Bytes; raw = raw[f.Bytes:] {
			count(f.Value(raw[:f.Bytes]))
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
