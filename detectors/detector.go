package detectors

import (
	"fmt"
	"slices"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/nearest"
)

// Network is a published network of the package.
type Network struct {
	// File is its graph in the package.
	File string
	// Title says what it is, Source where it comes from.
	Title, Source string
	// License is that of its authors; empty where neither the package nor the
	// project that it comes from states one. The package's own does not cover it.
	License string
}

// Terms says in words under which licence a network is.
func (n Network) Terms() string {
	if n.License == "" {
		return "licence not stated by the package nor by its project"
	}
	return "licence " + n.License
}

// The networks.
var (
	faceDetection = Network{"facemesh-detection-short.json", "MediaPipe BlazeFace, short range", "Google MediaPipe", "Apache-2.0"}
	faceMesh      = Network{"facemesh.json", "MediaPipe Face Mesh, 468 points", "Google MediaPipe", "Apache-2.0"}
	faceRes       = Network{"faceres.json", "HSE-FaceRes, 1024 features of a face", "HSE_FaceRec_tf", ""}
	moveNet       = Network{"movenet-thunder.json", "MoveNet Thunder, 17 joints", "Google TensorFlow Hub", "Apache-2.0"}
	selfie        = Network{"selfie.json", "MediaPipe Selfie Segmentation", "Google MediaPipe", "Apache-2.0"}
)

// Kind is what a detector finds.
type Kind string

// The kinds.
const (
	Keypoints Kind = "keypoints"
	Embedding Kind = "embedding"
	Mask      Kind = "mask"
)

// Detector is a model that this package can make.
type Detector struct {
	Name, About string
	Kind        Kind
	// Networks are those that it is made of, in the order in which they look.
	Networks []Network
	// Points are the names of its keypoints; nil for other kinds.
	Points []string

	build func(b *builder, image tensorflow.Output) (parts, error)
}

// Unlicensed are the networks of a detector whose licence is not stated.
func (d Detector) Unlicensed() []Network {
	return slices.DeleteFunc(slices.Clone(d.Networks), func(n Network) bool { return n.License != "" })
}

// The names of the detectors.
const (
	FaceLandmarks = "face-landmarks"
	FaceIdentity  = "face-identity"
	BodyJoints    = "body-joints"
	Foreground    = "foreground"
)

// All lists the detectors.
func All() []Detector {
	return []Detector{
		{FaceLandmarks, "68 landmarks of the surest face", Keypoints, []Network{faceDetection, faceMesh}, landmarkNames(), buildLandmarks},
		{FaceIdentity, "1024 features of the surest face, for AED", Embedding, []Network{faceDetection, faceRes}, nil, buildIdentity},
		{BodyJoints, "17 joints of the surest person, those of COCO", Keypoints, []Network{moveNet}, cocoJoints, buildJoints},
		{Foreground, "where people are", Mask, []Network{selfie}, nil, buildForeground},
	}
}

// Named returns the detector of a name.
func Named(name string) (Detector, error) {
	var names []string
	for _, d := range All() {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	hint := ""
	if near := nearest.Word(name, names); near != "" {
		hint = ", did you mean " + near + "?"
	}
	return Detector{}, fmt.Errorf("there is no detector %q%s: there are %s", name, hint, strings.Join(names, ", "))
}

// cocoJoints are MoveNet's keypoints.
var cocoJoints = []string{
	"nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
	"left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
}

// landmarks are the vertices of MediaPipe's mesh that stand for the 68 points of
// iBUG's 300-W scheme, in its order: jaw, brows, bridge and base of the nose,
// eyes, outer and inner lips. The jaw's are the nearest ones of the mesh's outline.
var landmarks = []int32{
	162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
	71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
	168, 197, 5, 4, 75, 97, 2, 326, 305,
	33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
	61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
	78, 82, 13, 312, 308, 317, 14, 87,
}

// landmarkNames number the 68 points as 300-W does, from 1 on.
func landmarkNames() []string {
	names := make([]string, len(landmarks))
	for i := range names {
		names[i] = fmt.Sprintf("point_%d", i+1)
	}
	return names
}
