package model

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
)

// FamilyName names a family of networks.
type FamilyName string

// The families of networks.
const (
	// FOMMFamily is that of FOMM and PriorityCut, in model/fomm.
	FOMMFamily FamilyName = "fomm"
	// MonkeyNetFamily is that of Monkey-Net, in model/monkeynet.
	MonkeyNetFamily FamilyName = "monkeynet"
	// X2FaceFamily is that of X2Face, in model/x2face.
	X2FaceFamily FamilyName = "x2face"
)

// Tensors are named inputs or outputs of a part of a graph. What a family's
// networks lack is not in the map. The same names stand in the signatures of
// exported models, where a source is kept, and where pictures are drawn.
type Tensors map[string]tensorflow.Output

// The names of tensors.
const (
	// Prediction [N, H, W, 3] in (0, 1).
	Prediction = "prediction"
	// Deformation [N, h, w, 2] is where each pixel looks in the source.
	Deformation = "deformation"
	// Deformed [N, H, W, 3] is the source moved by the motion alone.
	Deformed = "deformed"
	// Background [N, h, w, 1] is the background alpha.
	Background = "background"
	// OcclusionMap [N, h, w, 1] in (0, 1): 0 must be painted in, 1 is visible.
	OcclusionMap = "occlusion_map"
	// Value [N, K, 2] are keypoints (x, y) in [-1, 1].
	Value = "value"
	// Jacobian [N, K, 2, 2] are their local affine maps, Variance [N, K, 2, 2] or
	// [N, K, 1, 1] how far they spread.
	Jacobian = "jacobian"
	Variance = "variance"
	// Grid [N, H, W, 2] is where each pixel looks in X2Face's embedded face.
	Grid = "grid"
	// Confidence [N, H, W, 1] is the weight of each of several sources, above 0:
	// what else is kept of them is averaged by it.
	Confidence = "confidence"
	// Small and Features are what FOMM's generator keeps of a source.
	Small    = "small"
	Features = "features"

	// KPSource and KPDriving begin the names of the parts of a pose, as the
	// source's and as what the source moves to.
	KPSource  = "kp_source_"
	KPDriving = "kp_driving_"
	// KPTransformed begins those of the warped driving frame, in training.
	KPTransformed = "kp_transformed_"
)

// Names of what a training shows besides.
const (
	// Transformed [N, H, W, 3] is the driving frame under a random warp.
	Transformed = "transformed"
	// SparseDeformed [N, K+1, h, w, 3] is what each hypothesis of the motion sees
	// in the source, SparseMask [N, h, w, K+1] its share.
	SparseDeformed = "sparse_deformed"
	SparseMask     = "sparse_mask"
	// CutMask [N, H, W, 1] is 1 where the mixed picture is real; Mixed
	// [N, H, W, 3] is that picture.
	CutMask = "cut_mask"
	Mixed   = "mixed"
	// RealPixels and FakePixels [N, H, W, 1] are the discriminator's raw scores.
	RealPixels = "real_pixels"
	FakePixels = "fake_pixels"
)

// Pose takes the parts of a pose out of t, whose names begin with prefix.
func (t Tensors) Pose(prefix string) Tensors {
	pose := Tensors{}
	for name, o := range t {
		if len(name) > len(prefix) && name[:len(prefix)] == prefix {
			pose[name[len(prefix):]] = o
		}
	}
	return pose
}

// Put adds outputs that exist, their names behind prefix.
func (t Tensors) Put(prefix string, from Tensors) {
	for name, o := range from {
		if o.Op != nil {
			t[prefix+name] = o
		}
	}
}

// Family is a family of networks with its parameters, trained as its variant
// says.
type Family interface {
	// Name of the family.
	Name() FamilyName
	// Can says what its networks can do.
	Can() Capabilities
	// Players of a training, in the order in which their optimisers are made.
	Players() []Player
	// Parts divide the variables of a training graph for those who count.
	Parts() []Part
	// NewAnimator makes the variables of the networks that animate.
	NewAnimator(s *graph.Scope) Animator
	// NewCritic makes the variables of the discriminator; nil where the variant
	// trains without one.
	NewCritic(s *graph.Scope) Critic
	// NewTraining makes the variables of a training: those of NewAnimator, of
	// NewCritic, and frozen ones.
	NewTraining(s *graph.Scope) Training
	// Draws are the random inputs of a training step on n pairs of pictures of h
	// by w pixels.
	Draws(n, h, w int) []Draw
}

