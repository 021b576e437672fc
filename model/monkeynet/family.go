package monkeynet

import (
	"strconv"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
)

// The players of a training, and the names that begin their variables.
const (
	generator     = "generator"
	kpDetector    = "kp_detector"
	discriminator = "discriminator"
)

// The names of what Monkey-Net keeps of a source, and of a pose's variances.
const (
	// Variance [N, K, 2, 2], or [N, K, 1, 1] where kp_variance is single.
	VariancePart = "variance"
	// SkipPart and a number name a skip connection; SkipPart + "0" is the picture.
	SkipPart = "skip_"
)

// Family is Monkey-Net with its parameters.
type Family struct {
	Params  Params
	Weights LossWeights
	// Relation says how relative motion is relative; MoveLocation is implied.
	Relation Relation
	// MuonScale is the size of Muon's steps in learning rates; 0 leaves all to Adam.
	MuonScale float64
}

// Name implements model.Family.
func (f *Family) Name() model.FamilyName { return model.MonkeyNetFamily }

// Can implements model.Family. The background's share of the mixture stands for
// a background alpha.
func (f *Family) Can() model.Capabilities {
	return model.Capabilities{
		Keypoints: true, NumKP: f.Params.Common.NumKP, Background: f.Params.Generator.DenseMotion.UseMask,
	}
}

// Players implements model.Family: three Adams, in the public code's order, or Muon
// for those that animate.
func (f *Family) Players() []model.Player {
	adam := model.Optimiser{Kind: model.Adam, Beta1: 0.5, Beta2: 0.999, Epsilon: 1e-8}
	players := []model.Player{
		{Name: generator, Prefixes: []string{generator + "."}, Rate: "lr_generator", Optimiser: adam},
		{Name: kpDetector, Prefixes: []string{kpDetector + "."}, Terms: generator, Rate: "lr_kp_detector", Optimiser: adam},
		{Name: discriminator, Prefixes: []string{discriminator + "."}, Critic: true, Rate: "lr_discriminator", Optimiser: adam},
	}
	return model.ByMuon(players, f.MuonScale)
}

// Parts implements model.Family.
func (f *Family) Parts() []model.Part {
	return []model.Part{
		{Title: "keypoint detector", Prefix: kpDetector + "."},
		{Title: "dense motion", Prefix: generator + ".dense_motion_module."},
		{Title: "generator without dense motion", Prefix: generator + "."},
		{Title: "discriminator", Prefix: discriminator + "."},
	}
}

// NewAnimator implements model.Family.
func (f *Family) NewAnimator(s *graph.Scope) model.Animator { return f.newAnimator(s) }

func (f *Family) newAnimator(s *graph.Scope) *Puppet {
	return &Puppet{Animator: NewAnimator(s, f.Params), relation: f.Relation}
}

// NewCritic implements model.Family. The discriminator scores no pixels.
func (f *Family) NewCritic(s *graph.Scope) model.Critic {
	NewDiscriminator(s.Sub(discriminator), f.Params.Discriminator, f.Params.Common)
	return noPixels{}
}

type noPixels struct{}

// Pixels implements model.Critic.
func (noPixels) Pixels(*graph.Scope, tensorflow.Output, model.Tensors) tensorflow.Output {
	return tensorflow.Output{}
}

// Draws implements model.Family: a step draws nothing but its pictures.
func (f *Family) Draws(n, h, w int) []model.Draw { return nil }

// Puppet is an Animator behind the names of its tensors.
type Puppet struct {
	*Animator
	relation Relation
}

// Encode implements model.Animator.
func (p *Puppet) Encode(s *graph.Scope, source tensorflow.Output) model.Tensors {
	out := model.Tensors{}
	out.Put(model.KPSource, partsOf(p.KPDetector.Detect(s.At(model.KPSource+"detect"), source).Keypoints))
	e := p.Generator.Encode(s.At(generator), source)
	out[model.Small] = e.Small
	for i, skip := range e.Skips {
		out[SkipPart+strconv.Itoa(i)] = skip
	}
	return out
}

// Pose implements model.Animator.
func (p *Puppet) Pose(s *graph.Scope, pictures tensorflow.Output) model.Tensors {
	return partsOf(p.KPDetector.Detect(s, pictures).Keypoints)
}

// Relate implements model.Animator. Whether variances are relative too is the
// configuration's to say (adapt_variance).
func (p *Puppet) Relate(s *graph.Scope, source, driving, initial model.Tensors, scale tensorflow.Output, _ bool) model.Tensors {
	r := p.relation
	r.MoveLocation = true
	return partsOf(r.Relate(s, keypointsOf(source.Pose(model.KPSource)), keypointsOf(driving), keypointsOf(initial), scale))
}

// Spread implements model.Animator. Keypoints need not be repeated: they are
// only added and multiplied.
func (p *Puppet) Spread(s *graph.Scope, source, pose model.Tensors) model.Tensors {
	repeat := model.Repeat(s, pose[model.Value])
	out := model.Tensors{}
	for name, x := range source {
		if dims := s.Shape(x); len(dims) == 4 && !isPose(name) {
			x = repeat(x)
		}
		out[name] = x
	}
	return out
}

func isPose(name string) bool {
	return len(name) > len(model.KPSource) && name[:len(model.KPSource)] == model.KPSource
}

// Decode implements model.Animator.
func (p *Puppet) Decode(s *graph.Scope, source, pose model.Tensors) model.Tensors {
	e := Encoded{Small: source[model.Small]}
	for i := 0; i <= p.Generator.params.NumBlocks; i++ {
		e.Skips = append(e.Skips, source[SkipPart+strconv.Itoa(i)])
	}
	g := p.Generator.Decode(s.At(generator), e, keypointsOf(source.Pose(model.KPSource)), keypointsOf(pose))
	out := model.Tensors{}
	out.Put("", model.Tensors{model.Prediction: g.Prediction, model.Deformation: g.Deformation, model.Background: g.background(s)})
	return out
}

// background is the share [N, h, w, 1] of the hypothesis that stands still; it
// does not exist where use_mask is off.
func (m Motion) background(s *graph.Scope) tensorflow.Output {
	if m.Mask.Op == nil {
		return tensorflow.Output{}
	}
	return s.Channels(m.Mask, 0, 1)
}

// Deform implements model.Animator.
func (p *Puppet) Deform(s *graph.Scope, pictures tensorflow.Output, decoded model.Tensors) tensorflow.Output {
	dims := s.Shape(pictures)
	if s.Err() != nil {
		return tensorflow.Output{}
	}
	flow := p.Generator.resize(s, decoded[model.Deformation], dims)
	return s.Warp(pictures, flow, graph.ZeroPadding, p.Generator.alignCorners)
}

// keypointsOf are the keypoints of a pose.
func keypointsOf(pose model.Tensors) Keypoints {
	return Keypoints{Mean: pose[model.Value], Var: pose[VariancePart]}
}

// partsOf is keypointsOf backwards.
func partsOf(kp Keypoints) model.Tensors {
	pose := model.Tensors{model.Value: kp.Mean}
	if kp.Var.Op != nil {
		pose[VariancePart] = kp.Var
	}
	return pose
}
