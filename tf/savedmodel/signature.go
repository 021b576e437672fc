package savedmodel

import (
	"fmt"
	"sort"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"

	"github.com/prioritycut/prioritycut/tf"
)

// The names by which servers find a SavedModel's graph and its signatures.
const (
	// ServeTag marks the graph that is meant for serving.
	ServeTag = "serve"
	// PredictMethod is the method of a signature with named tensors.
	PredictMethod = "tensorflow/serving/predict"
	// DefaultSignature is the signature that clients call who name none.
	DefaultSignature = "serving_default"
)

// The files of a SavedModel.
const (
	modelFile       = "saved_model.pb"
	modelTextFile   = "saved_model.pbtxt"
	variablesDir    = "variables"
	variablesPrefix = "variables"
	extraDir        = "assets.extra"
)

// maxModelBytes is protobuf's own bound.
const maxModelBytes = 1<<31 - 1

// TensorSpec describes an input or output of a signature.
type TensorSpec struct {
	// Tensor is its name in the graph, "operation:index".
	Tensor string
	// DType is the type of its elements.
	DType tensorflow.DataType
	// Shape are its sizes, -1 where open; nil when even the rank is open. A
	// scalar's is empty, not nil.
	Shape []int64
}

// String returns type and sizes, as in "float32[?,64,64,3]".
func (s TensorSpec) String() string {
	if s.Shape == nil {
		return tf.TypeName(s.DType) + " of any shape"
	}
	sizes := make([]string, len(s.Shape))
	for i, d := range s.Shape {
		sizes[i] = "?"
		if d >= 0 {
			sizes[i] = fmt.Sprint(d)
		}
	}
	return tf.TypeName(s.DType) + "[" + strings.Join(sizes, ",") + "]"
}

// SpecOf describes an output of a graph.
func SpecOf(o tensorflow.Output) TensorSpec {
	if o.Op == nil {
		return TensorSpec{}
	}
	s := TensorSpec{Tensor: fmt.Sprintf("%s:%d", o.Op.Name(), o.Index), DType: o.DataType()}
	if shape := o.Shape(); shape.NumDimensions() >= 0 {
		s.Shape = make([]int64, shape.NumDimensions())
		for i := range s.Shape {
			s.Shape[i] = shape.Size(i)
		}
	}
	return s
}

// SignatureDef is a function of a SavedModel: named tensors to be fed and
// fetched together.
type SignatureDef struct {
	Name            string
	Inputs, Outputs map[string]TensorSpec
}

// signatureProto is a signature as it is stored.
func signatureProto(s SignatureDef) *pb.SignatureDef {
	tensors := func(specs map[string]TensorSpec) map[string]*pb.TensorInfo {
		infos := map[string]*pb.TensorInfo{}
		for name, spec := range specs {
			infos[name] = &pb.TensorInfo{
				Encoding:    &pb.TensorInfo_Name{Name: spec.Tensor},
				Dtype:       typespb.DataType(spec.DType),
				TensorShape: shapeProto(spec.Shape),
			}
		}
		return infos
	}
	return &pb.SignatureDef{Inputs: tensors(s.Inputs), Outputs: tensors(s.Outputs), MethodName: PredictMethod}
}

func shapeProto(dims []int64) *shapepb.TensorShapeProto {
	if dims == nil {
		return &shapepb.TensorShapeProto{UnknownRank: true}
	}
	p := &shapepb.TensorShapeProto{}
	for _, d := range dims {
		p.Dim = append(p.Dim, &shapepb.TensorShapeProto_Dim{Size: d})
	}
	return p
}

// signatureOf reads a stored signature. Tensors that are not plain (sparse
// ones, say) have no name and are an error.
func signatureOf(name string, p *pb.SignatureDef) (SignatureDef, error) {
	tensors := func(infos map[string]*pb.TensorInfo) (map[string]TensorSpec, error) {
		specs := map[string]TensorSpec{}
		for key, info := range infos {
			if info.GetName() == "" {
				return nil, fmt.Errorf("signature %q: %q is not a plain tensor", name, key)
			}
			specs[key] = TensorSpec{Tensor: info.GetName(), DType: tensorflow.DataType(info.GetDtype()), Shape: dimsOf(info.GetTensorShape())}
		}
		return specs, nil
	}
	s := SignatureDef{Name: name}
	var err error
	if s.Inputs, err = tensors(p.GetInputs()); err != nil {
		return s, err
	}
	s.Outputs, err = tensors(p.GetOutputs())
	return s, err
}

func dimsOf(p *shapepb.TensorShapeProto) []int64 {
	if p == nil || p.GetUnknownRank() {
		return nil
	}
	dims := make([]int64, len(p.GetDim()))
	for i, d := range p.GetDim() {
		dims[i] = max(d.GetSize(), -1)
	}
	return dims
}

// sortedKeys lists a map's keys in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
