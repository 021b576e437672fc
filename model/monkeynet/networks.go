// Package monkeynet holds the networks and losses of Monkey-Net (Siarohin et
// al., "Animating Arbitrary Objects via Deep Motion Transfer", CVPR 2019): a
// detector of keypoints with means and variances, a dense motion network of
// translations with a correction, a generator whose every skip connection is
// warped, and a discriminator that sees the keypoints.
//
// The public code computes in three dimensions with kernels of depth 1; on
// pictures that is the same in two. Variables are named as in its state dicts.
// Pictures are [N, H, W, 3] in [0, 1]; positions are (x, y) in [-1, 1].
package monkeynet

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Animator are the networks that animate a picture.
type Animator struct {
	Generator  *Generator
	KPDetector *KPDetector
}

// NewAnimator makes the variables generator.* and kp_detector.*.
func NewAnimator(s *graph.Scope, p Params) *Animator {
	if err := p.Validate(); err != nil {
		s.Fail(err)
	}
	return &Animator{
		Generator:  NewGenerator(s.Sub("generator"), p.Generator, p.Common, p.AlignCorners),
		KPDetector: NewKPDetector(s.Sub("kp_detector"), p.KPDetector, p.Common),
	}
}

// shrink takes every (1/factor)-th pixel of x [N, H, W, C] from the first, as
// networks that work on a smaller picture see it; factor 0 stands for 1.
func shrink(s *graph.Scope, x tensorflow.Output, factor float64) tensorflow.Output {
	dims := s.Shape(x)
	if factor == 0 || factor == 1 || len(dims) != 4 {
		return x
	}
	return s.ResizeNearest(x, int(float64(dims[1])*factor), int(float64(dims[2])*factor))
}
