package monkeynet

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// tiny keeps divisors and roots away from 0, where their gradients are not
// finite; no value that a heatmap gives comes near it.
const tiny = 1e-30

// clipVariance multiplies matrices v [..., 2, 2] whose smallest singular value
// is below least until it is least. That value is taken as |det| by the largest
// one: the difference of squares that defines it is lost in float32 where a
// heatmap is long and thin.
func clipVariance(s *graph.Scope, v tensorflow.Output, least float64) tensorflow.Output {
	a, b, c, d := entries(s, v)
	aa, bb, cc, dd := s.Square(a), s.Square(b), s.Square(c), s.Square(d)
	across := s.Square(s.Minus(s.Add(aa, bb), s.Add(cc, dd)))
	along := s.Scale(s.Square(s.Add(s.Mul(a, c), s.Mul(b, d))), 4)
	root := s.Sqrt(atLeast(s, s.Add(across, along), tiny))
	largest := s.Sqrt(atLeast(s, s.Scale(s.Add(s.Add(s.Add(aa, bb), s.Add(cc, dd)), root), 0.5), tiny))
	det := s.Abs(s.Minus(s.Mul(a, d), s.Mul(b, c)))
	smallest := atLeast(s, s.Div(det, largest), tiny)
	return s.Mul(s.Div(atLeast(s, smallest, least), smallest), v)
}

// atLeast is max(x, least).
func atLeast(s *graph.Scope, x tensorflow.Output, least float64) tensorflow.Output {
	return s.Op("Maximum", nil, x, s.Scalar(least))
}

// entries are the four entries [..., 1, 1] of matrices [..., 2, 2].
func entries(s *graph.Scope, m tensorflow.Output) (a, b, c, d tensorflow.Output) {
	rank := len(s.Shape(m))
	if s.Err() != nil {
		return
	}
	at := func(i, j int) tensorflow.Output {
		begin, size := make([]int, rank), make([]int, rank)
		for k := range size {
			size[k] = -1
		}
		begin[rank-2], begin[rank-1], size[rank-2], size[rank-1] = i, j, 1, 1
		return s.Slice(m, begin, size)
	}
	return at(0, 0), at(0, 1), at(1, 0), at(1, 1)
}

// Gaussians draws keypoints as maps [N, K, h*w]:
// exp(-(z - mean)' V^-1 (z - mean) / 2) at each point z of the corner-to-corner
// grid of h x w.
func Gaussians(s *graph.Scope, kp Keypoints, v Variance, h, w int) tensorflow.Output {
	offset := s.Minus(s.ExpandDims(s.Grid(h, w), 1), s.ExpandDims(kp.Mean, 2)) // [N, K, h*w, 2]
	scaled := offset
	switch c, constant := v.constant(); {
	case constant:
		scaled = s.Scale(offset, 1/c)
	case v == SingleVariance:
		scaled = s.Div(offset, kp.Var)
	default:
		scaled = s.MatMul(offset, s.Transpose(s.Inverse2x2(kp.Var), 0, 1, 3, 2))
	}
	return s.Exp(s.Scale(s.Sum(s.Mul(scaled, offset), 3), -0.5))
}

// heatmaps are the maps [N, K, h*w] of keypoints in the form that e asks for.
func (e EmbeddingParams) heatmaps(s *graph.Scope, kp Keypoints, v Variance, h, w int) tensorflow.Output {
	maps := Gaussians(s, kp, v, h, w)
	if c, ok := e.NormConst.number(); ok {
		return s.Scale(maps, 1/c)
	}
	return s.Div(maps, s.ExpandDims(s.Sum(maps, 2), 2))
}

// embedding is heatmaps of the driving keypoints, minus the source's where e
// asks for the difference.
func (e EmbeddingParams) embedding(s *graph.Scope, source, driving Keypoints, v Variance, h, w int) tensorflow.Output {
	maps := e.heatmaps(s, driving, v, h, w)
	if e.HeatmapType == DifferenceHeatmap {
		maps = s.Minus(maps, e.heatmaps(s, source, v, h, w))
	}
	return maps
}

// asMaps turns [N, K, h*w] into [N, h, w, K].
func asMaps(s *graph.Scope, x tensorflow.Output, h, w int) tensorflow.Output {
	dims := s.Shape(x)
	if s.Err() != nil {
		return tensorflow.Output{}
	}
	return s.Reshape(s.Transpose(x, 0, 2, 1), -1, h, w, dims[1])
}
