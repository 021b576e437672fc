package x2face

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
)

// generator is the one player of a training: both networks.
const generator = "generator"

// The names of tensors.
const (
	// FacePart [N, H, W, 3] is the embedded face, ConfidencePart [N, H, W, 1] its
	// weight among those of several sources.
	FacePart       = "face"
	ConfidencePart = "confidence"
	// GridPart [N, H, W, 2] is where each pixel looks in the embedded face: a pose.
	GridPart = "grid"
)

// Family is X2Face with its parameters.
type Family struct {
	Params Params
	// Momentum of the descent, in [0, 1).
	Momentum float64
}

// Name implements model.Family.
func (f *Family) Name() model.FamilyName { return model.X2FaceFamily }

// Can implements model.Family: a pose is a sampling of the face, so there are
// no keypoints and no relative motion.
func (f *Family) Can() model.Capabilities { return model.Capabilities{} }

// Players implements model.Family: one descent moves both networks.
func (f *Family) Players() []model.Player {
	return []model.Player{{
		Name: generator, Prefixes: []string{EmbeddingScope + ".", DrivingScope + "."}, Rate: "lr_generator",
		Optimiser: model.Optimiser{Kind: model.Momentum, Momentum: f.Momentum},
	}}
}

// Parts implements model.Family.
func (f *Family) Parts() []model.Part {
	return []model.Part{
		{Title: "embedding network", Prefix: EmbeddingScope + "."},
		{Title: "driving network", Prefix: DrivingScope + "."},
	}
}

// NewAnimator implements model.Family.
func (f *Family) NewAnimator(s *graph.Scope) model.Animator { return f.newAnimator(s) }

func (f *Family) newAnimator(s *graph.Scope) *Puppet { return &Puppet{NewAnimator(s, f.Params)} }

// NewCritic implements model.Family: there is none.
func (f *Family) NewCritic(*graph.Scope) model.Critic { return nil }

// Draws implements model.Family: a step draws nothing but its pictures.
func (f *Family) Draws(n, h, w int) []model.Draw { return nil }

// Puppet is an Animator behind the names of its tensors.
type Puppet struct{ *Animator }

// Encode implements model.Animator.
func (p *Puppet) Encode(s *graph.Scope, source tensorflow.Output) model.Tensors {
	e := p.Embed(s, source)
	return model.Tensors{FacePart: e.Face, ConfidencePart: e.Confidence}
}

// Pose implements model.Animator.
func (p *Puppet) Pose(s *graph.Scope, pictures tensorflow.Output) model.Tensors {
	return model.Tensors{GridPart: p.Drive(s, pictures).Grid}
}

// Relate implements model.Animator: every pose stands for itself.
func (p *Puppet) Relate(_ *graph.Scope, _, driving, _ model.Tensors, _ tensorflow.Output, _ bool) model.Tensors {
	return driving
}

// Spread implements model.Animator.
func (p *Puppet) Spread(s *graph.Scope, source, pose model.Tensors) model.Tensors {
	dims := s.Shape(pose[GridPart])
	if s.Err() != nil || len(dims) != 4 {
		return source
	}
	like := s.Slice(pose[GridPart], []int{0, 0, 0, 0}, []int{-1, 1, 1, 2}) // [N, 1, 1, 2]
	repeat := model.Repeat(s, s.Reshape(like, -1, 1, 2))
	out := model.Tensors{}
	for name, x := range source {
		out[name] = repeat(x)
	}
	return out
}

// Decode implements model.Animator.
func (p *Puppet) Decode(s *graph.Scope, source, pose model.Tensors) model.Tensors {
	return model.Tensors{model.Prediction: p.Sample(s, source[FacePart], pose[GridPart])}
}

// Deform implements model.Animator: motion is all there is.
func (p *Puppet) Deform(*graph.Scope, tensorflow.Output, model.Tensors) tensorflow.Output {
	return tensorflow.Output{}
}

// training are the networks of a training.
type training struct{ animator *Puppet }

// NewTraining implements model.Family.
func (f *Family) NewTraining(s *graph.Scope) model.Training { return &training{f.newAnimator(s)} }

// Animator implements model.Training.
func (t *training) Animator() model.Animator { return t.animator }

// VGG implements model.Training: there is no perceptual loss.
func (t *training) VGG() *model.VGG19 { return nil }

// Objective implements model.Training: the first frame is the source, the
// second one drives and is the target. Only the public training script's
// photometric loss is here; the later stages of the paper are not published.
func (t *training) Objective(s *graph.Scope, in model.Inputs) model.Objective {
	a := t.animator
	embedding := a.Embed(s, in.Source)
	face := Face(s, []Embedding{embedding})
	prediction := a.Sample(s, face, a.Drive(s, in.Driving).Grid)
	return model.Objective{
		Terms: []model.Term{{Name: "photometric", Player: generator, Value: Photometric(s, prediction, in.Driving), Weight: 1}},
		Shown: model.Tensors{model.Prediction: prediction, model.Deformed: face},
	}
}
