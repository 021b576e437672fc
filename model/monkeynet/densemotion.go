package monkeynet

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// DenseMotion predicts from two sets of keypoints where each pixel looks in the
// source: a mixture of K+1 translations and a correction.
type DenseMotion struct {
	params    DenseMotionParams
	common    CommonParams
	groups    []*groupBlock
	hourglass *hourglass
}

// groupBlock is a 1x1 convolution that sees one hypothesis at a time, batch
// norm and ReLU. (The public code applies a leaky ReLU behind it, which changes
// nothing.)
type groupBlock struct {
	conv *graph.Conv2D
	norm *graph.BatchNorm
	name string
}

// backgroundBias starts the masks with most of the weight on standing still.
const backgroundBias = 2

// NewDenseMotion makes the variables of the network in scope s.
func NewDenseMotion(s *graph.Scope, p DenseMotionParams, c CommonParams) *DenseMotion {
	m := &DenseMotion{params: p, common: c}
	hypotheses := c.NumKP + 1
	in := hypotheses * p.MaskEmbedding.channels(c)
	for i := 0; i < p.NumGroupBlocks; i++ {
		name := graph.Numbered("group_blocks", i)
		at := s.Sub(name)
		m.groups = append(m.groups, &groupBlock{
			conv: graph.NewConv2D(at.Sub("conv"), in, in, 1, graph.ConvOptions{Groups: hypotheses}),
			norm: graph.NewBatchNorm(at.Sub("norm"), in),
			name: name,
		})
	}
	var start []float64
	if p.UseMask {
		start = make([]float64, hypotheses)
		start[0] = backgroundBias
	}
	if p.UseCorrection {
		start = append(start, 0, 0)
	}
	bias := graph.Repeat(start...)
	m.hourglass = newHourglass(s.Sub("hourglass"), in, len(start), p.UNetParams,
		graph.ConvOptions{KernelInit: &graph.Zeros, BiasInit: &bias})
	return m
}

// channels is what a hypothesis adds to the network's input.
func (e EmbeddingParams) channels(c CommonParams) int {
	n := 0
	if e.UseHeatmap {
		n++
	}
	if e.UseDifference {
		n += 2
	}
	if e.UseDeformedSource {
		n += c.NumChannels
	}
	return n
}

// Motion is what DenseMotion computes. Hypothesis 0 is the background, which
// stands still; hypothesis k moves with keypoint k.
type Motion struct {
	// Heatmap [N, K+1, h, w] are the keypoints' maps; the background's is 0.
	Heatmap tensorflow.Output
	// Difference [N, K+1, 2] is how far each hypothesis looks away.
	Difference tensorflow.Output
	// SparseDeformed [N, K+1, h, w, 3] is what it sees there.
	SparseDeformed tensorflow.Output
	// Groups are the outputs [N, h, w, C] of the blocks in front of the
	// hourglass, HourglassOut [N, h, w, K+1 and 2] its own.
	Groups       []tensorflow.Output
	HourglassOut tensorflow.Output
	// Mask [N, h, w, K+1] is the share of each hypothesis; it does not exist
	// where use_mask is off.
	Mask tensorflow.Output
	// Correction [N, h, w, 2] is the network's own flow; it does not exist where
	// use_correction is off.
	Correction tensorflow.Output
	// Deformation [N, h, w, 2] is where each pixel looks in the source.
	Deformation tensorflow.Output
}

// Apply computes the motion from the shrunken source [N, h, w, 3] and both sets
// of keypoints.
func (m *DenseMotion) Apply(s *graph.Scope, small tensorflow.Output, source, driving Keypoints, alignCorners bool) Motion {
	var out Motion
	dims := s.Shape(small)
	if s.Err() != nil {
		return out
	}
	h, w := dims[1], dims[2]
	x := m.input(s, &out, small, source, driving, alignCorners)
	for _, g := range m.groups {
		at := s.At(g.name)
		x = at.Relu(g.norm.Apply(at, g.conv.Apply(at, x)))
		out.Groups = append(out.Groups, x)
	}
	out.HourglassOut, _, _ = m.hourglass.apply(s.At("hourglass"), x)

	deformation := s.Reshape(s.Grid(h, w), 1, h, w, 2)
	at := 0
	if m.params.UseMask {
		at = m.common.NumKP + 1
		out.Mask = s.Softmax(s.Channels(out.HourglassOut, 0, at))
		moved := s.MatMul(s.Reshape(out.Mask, -1, h*w, at), out.Difference) // [N, h*w, 2]
		deformation = s.Add(s.Reshape(moved, -1, h, w, 2), deformation)
	}
	if m.params.UseCorrection {
		out.Correction = s.Channels(out.HourglassOut, at, at+2)
		deformation = s.Add(out.Correction, deformation)
	}
	out.Deformation = deformation
	return out
}

// input is what the network sees of each hypothesis, [N, h, w, (K+1) C].
func (m *DenseMotion) input(s *graph.Scope, out *Motion, small tensorflow.Output, source, driving Keypoints, alignCorners bool) tensorflow.Output {
	dims := s.Shape(small)
	h, w, hypotheses := dims[1], dims[2], m.common.NumKP+1
	e := m.params.MaskEmbedding
	out.Difference = withBackground(s, s.Minus(source.Mean, driving.Mean))
	shift := s.Reshape(out.Difference, -1, hypotheses, 1, 1, 2)

	var parts []tensorflow.Output
	if e.UseHeatmap {
		maps := e.embedding(s, source, driving, m.common.KPVariance, h, w)
		out.Heatmap = s.Reshape(withBackground(s, maps), -1, hypotheses, h, w)
		parts = append(parts, s.ExpandDims(out.Heatmap, 4))
	}
	if e.UseDifference {
		everywhere := s.Scale(s.Reshape(s.Grid(h, w), 1, 1, h, w, 2), 0)
		parts = append(parts, s.Add(shift, everywhere))
	}
	if e.UseDeformedSource {
		points := s.Add(s.Reshape(s.Grid(h, w), 1, 1, h, w, 2), shift)
		out.SparseDeformed = s.Warp(small, points, graph.ZeroPadding, alignCorners)
		parts = append(parts, out.SparseDeformed)
	}
	joined := s.Transpose(s.Concat(4, parts...), 0, 2, 3, 1, 4) // [N, h, w, K+1, C]
	return s.Reshape(joined, -1, h, w, hypotheses*e.channels(m.common))
}

// withBackground puts a hypothesis of zeros before those of x [N, K, C].
func withBackground(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
	return s.Op("Pad", nil, x, s.Const([][]int32{{0, 0}, {1, 0}, {0, 0}}))
}
