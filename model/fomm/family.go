package fomm

import (
	"slices"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/prioritycut"
)

// The players of a training.
const (
	GeneratorPlayer     = "generator"
	KPDetectorPlayer    = "kp_detector"
	DiscriminatorPlayer = "discriminator"
)

// adam are the constants of the reference's optimisers.
var adam = model.Optimiser{Kind: model.Adam, Beta1: 0.5, Beta2: 0.999, Epsilon: 1e-8}

// Family is FOMM, or PriorityCut, as it is configured.
type Family struct {
	// Params size the networks.
	Params Params
	// Traits say what they are trained against.
	Traits model.Traits
	// Train configures the training; inference does without.
	Train TrainParams
}

// TrainParams configure the losses of a training.
type TrainParams struct {
	// Cut configures the masks of the consistency loss.
	Cut prioritycut.Params
	// Transform configures the random warp of the equivariance losses.
	Transform TransformParams
	// Weights of the terms.
	Weights LossWeights
	// Adversary is the form of the adversarial losses; empty is LeastSquares.
	Adversary Adversary
	// MuonScale is the size of Muon's steps in learning rates; 0 leaves all to Adam.
	MuonScale float64
	// Scales of the perceptual loss.
	Scales []float64
	// VGGDivisor divides VGG-19's widths (1: the real network).
	VGGDivisor int
	// Refinement of spectral normalisation; with RefineEachCall the discriminator
	// runs once for each player, in the reference's order.
	Refinement graph.Refinement
}

// Name implements model.Family.
func (f *Family) Name() model.FamilyName { return model.FOMMFamily }

// Can implements model.Family.
func (f *Family) Can() model.Capabilities {
	return model.Capabilities{
		Keypoints: true, Jacobian: f.Params.Common.EstimateJacobian, NumKP: f.Params.Common.NumKP,
		Background: true, Occlusion: f.Params.Generator.EstimateOcclusionMap,
		Pixels: f.Traits.Pixels(),
	}
}

// Players lists all players that a training of FOMM may have.
func Players() []model.Player {
	return []model.Player{
		{Name: GeneratorPlayer, Prefixes: []string{"generator."}, Rate: "lr_generator", Optimiser: adam},
		{Name: KPDetectorPlayer, Prefixes: []string{"kp_detector."}, Terms: GeneratorPlayer, Rate: "lr_kp_detector", Optimiser: adam},
		{Name: DiscriminatorPlayer, Prefixes: []string{"discriminator."}, Critic: true, Rate: "lr_discriminator", Optimiser: adam},
	}
}

// Players implements model.Family.
func (f *Family) Players() []model.Player {
	players := slices.DeleteFunc(Players(), func(p model.Player) bool { return p.Critic && !f.Traits.Adversarial() })
	return model.ByMuon(players, f.Train.MuonScale)
}

// Parts implements model.Family. The dense motion network, a part of the
// generator, is counted on its own; VGG-19 is frozen.
func (f *Family) Parts() []model.Part {
	return []model.Part{
		{Title: "keypoint detector", Prefix: "kp_detector."},
		{Title: "dense motion", Prefix: "generator.dense_motion_network."},
		{Title: "generator without dense motion", Prefix: "generator."},
		{Title: "discriminator", Prefix: "discriminator."},
		{Title: "VGG-19 (frozen)", Prefix: "vgg."},
	}
}

// NewAnimator implements model.Family.
func (f *Family) NewAnimator(s *graph.Scope) model.Animator { return NewAnimator(s, f.Params) }

// NewCritic implements model.Family.
func (f *Family) NewCritic(s *graph.Scope) model.Critic {
	d := NewDiscriminator(s, f.Traits.Discriminator, f.Params)
	if d == nil {
		return nil
	}
	return critic{d}
}

// critic is a discriminator as model.Critic.
type critic struct{ Discriminator }

// Pixels implements model.Critic.
func (c critic) Pixels(s *graph.Scope, pictures tensorflow.Output, pose model.Tensors) tensorflow.Output {
	return c.Judge(s, model.NewPyramid(s, pictures), keypointsOf(pose)).Pixels
}

// Encode implements model.Animator: Small and Features are kept of a source.
func (a *Animator) Encode(s *graph.Scope, source tensorflow.Output) model.Tensors {
	e := a.Generator.Encode(s, source)
	out := model.Tensors{model.Small: e.Small, model.Features: e.Features}
	out.Put(model.KPSource, a.Pose(s.At("kp_source"), source))
	return out
}

// Pose implements model.Animator: keypoints, with Jacobians where the
// configuration has them.
func (a *Animator) Pose(s *graph.Scope, pictures tensorflow.Output) model.Tensors {
	return partsOf(a.KPDetector.Detect(s, pictures).Keypoints)
}

// Relate implements model.Animator.
func (a *Animator) Relate(s *graph.Scope, source, driving, initial model.Tensors, scale tensorflow.Output, shape bool) model.Tensors {
	from := keypointsOf(source.Pose(model.KPSource))
	return partsOf(Relative(s, from, keypointsOf(driving), keypointsOf(initial), scale, shape))
}

// Spread implements model.Animator. Keypoints need not be repeated: they are
// only added and multiplied.
func (a *Animator) Spread(s *graph.Scope, source, pose model.Tensors) model.Tensors {
	repeat, out := model.Repeat(s, pose[model.Value]), model.Tensors{}
	for name, o := range source {
		out[name] = o
	}
	out[model.Small], out[model.Features] = repeat(source[model.Small]), repeat(source[model.Features])
	return out
}

// Decode implements model.Animator.
func (a *Animator) Decode(s *graph.Scope, source, pose model.Tensors) model.Tensors {
	e := Encoded{Small: source[model.Small], Features: source[model.Features]}
	g := a.Generator.Decode(s, e, keypointsOf(source.Pose(model.KPSource)), keypointsOf(pose))
	out := model.Tensors{
		model.Prediction: g.Prediction, model.Deformation: g.Deformation, model.Background: g.Background(s),
	}
	if g.OcclusionMap.Op != nil {
		out[model.OcclusionMap] = g.OcclusionMap
	}
	return out
}

// Deform implements model.Animator.
func (a *Animator) Deform(s *graph.Scope, pictures tensorflow.Output, decoded model.Tensors) tensorflow.Output {
	motion := Motion{Deformation: decoded[model.Deformation]}
	return a.Generator.Deformed(s, model.Repeat(s, motion.Deformation)(pictures), motion)
}

// keypointsOf are the keypoints of a pose.
func keypointsOf(pose model.Tensors) Keypoints {
	return Keypoints{Value: pose[model.Value], Jacobian: pose[model.Jacobian]}
}

// partsOf is keypointsOf backwards.
func partsOf(kp Keypoints) model.Tensors {
	parts := model.Tensors{model.Value: kp.Value}
	if kp.Jacobian.Op != nil {
		parts[model.Jacobian] = kp.Jacobian
	}
	return parts
}
