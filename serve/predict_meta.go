package serve

import (
	"net/http"
	"strconv"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// modelInfo answers GET /v1/models/NAME[/versions/V] and .../metadata as
// TensorFlow Serving does.
func (s *Server) modelInfo(w http.ResponseWriter, r *http.Request) error {
	path, err := s.modelPath(r)
	if err != nil {
		return err
	}
	version := strconv.FormatInt(s.options.Version, 10)
	switch {
	case path.verb != "":
		w.Header().Set("Allow", http.MethodPost)
		return failf(http.StatusMethodNotAllowed, "post to this path")
	case path.metadata:
		writeJSON(w, http.StatusOK, metadataOf(s.options.Name, version, s.backend.Model.Signatures()))
	default:
		state := "AVAILABLE"
		if s.stopping.Load() {
			state = "UNLOADING"
		}
		writeJSON(w, http.StatusOK, object{"model_version_status": []any{object{
			"version": version, "state": state, "status": object{"error_code": "OK", "error_message": ""},
		}}})
	}
	return nil
}

type object = map[string]any

// metadataOf writes signatures as protobuf's JSON does: 64-bit numbers are
// strings.
func metadataOf(name, version string, signatures map[string]savedmodel.SignatureDef) object {
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
