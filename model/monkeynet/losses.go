package monkeynet

import (
	"strconv"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Term is a part of a player's loss.
type Term struct {
	// Name as the public code logs it.
	Name string
	// Value is a scalar, not yet weighted.
	Value  tensorflow.Output
	Weight float64
}

// GeneratorTerms are the generator's and the detector's: the difference of the
// warped source and of the discriminator's view from the driving frame, and
// the least-squares adversarial term. Nothing is detached.
func GeneratorTerms(s *graph.Scope, w LossWeights, deformed, driving tensorflow.Output, fake, real Judgement) []Term {
	var terms []Term
	add := func(name string, weight float64, value func() tensorflow.Output) {
		if weight != 0 {
			terms = append(terms, Term{Name: name, Value: value(), Weight: weight})
		}
	}
	add("rec_def", w.ReconstructionDeformed, func() tensorflow.Output { return s.L1(deformed, driving) })
	for i := 0; i < min(len(w.Reconstruction), len(fake.Maps)); i++ {
		add("layer-"+strconv.Itoa(i)+"_rec", w.Reconstruction[i], func() tensorflow.Output {
			return s.L1(fake.Maps[i], real.Maps[i])
		})
	}
	add("gen_gan", w.GeneratorGAN, func() tensorflow.Output {
		return s.Mean(s.Square(s.OneMinus(fake.Scores())))
	})
	return terms
}

// DiscriminatorTerms is mean((1 - D(real))^2 + D(fake)^2).
func DiscriminatorTerms(s *graph.Scope, w LossWeights, fake, real Judgement) []Term {
	if w.DiscriminatorGAN == 0 {
		return nil
	}
	value := s.Add(s.Mean(s.Square(s.OneMinus(real.Scores()))), s.Mean(s.Square(fake.Scores())))
	return []Term{{Name: "disc_gan", Value: value, Weight: w.DiscriminatorGAN}}
}
