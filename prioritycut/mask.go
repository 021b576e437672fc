package prioritycut

import (
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
	tensorflow "github.com/wamuir/graft/tensorflow"
)

// MaskOutputs are what Mask adds to a graph.
type MaskOutputs struct {
	// Mask is [N, H, W, 1] of 0 and 1: M of Eq. 2.
	Mask tensorflow.Output
	// Foreground is the foreground map O_fg of Eq. 1, [N, H, W, 1]: 1 on the
	// background, the occlusion map elsewhere.
	Foreground tensorflow.Output
	// BackgroundFraction is each sample's share of background pixels, [N], in
	// [0, 1]. At 0 the method is a top-k of the occlusion alone.
	BackgroundFraction tensorflow.Output
}

// Mask marks the most occluded foreground pixels of each sample.
//
// The occlusion map (0 = fully occluded, 1 = visible) and the background's
// alpha are [N, H, W, 1] of the same dtype, float or double; k is [N] of
// float32, each in [0, 1]. A pixel is background where its alpha exceeds
// p.BGThreshold. Of the other pixels the n with the least occlusion values are
// cut, n = floor(k * pixels), with the pixels that p.KOf names and the product
// in double; of equal values the first in row-major order goes first. The mask
// has p.Polarity's value there.
//
// The work is done by a custom op whose library is loaded here. Where a map of a
// sample holds a NaN or an infinity, or its k is outside [0, 1], all outputs of
// that sample are NaN: who uses them looks at what is made of them, as a training
// step does. Shapes that disagree stop a run with InvalidArgument.
func Mask(s *graph.Scope, occlusion, background, k tensorflow.Output, p Params) MaskOutputs {
	s = s.At("prioritycut_mask")
	if err := p.Validate(); err != nil {
		s.Fail(err)
	}
	if err := tf.LoadOps(); err != nil {
		s.Fail(err)
	}
	if !s.Want("occlusion map", occlusion, -1, -1, -1, 1) ||
		!s.Want("background alpha", background, -1, -1, -1, 1) || !s.Want("k", k, -1) {
		return MaskOutputs{}
	}
	// An attribute of type float would round the threshold to 24 bits.
	threshold, err := tf.Scalar(p.BGThreshold)
	if err != nil {
		s.Fail(err)
		return MaskOutputs{}
	}
	op := s.AddOp("PriorityCutMask", graph.Attrs{
		"bg_threshold": threshold,
		"k_of":         string(p.KOf),
		"polarity":     string(p.Polarity),
	}, nil, occlusion, background, k)
	if op == nil {
		return MaskOutputs{}
	}
	// The op has no gradient, and differentiating through it would be an error.
	return MaskOutputs{
		Mask:               s.StopGradient(op.Output(0)),
		Foreground:         s.StopGradient(op.Output(1)),
		BackgroundFraction: s.StopGradient(op.Output(2)),
	}
}

// ImageMask is Mask at the size of a picture, [N, h, w, 1]. As a rule both maps
// are resized before they are compared and ranked, bilinearly with half-pixel
// centres, so that outlines are smooth and k is exact; AtMotion the mask is
// resized, by repeating its pixels.
func ImageMask(s *graph.Scope, occlusion, background, k tensorflow.Output, h, w int, p Params) MaskOutputs {
	if p.MaskAt == AtMotion {
		m := Mask(s, occlusion, background, k, p)
		m.Mask, m.Foreground = s.ResizeNearest(m.Mask, h, w), s.ResizeNearest(m.Foreground, h, w)
		return m
	}
	return Mask(s, s.ResizeBilinear(occlusion, h, w), s.ResizeBilinear(background, h, w), k, p)
}

// Saturated is the share of samples, a scalar in [0, 1], whose whole
// foreground was cut, so that a larger k would have drawn the same mask. With
// OfForeground these are the samples with k = 1 or without a foreground; with
// OfImage all whose k is above the foreground's share.
func Saturated(s *graph.Scope, m MaskOutputs, p Params) tensorflow.Output {
	s = s.At("saturated")
	cut := m.Mask
	if p.Polarity == FakeAtOccluded {
		cut = s.OneMinus(cut)
	}
	shape := s.Shape(cut)
	if len(shape) != 4 || shape[1] < 1 || shape[2] < 1 {
		s.Failf("mask is %v: height and width must be known", shape)
		return tensorflow.Output{}
	}
	// Sums of zeros and ones are exact in float32 up to 4096x4096 pixels, and
	// so is the number of pixels behind the fraction once it is rounded.
	cutPixels := s.Cast(s.Sum(cut, 1, 2, 3), tensorflow.Double)
	share := s.OneMinus(s.Cast(m.BackgroundFraction, tensorflow.Double))
	left := s.Minus(s.Scale(share, float64(shape[1]*shape[2])), cutPixels)
	return s.Mean(s.Cast(s.Op("Less", nil, left, s.ScalarOf(tensorflow.Double, 0.5)), s.DType()))
}
