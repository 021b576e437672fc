package monkeynet

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Relation says how the driving keypoints are carried over to the source (YAML:
// normalization_params of the public code).
type Relation struct {
	// MoveLocation applies the displacement since the first driving frame
	// instead of the driving means themselves.
	MoveLocation bool `yaml:"move_location"`
	// AdaptVariance does the like for the variances.
	AdaptVariance bool `yaml:"adapt_variance"`
	// ClipMean keeps moved means within the picture, [-1, 1].
	ClipMean bool `yaml:"clip_mean"`
}

// leastEigenvalue replaces those of an adapted variance that are not positive.
const leastEigenvalue = 1e-6

// Relate gives the keypoints that the source is moved to:
//
//	mean = scale (driving - initial) + source
//	variance = V_driving V_initial^-1 V_source, symmetric and positive
//
// where the relation asks for it, else the driving frame's own. scale is
// [N, 1, 1], or absent for 1; source or initial may have N = 1.
func (r Relation) Relate(s *graph.Scope, source, driving, initial Keypoints, scale tensorflow.Output) Keypoints {
	out := driving
	if r.MoveLocation {
		moved := s.Minus(driving.Mean, initial.Mean)
		if scale.Op != nil {
			moved = s.Mul(moved, scale)
		}
		out.Mean = s.Add(moved, source.Mean)
		if r.ClipMean {
			out.Mean = s.Clip(out.Mean, -1, 1)
		}
	}
	if r.AdaptVariance && driving.Var.Op != nil {
		out.Var = adaptVariance(s, source.Var, driving.Var, initial.Var)
	}
	return out
}

func adaptVariance(s *graph.Scope, source, driving, initial tensorflow.Output) tensorflow.Output {
	dims := s.Shape(driving)
	if s.Err() != nil {
		return tensorflow.Output{}
	}
	if dims[len(dims)-1] == 1 { // positive numbers
		return s.Mul(s.Div(driving, initial), source)
	}
	v := s.MatMul(s.MatMul(driving, s.Inverse2x2(initial)), source)
	return positive(s, s.Scale(s.Add(v, s.Transpose(v, 0, 1, 3, 2)), 0.5))
}

// positive replaces eigenvalues of symmetric matrices [N, K, 2, 2] that are not
// above 0. With the projections P on the two eigenvectors, m moves by
// sum of (new - old) P; equal eigenvalues have P = 0 and 1.
func positive(s *graph.Scope, m tensorflow.Output) tensorflow.Output {
	a, b, _, d := entries(s, m)
	middle, half := s.Scale(s.Add(a, d), 0.5), s.Scale(s.Minus(a, d), 0.5)
	radius := s.Sqrt(s.Add(s.Square(half), s.Square(b)))
	high, low := s.Add(middle, radius), s.Minus(middle, radius)
	identity := s.Values([]float64{1, 0, 0, 1}, 2, 2)
	onHigh := s.Div(s.Minus(m, s.Mul(low, identity)), atLeast(s, s.Scale(radius, 2), tiny))
	onLow := s.Minus(identity, onHigh)
	return s.Add(m, s.Add(s.Mul(lift(s, high), onHigh), s.Mul(lift(s, low), onLow)))
}

// lift is what has to be added to an eigenvalue.
func lift(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
	above := s.Op("Greater", nil, x, s.Scalar(0))
	return s.Op("SelectV2", nil, above, s.Scale(x, 0), s.Minus(s.Scalar(leastEigenvalue), x))
}
