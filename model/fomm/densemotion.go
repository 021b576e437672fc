package fomm

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// kpVariance is the variance of keypoints drawn for the dense motion network.
const kpVariance = 0.01

// DenseMotion predicts from two sets of keypoints how each pixel moves and
// which pixels the source cannot show (FOMM, 3.2).
type DenseMotion struct {
	params    HourglassParams
	common    CommonParams
	hourglass *graph.Hourglass
	mask      *graph.Conv2D
	occlusion *graph.Conv2D
}

// NewDenseMotion makes the variables of the network in scope s.
func NewDenseMotion(s *graph.Scope, p HourglassParams, c CommonParams, occlusion bool) *DenseMotion {
	m := &DenseMotion{params: p, common: c}
	hypotheses := c.NumKP + 1
	m.hourglass = graph.NewHourglass(s.Sub("hourglass"), hypotheses*(c.NumChannels+1), p.BlockExpansion, p.MaxFeatures, p.NumBlocks)
	same := graph.SamePadding(headKernel)
	m.mask = graph.NewConv2D(s.Sub("mask"), m.hourglass.OutChannels(), hypotheses, headKernel, same)
	if occlusion {
		m.occlusion = graph.NewConv2D(s.Sub("occlusion"), m.hourglass.OutChannels(), 1, headKernel, same)
	}
	return m
}

// Motion is what DenseMotion computes. Hypothesis 0 is the background, which
// stands still; hypothesis k moves with keypoint k.
type Motion struct {
	// Small [N, h, w, 3] is the shrunken source.
	Small tensorflow.Output
	// Heatmap [N, K+1, h, w] is the difference of the drawn keypoints.
	Heatmap tensorflow.Output
	// SparseMotion [N, K+1, h, w, 2] is where each hypothesis looks.
	SparseMotion tensorflow.Output
	// SparseDeformed [N, K+1, h, w, 3] is what it sees there.
	SparseDeformed tensorflow.Output
	// HourglassIn [N, h, w, 4(K+1)] and HourglassOut [N, h, w, C].
	HourglassIn, HourglassOut tensorflow.Output
	// Mask [N, h, w, K+1] is the share of each hypothesis; channel 0 is the
	// background alpha of PriorityCut.
	Mask tensorflow.Output
	// Deformation [N, h, w, 2] is where each pixel looks in the source.
	Deformation tensorflow.Output
	// OcclusionMap [N, h, w, 1] in (0, 1): 0 must be inpainted, 1 is visible.
	// It does not exist where estimate_occlusion_map is off.
	OcclusionMap tensorflow.Output
}

// Background is the background alpha [N, h, w, 1].
func (m Motion) Background(s *graph.Scope) tensorflow.Output { return s.Channels(m.Mask, 0, 1) }

// Shrink is the form in which Apply wants its source.
func (m *DenseMotion) Shrink(s *graph.Scope, source tensorflow.Output) tensorflow.Output {
	return s.AntiAlias(source, m.params.ScaleFactor)
}

// Apply computes the motion from the shrunken source [N, h, w, 3] and both
// sets of keypoints.
func (m *DenseMotion) Apply(s *graph.Scope, small tensorflow.Output, source, driving Keypoints, alignCorners bool) Motion {
	out := Motion{Small: small}
	dims := s.Shape(small)
	if s.Err() != nil {
		return out
	}
	h, w, k := dims[1], dims[2], m.common.NumKP

	out.Heatmap = m.heatmap(s, source, driving, h, w)
	out.SparseMotion = m.sparseMotion(s, source, driving, h, w)
	out.SparseDeformed = s.Warp(small, out.SparseMotion, graph.ZeroPadding, alignCorners)

	joined := s.Concat(4, s.ExpandDims(out.Heatmap, 4), out.SparseDeformed) // [N, K+1, h, w, 4]
	perPixel := s.Transpose(joined, 0, 2, 3, 1, 4)
	out.HourglassIn = s.Reshape(perPixel, -1, h, w, (k+1)*(m.common.NumChannels+1))
	out.HourglassOut, _ = m.hourglass.Apply(s, out.HourglassIn)

	out.Mask = s.Softmax(m.mask.Apply(s, out.HourglassOut))
	motion := s.Transpose(out.SparseMotion, 0, 2, 3, 4, 1) // [N, h, w, 2, K+1]
	out.Deformation = s.Sum(s.Mul(s.ExpandDims(out.Mask, 3), motion), 4)
	if m.occlusion != nil {
		out.OcclusionMap = s.Sigmoid(m.occlusion.Apply(s, out.HourglassOut))
	}
	return out
}

// heatmap is the driving keypoints drawn minus the source's, the background's
// all zero.
func (m *DenseMotion) heatmap(s *graph.Scope, source, driving Keypoints, h, w int) tensorflow.Output {
	difference := s.Minus(Gaussians(s, driving.Value, h, w, kpVariance), Gaussians(s, source.Value, h, w, kpVariance))
	still := s.Scale(s.Slice(difference, []int{0, 0, 0, 0}, []int{-1, 1, -1, -1}), 0)
	return s.Concat(1, still, difference)
}

// sparseMotion is T_k(z) = J_source J_driving^-1 (z - kp_driving) + kp_source
// (FOMM, Eq. 4), and the identity for the background.
func (m *DenseMotion) sparseMotion(s *graph.Scope, source, driving Keypoints, h, w int) tensorflow.Output {
	k := m.common.NumKP
	from, to := s.ExpandDims(driving.Value, 2), s.ExpandDims(source.Value, 2) // [N, K, 1, 2]
	affine := s.Add(s.Scale(from, 0), s.Values([]float64{1, 0, 0, 1}, 2, 2))  // [N, K, 2, 2]
	if driving.Jacobian.Op != nil && source.Jacobian.Op != nil {
		affine = s.MatMul(source.Jacobian, s.Inverse2x2(driving.Jacobian))
	}
	byAxis := s.Transpose(affine, 0, 1, 3, 2)
	right := s.Slice(byAxis, []int{0, 0, 0, 0}, []int{-1, -1, 1, -1}) // [N, K, 1, 2]
	down := s.Slice(byAxis, []int{0, 0, 1, 0}, []int{-1, -1, 1, -1})

	// What depends on x, and the motion per unit of y, are lines of points: TensorFlow
	// is slow on axes of two elements, so a map is made of whole lines.
	x := s.Minus(s.Reshape(s.Axis(w), w, 1), s.Channels(from, 0, 1)) // [N, K, w, 1]
	y := s.Minus(s.Reshape(s.Axis(h), h, 1), s.Channels(from, 1, 2)) // [N, K, h, 1]
	across := s.Reshape(s.Add(s.Mul(x, right), to), -1, k, 1, 2*w)
	unit := s.Reshape(s.Add(s.Scale(x, 0), down), -1, k, 1, 2*w)
	moved := s.Reshape(s.Add(s.Mul(y, unit), across), -1, k, h, w, 2)

	grid := s.Reshape(s.Grid(h, w), 1, 1, h, w, 2)
	still := s.Add(s.Scale(s.Slice(moved, []int{0, 0, 0, 0, 0}, []int{-1, 1, -1, -1, -1}), 0), grid)
	return s.Concat(1, s.StopGradient(still), moved)
}
