// Package export makes SavedModels of trained models: graphs of TensorFlow's
// own operations, for any program that loads SavedModels (TensorFlow Serving,
// TensorFlow in Python, Go, C++ ...), with nothing of this module in it.
//
// A model has the signatures whose names are the Sig... constants. Pictures are
// float32 [N, H, W, 3] in [0, 1], of the size that the model was trained on;
// keypoints are (x, y) in [-1, 1]. All inputs and outputs of a signature have
// the same first dimension N, which is open, so that servers can batch
// requests.
package export

import "strings"

// The signatures of an exported model.
const (
	// SigDefault animates relatively (FOMM, 3.3): source, driving,
	// driving_initial -> prediction.
	SigDefault = "serving_default"
	// SigAbsolute moves the source to the driving keypoints themselves: source,
	// driving -> prediction, background, occlusion_map.
	SigAbsolute = "absolute"
	// SigKeypoints detects: image -> value [N, K, 2], jacobian [N, K, 2, 2].
	SigKeypoints = "keypoints"
	// SigEncode computes what depends on the source alone: source -> small,
	// features, kp_source_value, kp_source_jacobian.
	SigEncode = "encode_source"
	// SigFrame animates an encoded source: the outputs of SigEncode and
	// kp_driving_value, kp_driving_jacobian, as they are to be used ->
	// prediction. Outside servers that batch, what belongs to the source may
	// have the first dimension 1: one source then serves all N frames.
	SigFrame = "animate_frame"
	// SigBytes is SigDefault for files: source_bytes, driving_bytes,
	// driving_initial_bytes, string [N], each a JPEG or PNG of any size ->
	// prediction.
	SigBytes = "predict_bytes"
)

// The inputs and outputs of the signatures.
const (
	Source            = "source"
	Driving           = "driving"
	DrivingInitial    = "driving_initial"
	Image             = "image"
	Prediction        = "prediction"
	Background        = "background"
	OcclusionMap      = "occlusion_map"
	Value             = "value"
	Jacobian          = "jacobian"
	Small             = "small"
	Features          = "features"
	KPSourceValue     = "kp_source_value"
	KPSourceJacobian  = "kp_source_jacobian"
	KPDrivingValue    = "kp_driving_value"
	KPDrivingJacobian = "kp_driving_jacobian"
	// bytesSuffix ends the names of inputs that hold files, as TensorFlow
	// Serving's REST interface wants it.
	bytesSuffix = "_bytes"
)

// The files that lie beside the model, under assets.extra.
const (
	// NotesFile says what the model is, for programs (Notes).
	NotesFile = "prioritycut.yaml"
	// ReadmeFile says it for people.
	ReadmeFile = "README.md"
	// WarmupFile holds requests that TensorFlow Serving runs before it serves.
	WarmupFile = "tf_serving_warmup_requests"
)

// Bytes is the name of the input that holds the file of a picture.
func Bytes(input string) string { return input + bytesSuffix }

// IsBytes reports whether an input holds files.
func IsBytes(input string) bool { return strings.HasSuffix(input, bytesSuffix) }
