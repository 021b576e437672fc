package fomm

import (
	"math"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
)

// FeatureMatching returns the mean absolute difference of the discriminator's
// features, [scale][block], unweighted.
func FeatureMatching(s *graph.Scope, real, fake Judgement) [][]tensorflow.Output {
	terms := make([][]tensorflow.Output, len(real.Features))
	for i := range real.Features {
		for j := range real.Features[i] {
			terms[i] = append(terms[i], s.L1(real.Features[i][j], fake.Features[i][j]))
		}
	}
	return terms
}

// GeneratorGAN is LeastSquares.Generator: FOMM's.
func GeneratorGAN(s *graph.Scope, fake Judgement) tensorflow.Output {
	return LeastSquares.Generator(s, fake)
}

// DiscriminatorGAN is LeastSquares.Encoder: FOMM's, and L_enc of a U-Net.
func DiscriminatorGAN(s *graph.Scope, real, fake Judgement) tensorflow.Output {
	return LeastSquares.Encoder(s, real, fake)
}

// DecoderGAN is LeastSquares.Decoder: L_dec of a U-Net.
func DecoderGAN(s *graph.Scope, real, fake Judgement) tensorflow.Output {
	return LeastSquares.Decoder(s, real, fake)
}

// weighedMatching is the weighted sum of what feature matching compares: the encoder's
// blocks, and the decoder's where they have weights.
func weighedMatching(s *graph.Scope, w LossWeights, real, fake Judgement) tensorflow.Output {
	sum := model.WeightedSum(s, FeatureMatching(s, real, fake), w.FeatureMatching)
	if len(w.DecoderMatching) == 0 {
		return sum
	}
	var terms []tensorflow.Output
	for i := range real.Decoded {
		terms = append(terms, s.L1(real.Decoded[i], fake.Decoded[i]))
	}
	return s.Add(sum, model.WeightedSum(s, [][]tensorflow.Output{terms}, w.DecoderMatching))
}

// Transform is a random warp T: an affine map and a thin-plate spline,
//
//	T(z) = A z + b + (1,1)' sum_j c_j r_j^2 log(r_j + 1e-6),
//	r_j = |z_x - q_x| + |z_y - q_y|,
//
// over a corner-to-corner grid of control points q_j.
type Transform struct {
	// Theta [N, 2, 3] is [A | b].
	Theta tensorflow.Output
	// ControlParams [N, 1, points^2] are the c_j.
	ControlParams tensorflow.Output
	// Points is the side of the grid of control points.
	Points int
}

const tpsEpsilon = 1e-6

// Frame warps pictures x [N, H, W, 3] by T, reflecting at the borders.
func (t Transform) Frame(s *graph.Scope, x tensorflow.Output, alignCorners bool) tensorflow.Output {
	dims := s.Shape(x)
	if s.Err() != nil {
		return tensorflow.Output{}
	}
	at := t.grid(s, dims[1], dims[2])
	return s.Warp(x, s.Reshape(at, -1, dims[1], dims[2], 2), graph.ReflectPadding, alignCorners)
}

// mostSplines bounds the constant of a grid's splines, in numbers: 128 MB.
const mostSplines = 1 << 25

// grid is T at the points of the corner-to-corner grid: [N, h*w, 2]. There the
// splines r^2 log(r + 1e-6) do not change from step to step.
func (t Transform) grid(s *graph.Scope, h, w int) tensorflow.Output {
	z := s.Grid(h, w)
	control := t.Points * t.Points
	if h*w*control > mostSplines {
		return t.Points2D(s, z)
	}
	side := graph.Corners(t.Points)
	splines := make([]float64, 0, h*w*control) // [h*w, M]
	for _, y := range graph.Corners(h) {
		for _, x := range graph.Corners(w) {
			for j := range control {
				r := math.Abs(x-side[j%t.Points]) + math.Abs(y-side[j/t.Points])
				splines = append(splines, r*r*math.Log(r+tpsEpsilon))
			}
		}
	}
	// No product of matrices: its order of summation hangs on the batch, and that
	// of workers which share one is smaller.
	shift := s.Sum(s.Mul(s.Values(splines, 1, int64(h*w), int64(control)), t.ControlParams), 2) // [N, h*w]
	return s.Add(t.moved(s, z), s.ExpandDims(shift, 2))
}

