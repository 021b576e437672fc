package fomm

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Adversary is the form of the adversarial losses. The paper does not say which
// it has.
type Adversary string

const (
	// LeastSquares is FOMM's, so that the rows of the ablation differ in one thing.
	LeastSquares Adversary = "lsgan"
	// CrossEntropy is that of the U-Net GAN (Schoenfeld et al., CVPR 2020): the
	// logistic loss of every score, each term halved.
	CrossEntropy Adversary = "bce"
)

// toOne is the mean loss of scores x that should say real.
func (a Adversary) toOne(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
	if a == CrossEntropy {
		return s.Scale(s.Mean(s.Op("Softplus", nil, s.Neg(x))), 0.5)
	}
	return s.Mean(s.Square(s.OneMinus(x)))
}

// toZero is that of scores that should say fake.
func (a Adversary) toZero(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
	if a == CrossEntropy {
		return s.Scale(s.Mean(s.Op("Softplus", nil, x)), 0.5)
	}
	return s.Mean(s.Square(x))
}

// Generator is the generator's adversarial term over every map that the
// discriminator gives of a prediction, summed over scales and heads: with least
// squares mean((1 - D(fake))^2).
func (a Adversary) Generator(s *graph.Scope, fake Judgement) tensorflow.Output {
	var list []tensorflow.Output
	for _, score := range fake.Scores {
		list = append(list, a.toOne(s, score))
	}
	if fake.Pixels.Op != nil {
		list = append(list, a.toOne(s, fake.Pixels))
	}
	return s.AddN(list...)
}

// Encoder is the discriminator's loss on its encoder's scores, summed over
// scales: with least squares mean((1 - D(real))^2) + mean(D(fake)^2).
func (a Adversary) Encoder(s *graph.Scope, real, fake Judgement) tensorflow.Output {
	var list []tensorflow.Output
	for i := range real.Scores {
		list = append(list, a.toOne(s, real.Scores[i]), a.toZero(s, fake.Scores[i]))
	}
	return s.AddN(list...)
}

// Decoder is the same over the pixels of a U-Net's decoder.
func (a Adversary) Decoder(s *graph.Scope, real, fake Judgement) tensorflow.Output {
	return s.Add(a.toOne(s, real.Pixels), a.toZero(s, fake.Pixels))
}
