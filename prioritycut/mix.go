package prioritycut

import (
	"github.com/prioritycut/prioritycut/graph"
	tensorflow "github.com/wamuir/graft/tensorflow"
)

// Mix is Eq. 2, mask * real + (1-mask) * fake: real where the mask is 1. Real
// and fake are [N, H, W, C], pictures or maps of scores; the mask is [N, H, W,
// 1]. Gradients flow to real and fake; for a discriminator's step hand in a
// fake that is a constant.
func Mix(s *graph.Scope, real, fake, mask tensorflow.Output) tensorflow.Output {
	s = s.At("mix")
	shape := s.Shape(real)
	if len(shape) != 4 {
		s.Failf("real is %v, want [N, H, W, C]", shape)
		return tensorflow.Output{}
	}
	if !s.Want("fake", fake, shape...) || !s.Want("mask", mask, shape[0], shape[1], shape[2], 1) {
		return tensorflow.Output{}
	}
	return s.Add(s.Mul(mask, real), s.Mul(s.OneMinus(mask), fake))
}

// Consistency is the loss L_cons, a scalar:
//
//	mean((mixed - mix(real, fake, mask))^2)
//
// mixed, real and fake are a decoder's scores per pixel, [N, H, W, 1], of the
// mixed, the real and the generated picture. The mixed target is not detached:
// gradients flow into all three.
func Consistency(s *graph.Scope, mixed, real, fake, mask tensorflow.Output) tensorflow.Output {
	s = s.At("consistency")
	target := Mix(s, real, fake, mask)
	if !s.Want("scores of the mixed picture", mixed, s.Shape(target)...) {
		return tensorflow.Output{}
	}
	return s.Mean(s.Square(s.Minus(mixed, target)))
}