// Points2D is T at points z [N or 1, P, 2]: [N, P, 2].
func (t Transform) Points2D(s *graph.Scope, z tensorflow.Output) tensorflow.Output {
	r, _ := t.distances(s, z)
	spline := s.Mul(s.Square(r), log(s, s.Shift(r, tpsEpsilon))) // [N, P, M]
	shift := s.Sum(s.Mul(spline, t.ControlParams), 2)            // [N, P]
	return s.Add(t.moved(s, z), s.ExpandDims(shift, 2))
}

// moved is A z + b.
func (t Transform) moved(s *graph.Scope, z tensorflow.Output) tensorflow.Output {
	a, b := t.affine(s)
	return s.Add(s.MatMul(z, s.Transpose(a, 0, 2, 1)), s.Transpose(b, 0, 2, 1))
}

// Jacobian is dT/dz at points z [N, P, 2]: [N, P, 2, 2]. The gradient of a loss
// flows through it to z.
func (t Transform) Jacobian(s *graph.Scope, z tensorflow.Output) tensorflow.Output {
	a, _ := t.affine(s)
	r, sign := t.distances(s, z)
	shifted := s.Shift(r, tpsEpsilon)
	slope := s.Add(s.Scale(s.Mul(r, log(s, shifted)), 2), s.Div(s.Square(r), shifted))
	weighted := s.ExpandDims(s.Mul(slope, t.ControlParams), 3) // [N, P, M, 1]
	g := s.Sum(s.Mul(weighted, sign), 2)                       // [N, P, 2]
	return s.Add(s.ExpandDims(a, 1), s.ExpandDims(g, 2))
}

// log is the natural logarithm of x, in doubles: in float32 a value that is not
// one of eight beside each other gets other last bits, so that a keypoint's would
// hang on how many there are in all.
func log(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
	return s.Cast(s.Log(s.Cast(x, tensorflow.Double)), s.DType())
}

// affine splits theta into A [N, 2, 2] and b [N, 2, 1].
func (t Transform) affine(s *graph.Scope) (a, b tensorflow.Output) {
	return s.Slice(t.Theta, []int{0, 0, 0}, []int{-1, -1, 2}), s.Slice(t.Theta, []int{0, 0, 2}, []int{-1, -1, 1})
}

// distances returns r [N, P, M] and the signs of its two parts [N, P, M, 2].
func (t Transform) distances(s *graph.Scope, z tensorflow.Output) (r, sign tensorflow.Output) {
	control := s.ExpandDims(s.Grid(t.Points, t.Points), 1) // [1, 1, M, 2]
	offset := s.Minus(s.ExpandDims(z, 2), control)
	return s.Sum(s.Abs(offset), 3), s.Sign(offset)
}

// EquivarianceValue is mean |kp_driving - T(kp of the warped driving frame)|
// (FOMM, Eq. 9), unweighted.
func EquivarianceValue(s *graph.Scope, t Transform, driving, transformed Keypoints) tensorflow.Output {
	return s.L1(driving.Value, t.Points2D(s, transformed.Value))
}

// EquivarianceJacobian is mean |1 - J_driving^-1 JT(p') J'| at the keypoints p'
// of the warped driving frame (FOMM, Eq. 10 and 11), unweighted.
func EquivarianceJacobian(s *graph.Scope, t Transform, driving, transformed Keypoints) tensorflow.Output {
	moved := s.MatMul(t.Jacobian(s, transformed.Value), transformed.Jacobian)
	normed := s.MatMul(s.Inverse2x2(driving.Jacobian), moved)
	identity := s.Values([]float64{1, 0, 0, 1}, 2, 2)
	return s.L1(identity, normed)
}
