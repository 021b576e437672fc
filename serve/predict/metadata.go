package predict

import (
	"strconv"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

type object = map[string]any

// Metadata is the metadata of a model as JSON, written as protobuf does: 64-bit
// numbers are strings.
func Metadata(name, version string, signatures map[string]savedmodel.SignatureDef) object {
	defs := object{}
	for key, s := range signatures {
		defs[key] = object{"inputs": tensorInfos(s.Inputs), "outputs": tensorInfos(s.Outputs), "method_name": "tensorflow/serving/predict"}
	}
	return object{
		"model_spec": object{"name": name, "signature_name": "", "version": version},
		"metadata": object{"signature_def": object{
			"@type":         "type.googleapis.com/tensorflow.serving.SignatureDefMap",
			"signature_def": defs,
		}},
	}
}

func tensorInfos(specs map[string]savedmodel.TensorSpec) object {
	infos := object{}
	for name, spec := range specs {
		dims := []any{}
		for _, d := range spec.Shape {
			dims = append(dims, object{"size": strconv.FormatInt(d, 10), "name": ""})
		}
		infos[name] = object{"dtype": dtypeName(spec.DType), "tensor_shape": object{"dim": dims, "unknown_rank": spec.Shape == nil}, "name": spec.Tensor}
	}
	return infos
}

// dtypeName is protobuf's name of a type.
func dtypeName(t tensorflow.DataType) string {
	switch t {
	case tensorflow.Float:
		return "DT_FLOAT"
	case tensorflow.Double:
		return "DT_DOUBLE"
	case tensorflow.Int32:
		return "DT_INT32"
	case tensorflow.Int64:
		return "DT_INT64"
	case tensorflow.Uint8:
		return "DT_UINT8"
	case tensorflow.Bool:
		return "DT_BOOL"
	case tensorflow.String:
		return "DT_STRING"
	}
	return "DT_INVALID"
}
