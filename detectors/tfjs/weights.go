package tfjs

import (
	"encoding/binary"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typepb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"github.com/prioritycut/prioritycut/internal/element"
)

// group is a group of weights of the manifest: the weights lie one after another
// in the files, laid one after another.
type group struct {
	Paths   []string `json:"paths"`
	Weights []weight `json:"weights"`
}

// weight is one entry of the manifest.
type weight struct {
	Name         string        `json:"name"`
	Shape        []int64       `json:"shape"`
	DType        string        `json:"dtype"`
	Quantization *quantization `json:"quantization"`
}

// quantization says how a weight is stored: value = stored * scale + min, or as
// a half.
type quantization struct {
	DType string  `json:"dtype"`
	Min   float64 `json:"min"`
	Scale float64 `json:"scale"`
}

// readWeights reads all weights, by name.
func readWeights(files Files, manifest []group) (map[string]*tensorpb.TensorProto, error) {
	values := map[string]*tensorpb.TensorProto{}
	left := int64(maxWeights)
	for _, g := range manifest {
		want, err := g.size()
		if err != nil {
			return nil, err
		}
		if left -= want; left < 0 {
			return nil, fmt.Errorf("its weights take more than %d bytes", int64(maxWeights))
		}
		data, err := g.read(files, want)
		if err != nil {
			return nil, err
		}
		for _, w := range g.Weights {
			if values[w.Name] != nil {
				return nil, fmt.Errorf("it has weight %s twice", w.Name)
			}
			n, _ := w.size() // it was asked before
			if values[w.Name], err = w.decode(data[:n]); err != nil {
				return nil, fmt.Errorf("weight %s: %w", w.Name, err)
			}
			data = data[n:]
		}
	}
	return values, nil
}

// size is the number of bytes that the group's weights take.
func (g *group) size() (int64, error) {
	var sum int64
	for _, w := range g.Weights {
		n, err := w.size()
		if err != nil {
			return 0, fmt.Errorf("weight %s: %w", w.Name, err)
		}
		if sum += n; sum > maxWeights {
			return 0, fmt.Errorf("its weights take more than %d bytes", int64(maxWeights))
		}
	}
	return sum, nil
}

// read reads the group's files, which together are as long as its weights.
func (g *group) read(files Files, want int64) ([]byte, error) {
	var data []byte
	for _, p := range g.Paths {
		if p == "" || p == "." || p == ".." || path.Base(p) != p || strings.ContainsAny(p, "\\\x00") {
			return nil, fmt.Errorf("its weight file %q is not a plain name", p)
		}
		more, err := files(p, want-int64(len(data)))
		if err != nil {
			return nil, fmt.Errorf("weight file %s: %w", p, err)
		}
		data = append(data, more...)
	}
	if int64(len(data)) != want {
		return nil, fmt.Errorf("its weight files %s hold %d bytes and its weights take %d", strings.Join(g.Paths, ", "), len(data), want)
	}
	return data, nil
}

// storage is the element type in the file.
func (w *weight) storage() string {
	if w.Quantization != nil {
		return w.Quantization.DType
	}
	return w.DType
}

func (w *weight) size() (int64, error) {
	each := map[string]int64{"float32": 4, "int32": 4, "bool": 1, "uint8": 1, "uint16": 2, "float16": 2}[w.storage()]
	if each == 0 {
		return 0, fmt.Errorf("elements of type %q are not read", w.storage())
	}
	if len(w.Shape) > maxDims {
		return 0, fmt.Errorf("it has %d dimensions; at most %d are read", len(w.Shape), maxDims)
	}
	n, err := element.Count(w.Shape)
	if err != nil {
		return 0, err
	}
	if n > maxWeights/each {
		return 0, fmt.Errorf("it takes more than %d bytes", int64(maxWeights))
	}
	return n * each, nil
}

