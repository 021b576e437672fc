package fomm

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Relative moves the source's keypoints as the driving ones have moved since
// the initial frame (FOMM, 3.3), so that the shapes of the two figures need not
// agree:
//
//	value = scale (driving - initial) + source
//	jacobian = J_driving J_initial^-1 J_source
//
// scale [N, 1, 1] is that of the movement, or absent (Output{}) for 1; jacobian
// says whether the Jacobians are relative too, else they are the driving ones.
// The keypoints are [N, K, 2]; source or initial may have N = 1.
func Relative(s *graph.Scope, source, driving, initial Keypoints, scale tensorflow.Output, jacobian bool) Keypoints {
	moved := s.Minus(driving.Value, initial.Value)
	if scale.Op != nil {
		moved = s.Mul(moved, scale)
	}
	out := Keypoints{Value: s.Add(moved, source.Value), Jacobian: driving.Jacobian}
	if jacobian && driving.Jacobian.Op != nil {
		since := s.MatMul(driving.Jacobian, s.Inverse2x2(initial.Jacobian))
		out.Jacobian = s.MatMul(since, source.Jacobian)
	}
	return out
}
