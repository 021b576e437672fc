// Package model holds the networks and losses of image animation: FOMM's
// keypoint detector, dense motion network and occlusion-aware generator, its
// multi-scale discriminator, the U-Net discriminator of PriorityCut, VGG-19's
// features. Each file reads like a figure of its paper.
//
// Build functions take a scope and tensors and return named outputs; they open
// no files and no sessions. Variables are named as in the reference's state
// dict, so that its weights can be loaded. Pictures are [N, H, W, 3] in [0, 1];
// positions are (x, y) in [-1, 1].
package model

import (
	"strconv"

	"github.com/prioritycut/prioritycut/graph"
)

// Animator are the networks that animate a picture.
type Animator struct {
	KPDetector *KPDetector
	Generator  *Generator
}

// NewAnimator makes the variables kp_detector.* and generator.*.
func NewAnimator(s *graph.Scope, p Params) *Animator {
	return &Animator{
		KPDetector: NewKPDetector(s.Sub("kp_detector"), p.KPDetector, p.Common),
		Generator:  NewGenerator(s.Sub("generator"), p.Generator, p.Common, p.AlignCorners),
	}
}

// NewDiscriminator makes the variables discriminator.* of the discriminator
// that the variant trains with; nil for FOMM, which has none.
func NewDiscriminator(s *graph.Scope, v Variant, p Params) Discriminator {
	switch v {
	case FOMM:
		return nil
	case FOMMAdv:
		return NewMultiScale(s.Sub("discriminator"), p.Discriminator, p.Common)
	case UNet, CutMix, PriorityCut:
		return NewUNetDiscriminator(s.Sub("discriminator"), p.Discriminator, p.Common)
	}
	s.Failf("there is no variant %q; the variants are %v", v, Variants())
	return nil
}

func scaleName(scale float64) string { return strconv.FormatFloat(scale, 'g', -1, 64) }
