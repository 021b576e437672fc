package monkeynet

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
)

// training are the networks of a training.
type training struct {
	family        *Family
	animator      *Puppet
	discriminator *Discriminator
}

// NewTraining implements model.Family.
func (f *Family) NewTraining(s *graph.Scope) model.Training {
	return &training{
		family: f, animator: f.newAnimator(s),
		discriminator: NewDiscriminator(s.Sub(discriminator), f.Params.Discriminator, f.Params.Common),
	}
}

// Animator implements model.Training.
func (t *training) Animator() model.Animator { return t.animator }

// VGG implements model.Training: there is no perceptual loss.
func (t *training) VGG() *model.VGG19 { return nil }

// Objective implements model.Training. Source and driving frame pass the
// detector in one call, and the discriminator's input maps train the detector:
// nothing is detached but for the discriminator's own loss, whose gradient is
// taken with respect to its weights alone. So each picture is judged once.
func (t *training) Objective(s *graph.Scope, in model.Inputs) model.Objective {
	kpSource, kpDriving := t.animator.KPDetector.DetectBoth(s.At("kp_both"), in.Source, in.Driving)
	out := t.animator.Generator.Generate(s.At("generator_forward"), in.Source, kpSource.Keypoints, kpDriving.Keypoints)
	at := s.At("judge")
	fake := t.discriminator.Judge(at.At("fake"), out.Prediction, kpDriving.Keypoints)
	real := t.discriminator.Judge(at.At("real"), in.Driving, kpDriving.Keypoints)
	o := model.Objective{Shown: t.shown(s, out, kpSource.Keypoints, kpDriving.Keypoints)}
	add := func(player string, terms []Term) {
		for _, term := range terms {
			o.Terms = append(o.Terms, model.Term{Name: term.Name, Player: player, Value: term.Value, Weight: term.Weight})
		}
	}
	w := t.family.Weights
	add(generator, GeneratorTerms(at, w, out.Deformed(), in.Driving, fake, real))
	add(discriminator, DiscriminatorTerms(at, w, fake, real))
	return o
}

// shown are the tensors that pictures of a training are made of.
func (t *training) shown(s *graph.Scope, out Generation, kpSource, kpDriving Keypoints) model.Tensors {
	s = s.At("shown")
	shown := model.Tensors{}
	shown.Put("", model.Tensors{
		model.Prediction: out.Prediction, model.Deformed: out.Deformed(), model.Background: out.background(s),
		model.SparseDeformed: out.SparseDeformed, model.SparseMask: out.Mask,
	})
	shown.Put("", map[string]tensorflow.Output{
		model.KPSource + model.Value: kpSource.Mean, model.KPDriving + model.Value: kpDriving.Mean,
	})
	return shown
}