// decode turns stored bytes into a tensor.
func (w *weight) decode(data []byte) (*tensorpb.TensorProto, error) {
	t := &tensorpb.TensorProto{TensorShape: &shapepb.TensorShapeProto{}}
	for _, d := range w.Shape {
		t.TensorShape.Dim = append(t.TensorShape.Dim, &shapepb.TensorShapeProto_Dim{Size: d})
	}
	switch w.DType {
	case "float32":
		t.Dtype = typepb.DataType_DT_FLOAT
	case "int32":
		t.Dtype = typepb.DataType_DT_INT32
	case "bool":
		t.Dtype = typepb.DataType_DT_BOOL
	default:
		return nil, fmt.Errorf("weights of type %q are not read", w.DType)
	}
	var err error
	switch {
	case w.Quantization != nil:
		t.TensorContent, err = w.dequantize(data)
	case w.DType == "bool":
		if i := slices.IndexFunc(data, func(b byte) bool { return b > 1 }); i >= 0 {
			return nil, fmt.Errorf("element %d is %d, no truth value", i, data[i])
		}
		t.TensorContent = data
	case w.storage() != w.DType:
		return nil, fmt.Errorf("it is stored as %s without saying how", w.storage())
	default:
		t.TensorContent = data
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// dequantize computes the values of stored numbers, in float64 as a browser does.
func (w *weight) dequantize(data []byte) ([]byte, error) {
	q := w.Quantization
	if q.DType == "float16" {
		if w.DType != "float32" {
			return nil, fmt.Errorf("halves of type %s are not read", w.DType)
		}
		values, err := element.Float32s(element.F16, data)
		if err != nil {
			return nil, err
		}
		return element.AppendFloat32s(nil, values), nil
	}
	if q.DType != "uint8" && q.DType != "uint16" || w.DType == "bool" {
		return nil, fmt.Errorf("%s stored as %s is not read", w.DType, q.DType)
	}
	if math.IsNaN(q.Scale) || math.IsInf(q.Scale, 0) || math.IsNaN(q.Min) || math.IsInf(q.Min, 0) {
		return nil, fmt.Errorf("its scale %v or least value %v is no number", q.Scale, q.Min)
	}
	width := 1
	if q.DType == "uint16" {
		width = 2
	}
	out := make([]byte, 0, len(data)/width*4)
	for ; len(data) > 0; data = data[width:] {
		stored := float64(data[0])
		if width == 2 {
			stored = float64(binary.LittleEndian.Uint16(data))
		}
		bits, err := w.bits(stored*q.Scale + q.Min)
		if err != nil {
			return nil, err
		}
		out = binary.LittleEndian.AppendUint32(out, bits)
	}
	return out, nil
}

// bits are those of a value in the weight's own type.
func (w *weight) bits(v float64) (uint32, error) {
	if w.DType == "float32" {
		return math.Float32bits(float32(v)), nil
	}
	// JavaScript's Math.round: halves go up.
	r := math.Floor(v + 0.5)
	if r < math.MinInt32 || r > math.MaxInt32 {
		return 0, fmt.Errorf("%v is no int32", v)
	}
	return uint32(int32(r)), nil
}

// fill gives every constant its value.
func fill(g *graphpb.GraphDef, values map[string]*tensorpb.TensorProto) error {
	for _, n := range g.GetNode() {
		if n.GetOp() != "Const" {
			continue
		}
		told := n.GetAttr()["value"].GetTensor()
		value := values[n.GetName()]
		if value == nil {
			return fmt.Errorf("its constant %s has no weight", n.GetName())
		}
		switch want := n.GetAttr()["dtype"].GetType(); {
		case want == value.GetDtype():
		case want == typepb.DataType_DT_INT64 && value.GetDtype() == typepb.DataType_DT_INT32:
			widen(value)
		default:
			return fmt.Errorf("its constant %s is %v and its weight %v", n.GetName(), want, value.GetDtype())
		}
		if told != nil && !slices.Equal(dims(told.GetTensorShape()), dims(value.GetTensorShape())) {
			return fmt.Errorf("its constant %s has the shape %v and its weight %v",
				n.GetName(), dims(told.GetTensorShape()), dims(value.GetTensorShape()))
		}
		n.Attr["value"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_Tensor{Tensor: value}}
	}
	return nil
}

// widen makes an int64 tensor of an int32 one: browsers have no int64, so that
// converters store these constants as int32 and leave the graph's type as it was.
func widen(t *tensorpb.TensorProto) {
	narrow := t.GetTensorContent()
	wide := make([]byte, 0, 2*len(narrow))
	for ; len(narrow) > 0; narrow = narrow[4:] {
		wide = binary.LittleEndian.AppendUint64(wide, uint64(int64(int32(binary.LittleEndian.Uint32(narrow)))))
	}
	t.Dtype, t.TensorContent = typepb.DataType_DT_INT64, wide
}