// Capabilities are what not every family or configuration has.
type Capabilities struct {
	// Keypoints says that poses are keypoints, so that motion may be relative;
	// Jacobian that they have Jacobians. NumKP is their number.
	Keypoints, Jacobian bool
	NumKP               int
	// Background and Occlusion say that there are such maps.
	Background, Occlusion bool
	// Pixels says that the discriminator scores every pixel.
	Pixels bool
}

// Part is a part of a training's networks under a name for people.
type Part struct {
	Title string
	// Prefix begins the names of its variables; of several that fit the longest
	// counts.
	Prefix string
}

// Animator are the networks that animate a picture. Whether batch norm uses a
// batch's statistics or running averages is the scope's to say.
type Animator interface {
	// Encode computes what depends on source pictures [N, H, W, 3] in [0, 1]
	// alone; the parts of their own pose begin with KPSource.
	Encode(s *graph.Scope, source tensorflow.Output) Tensors
	// Pose is what moves a source as in pictures [N, H, W, 3].
	Pose(s *graph.Scope, pictures tensorflow.Output) Tensors
	// Relate moves the pose of an encoded source as the driving pose has moved
	// since the initial one. scale [N, 1, 1] is that of the movement, or absent
	// for 1; shape says whether what keypoints know of their surroundings
	// (Jacobians) is relative too.
	Relate(s *graph.Scope, source, driving, initial Tensors, scale tensorflow.Output, shape bool) Tensors
	// Spread repeats one encoded source for each of N poses.
	Spread(s *graph.Scope, source, pose Tensors) Tensors
	// Decode moves encoded sources to poses: Prediction, and where the family has
	// them Deformation, Background and OcclusionMap, at the size that the network
	// gives.
	Decode(s *graph.Scope, source, pose Tensors) Tensors
	// Deform is what motion alone makes of the source pictures (N of them, or one
	// for all), given what Decode returned: [N, H, W, 3]. It does not exist where
	// motion is all there is.
	Deform(s *graph.Scope, pictures tensorflow.Output, decoded Tensors) tensorflow.Output
}

// Critic is a discriminator, as those see it who look at what it says.
type Critic interface {
	// Pixels are the raw scores [N, H, W, 1] of pictures [N, H, W, 3] that show
	// the driving pose. They do not exist where there is no decoder.
	Pixels(s *graph.Scope, pictures tensorflow.Output, pose Tensors) tensorflow.Output
}

// Training are the networks of a training.
type Training interface {
	// Animator is the part that animates.
	Animator() Animator
	// VGG are the features of the perceptual loss; nil where there is none.
	VGG() *VGG19
	// Objective computes both frames once for all players, in the order of calls
	// of the reference: it decides how running averages move and spectral vectors
	// are refined. in is in training mode.
	Objective(s *graph.Scope, in Inputs) Objective
}

// Inputs of an objective.
type Inputs struct {
	// Source and Driving [N, H, W, 3] in [0, 1].
	Source, Driving tensorflow.Output
	// Draws are the random inputs by name.
	Draws Tensors
}

// Objective is what the players minimise, and what there is to see of it.
type Objective struct {
	// Terms in the order in which they are added up.
	Terms []Term
	// Stats are measurements.
	Stats []Stat
	// Shown are tensors that pictures are made of.
	Shown Tensors
	// Stages of the forward pass that do not need each other, in the order in which
	// they take turns.
	Stages []*graph.Stage
}

// Draw is a random input of a training step.
type Draw struct {
	// Name of the input, and of the stream of its random numbers.
	Name string
	// DType of the input; 0 is the graph's own.
	DType tensorflow.DataType
	// Dims of the input.
	Dims []int64
	// Values draws it: []float64 where DType is 0, else []float32 or []int32.
	Values func(r *random.Rand) any
}

// Repeat returns a function that repeats maps [1, h, w, C] as often as like
// [N, ...] has samples: zeros [N, 1, 1, 1] are added.
func Repeat(s *graph.Scope, like tensorflow.Output) func(tensorflow.Output) tensorflow.Output {
	begin, size := make([]int, len(s.Shape(like))), make([]int, len(s.Shape(like)))
	for i := range size {
		size[i] = 1
	}
	if len(size) > 0 {
		size[0] = -1
	}
	zeros := s.Scale(s.Reshape(s.Slice(like, begin, size), -1, 1, 1, 1), 0)
	return func(x tensorflow.Output) tensorflow.Output { return s.Add(x, zeros) }
}
