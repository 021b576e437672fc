// Package fomm holds the networks and losses of the First Order Motion Model
// (FOMM) and of PriorityCut, whose generator it is: keypoint detector, dense
// motion network and occlusion-aware generator, the multi-scale discriminator,
// the U-Net discriminator of PriorityCut, and the losses on keypoints and
// judgements. Each file reads like a figure of its paper.
package fomm

import (
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
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

// NewDiscriminator makes the variables discriminator.* of a discriminator of the
// given kind; nil where there is none.
func NewDiscriminator(s *graph.Scope, kind model.DiscriminatorKind, p Params) Discriminator {
	switch kind {
	case model.NoDiscriminator:
		return nil
	case model.PatchDiscriminator:
		return NewMultiScale(s.Sub("discriminator"), p.Discriminator, p.Common)
	case model.PixelDiscriminator:
		return NewUNetDiscriminator(s.Sub("discriminator"), p.Discriminator, p.Common)
	}
	s.Failf("there is no discriminator of kind %d", kind)
	return nil
}
