package infer

import "strings"

// The signatures of an exported model. All inputs and outputs of a signature
// have the same first dimension N, which is open.
const (
	// SigDefault animates relatively (FOMM, 3.3): source, driving,
	// driving_initial -> prediction. Without keypoints there is no relative
	// motion, and no driving_initial.
	SigDefault = "serving_default"
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

// The tensors of signatures, of poses and of encoded sources.
const (
	Source         = "source"
	Driving        = "driving"
	DrivingInitial = "driving_initial"
	Image          = "image"
	// Prediction [N, H, W, 3] in (0, 1).
	Prediction = "prediction"
	// Background [N, H, W, 1] is the background alpha, OcclusionMap [N, H, W, 1]
	// is 0 where pixels must be painted anew.
	Background   = "background"
	OcclusionMap = "occlusion_map"
	// Deformed [N, H, W, 3] is the source moved by the motion alone.
	Deformed = "deformed"
	// Value [N, K, 2] are keypoints (x, y) in [-1, 1], Jacobian [N, K, 2, 2]
	// their local affine maps, Variance [N, K, 2, 2] or [N, K, 1, 1] how far they
	// spread.
	Value    = "value"
	Jacobian = "jacobian"
	Variance = "variance"
	// Grid [N, H, W, 2] is where each pixel looks in X2Face's embedded face.
	Grid = "grid"
	// Confidence [N, H, W, 1] is the weight of each of several sources, above 0:
	// what else is kept of them is averaged by it.
	Confidence = "confidence"
	// Small and Features are what FOMM's generator keeps of a source.
	Small             = "small"
	Features          = "features"
	KPSourceValue     = kpSource + Value
	KPSourceJacobian  = kpSource + Jacobian
	KPDrivingValue    = kpDriving + Value
	KPDrivingJacobian = kpDriving + Jacobian

	// kpSource and kpDriving begin the names of a pose's tensors, as the source's
	// and as what the source moves to.
	kpSource  = "kp_source_"
	kpDriving = "kp_driving_"
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
