package infer

import (
	"strings"

	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// The signatures of an exported model. All inputs and outputs of a signature
// have the same first dimension N, which is open.
const (
	// SigDefault animates relatively (FOMM, 3.3): source, driving,
	// driving_initial -> prediction. Without keypoints there is no relative
	// motion, and no driving_initial.
	SigDefault = savedmodel.DefaultSignature
	// SigAbsolute moves the source to the driving pose itself: source, driving
	// -> prediction, background, occlusion_map.
	SigAbsolute = "absolute"
	// SigKeypoints detects: image -> value [N, K, 2], and what the family knows
	// besides: jacobian [N, K, 2, 2] or variance [N, K, 2, 2].
	SigKeypoints = "keypoints"
	// SigPose stands in the place of SigKeypoints where a pose is no keypoints:
	// image -> grid [N, H, W, 2].
	SigPose = "pose"
	// SigEncode computes what depends on the source alone: source -> what the
	// family keeps (of FOMM small, features), kp_source_value, kp_source_jacobian.
	SigEncode = "encode_source"
	// SigFrame animates an encoded source: the outputs of SigEncode but for
	// confidence, and kp_driving_value, kp_driving_jacobian (or driving_grid), as
	// they are to be used -> prediction. Outside servers that batch, what belongs to the source may
	// have the first dimension 1: one source then serves all N frames.
	SigFrame = "animate_frame"
	// SigBytes is SigDefault for files: source_bytes, driving_bytes,
	// driving_initial_bytes, string [N], each a JPEG or PNG of any size ->
	// prediction.
	SigBytes = "predict_bytes"
)

// The tensors of signatures, of poses and of encoded sources; what they mean is
// the family's to say.
const (
	Source         = "source"
	Driving        = "driving"
	DrivingInitial = "driving_initial"
	Image          = "image"

	Prediction   = model.Prediction
	Background   = model.Background
	OcclusionMap = model.OcclusionMap
	Deformed     = model.Deformed

	Value    = model.Value
	Jacobian = model.Jacobian
	Variance = model.Variance
	Grid     = model.Grid

	Confidence        = model.Confidence
	Small             = model.Small
	Features          = model.Features
	KPSourceValue     = kpSource + Value
	KPSourceJacobian  = kpSource + Jacobian
	KPDrivingValue    = kpDriving + Value
	KPDrivingJacobian = kpDriving + Jacobian

	// kpSource and kpDriving begin the names of a pose's tensors, as the source's
	// and as what the source moves to.
	kpSource  = model.KPSource
	kpDriving = model.KPDriving
	// driving does so where a pose is no keypoints.
	driving = "driving_"
	// bytesSuffix ends the names of inputs that hold files, as TensorFlow
	// Serving's REST interface wants it.
	bytesSuffix = "_bytes"
)

// Files that lie beside an exported model, under assets.extra.
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

// PartOf is the name of the part of a pose that an input of SigFrame holds; ok
// is false where it holds no driving pose.
func PartOf(input string) (part string, ok bool) {
	if part, ok = strings.CutPrefix(input, kpDriving); !ok {
		part, ok = strings.CutPrefix(input, driving)
	}
	return part, ok && input != DrivingInitial
}
