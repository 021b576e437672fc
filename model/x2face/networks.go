// Package x2face holds the networks and the loss of X2Face (Wiles et al.,
// "X2Face: a network for controlling face generation using images, audio, and
// pose codes", ECCV 2018): one network draws the source's pixels together to an
// embedded face, another one samples that face to the driving frame's pose and
// expression. There are no keypoints.
//
// Variables are named as in the public code's state dict. Pictures are
// [N, H, W, 3] in [0, 1]; positions are (x, y) in [-1, 1].
package x2face

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Animator are the two networks.
type Animator struct {
	params    Params
	embedding *unet // 2 channels of flow and a confidence
	driving   *unet // 2 channels of flow
}

// The names of the networks in the public code's state dict.
const (
	EmbeddingScope = "pix2pixUnwrapped"
	DrivingScope   = "pix2pixSampler"
)

// NewAnimator makes the variables pix2pixUnwrapped.* and pix2pixSampler.*.
func NewAnimator(s *graph.Scope, p Params) *Animator {
	if err := p.Validate(); err != nil {
		s.Fail(err)
		return nil
	}
	return &Animator{
		params:    p,
		embedding: newUNet(s.Sub(EmbeddingScope), p, p.MaxFeatures, 3, true),
		driving:   newUNet(s.Sub(DrivingScope), p, p.InnerFeatures, 2, false),
	}
}

// Embedding is what Embed computes of one source.
type Embedding struct {
	// Down and Up are the outputs of the levels, outermost first; Up[0] are the
	// network's three channels.
	Down, Up []tensorflow.Output
	// Grid [N, H, W, 2] is where each pixel of the face looks in the source.
	Grid tensorflow.Output
	// Confidence [N, H, W, 1] is the weight of this source: above 0.1.
	Confidence tensorflow.Output
	// Face [N, H, W, 3] is the source moved by Grid.
	Face tensorflow.Output
}

// confidenceFloor keeps every source in the mean.
const confidenceFloor = 0.1

// Embed draws the pixels of one source [N, H, W, 3] together.
func (a *Animator) Embed(s *graph.Scope, source tensorflow.Output) Embedding {
	var out Embedding
	out.Down, out.Up, _ = a.embedding.apply(s.At(EmbeddingScope), source)
	if s.Err() != nil {
		return out
	}
	raw := out.Up[0]
	out.Grid = onGrid(s, s.Op("Tanh", nil, s.Channels(raw, 0, 2)))
	out.Confidence = s.Shift(s.Exp(s.Channels(raw, 2, 3)), confidenceFloor)
	out.Face = s.Warp(source, out.Grid, graph.ZeroPadding, a.params.AlignCorners)
	return out
}

// Face is the embedded face [N, H, W, 3] of several sources: their mean, each
// pixel weighed by its confidence. Of one source it is that source's, and the
// confidence has no gradient.
func Face(s *graph.Scope, sources []Embedding) tensorflow.Output { return blend(s, sources, 0) }

// FaceWithoutFloor is Face with confidences from 0 on, which the public code
// draws for the eye.
func FaceWithoutFloor(s *graph.Scope, sources []Embedding) tensorflow.Output {
	return blend(s, sources, -confidenceFloor)
}

// blend is the mean of faces weighed by confidence + offset.
func blend(s *graph.Scope, sources []Embedding, offset float64) tensorflow.Output {
	if len(sources) == 0 {
		s.Failf("an embedded face needs a source")
		return tensorflow.Output{}
	}
	// Pairs, since the gradient of an operation with more than 8 inputs is
	// another one in every process.
	var weighed, sum tensorflow.Output
	for i, e := range sources {
		weight := s.Shift(e.Confidence, offset)
		part := s.Mul(e.Face, weight)
		if i == 0 {
			weighed, sum = part, weight
			continue
		}
		weighed, sum = s.Add(weighed, part), s.Add(sum, weight)
	}
	return s.Div(weighed, sum)
}

// Sampling is what Drive computes.
type Sampling struct {
	// Down and Up are the outputs of the levels, outermost first; Up[0] is the
	// network's output, behind its tanh.
	Down, Up []tensorflow.Output
	// Code [N, 1, 1, C] is the bottleneck behind its ReLU.
	Code tensorflow.Output
	// Grid [N, H, W, 2] is where each pixel looks in the embedded face: at most
	// tanh(1) = 0.76 away.
	Grid tensorflow.Output
}

// Drive finds in driving frames [N, H, W, 3] how the face is to be sampled,
// each frame for itself.
func (a *Animator) Drive(s *graph.Scope, driving tensorflow.Output) Sampling {
	var out Sampling
	out.Down, out.Up, out.Code = a.driving.apply(s.At(DrivingScope), driving)
	if s.Err() != nil {
		return out
	}
	out.Grid = onGrid(s, s.Op("Tanh", nil, out.Up[0])) // a second tanh, as published
	return out
}

// Sample is the prediction [N, H, W, 3]: the embedded face at the grid of
// Drive; zeros outside.
func (a *Animator) Sample(s *graph.Scope, face, grid tensorflow.Output) tensorflow.Output {
	return s.Warp(face, grid, graph.ZeroPadding, a.params.AlignCorners)
}

// onGrid adds offsets [N, H, W, 2] to the points of the corner-to-corner grid.
func onGrid(s *graph.Scope, offset tensorflow.Output) tensorflow.Output {
	dims := s.Shape(offset)
	if s.Err() != nil {
		return tensorflow.Output{}
	}
	return s.Add(offset, s.Reshape(s.Grid(dims[1], dims[2]), 1, dims[1], dims[2], 2))
}

// Photometric is the loss: the mean absolute difference of prediction and
// driving frame.
func Photometric(s *graph.Scope, prediction, driving tensorflow.Output) tensorflow.Output {
	return s.L1(prediction, driving)
}
