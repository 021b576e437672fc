package infer

import (
	"fmt"
	"math"
)

// Keypoints of N pictures.
type Keypoints struct {
	N, K int
	// Value [N, K, 2] are the positions (x, y) in [-1, 1].
	Value []float32
	// Jacobian [N, K, 2, 2] is the local affine map at each keypoint; nil where
	// the model estimates none.
	Jacobian []float32
}

// At returns the keypoints of one picture.
func (kp Keypoints) At(i int) Keypoints {
	one := Keypoints{N: 1, K: kp.K, Value: kp.Value[2*kp.K*i : 2*kp.K*(i+1)]}
	if kp.Jacobian != nil {
		one.Jacobian = kp.Jacobian[4*kp.K*i : 4*kp.K*(i+1)]
	}
	return one
}

// Points returns the positions of the keypoints of one picture.
func (kp Keypoints) Points(i int) [][2]float64 {
	points := make([][2]float64, kp.K)
	for k := range points {
		j := 2 * (i*kp.K + k)
		points[k] = [2]float64{float64(kp.Value[j]), float64(kp.Value[j+1])}
	}
	return points
}

// matrix is a Jacobian, row by row.
type matrix [4]float64

func (kp Keypoints) jacobian(i, k int) (m matrix) {
	for j := range m {
		m[j] = float64(kp.Jacobian[4*(i*kp.K+k)+j])
	}
	return m
}

func (a matrix) times(b matrix) matrix {
	return matrix{
		a[0]*b[0] + a[1]*b[2], a[0]*b[1] + a[1]*b[3],
		a[2]*b[0] + a[3]*b[2], a[2]*b[1] + a[3]*b[3],
	}
}

func (a matrix) inverse() (matrix, bool) {
	det := a[0]*a[3] - a[1]*a[2]
	const tiny = 1e-12 // Jacobians of trained models are of the order of 1
	if !(math.Abs(det) > tiny) {
		return a, false
	}
	return matrix{a[3] / det, -a[1] / det, -a[2] / det, a[0] / det}, true
}

// Relative moves source (one picture) as each of the driving keypoints has
// moved since initial (one picture), in float64 (FOMM, 3.3):
//
//	value = scale (driving - initial) + source
//	jacobian = J_driving J_initial^-1 J_source
//
// Without jacobian the Jacobians are the driving ones.
func (kp Keypoints) Relative(source, initial Keypoints, scale float64, jacobian bool) (Keypoints, error) {
	if source.N != 1 || initial.N != 1 || source.K != kp.K || initial.K != kp.K ||
		(source.Jacobian == nil) != (kp.Jacobian == nil) || (initial.Jacobian == nil) != (kp.Jacobian == nil) {
		return Keypoints{}, fmt.Errorf("keypoints of different models cannot be related")
	}
	out := Keypoints{N: kp.N, K: kp.K, Value: make([]float32, len(kp.Value)), Jacobian: kp.Jacobian}
	for i, v := range kp.Value {
		j := i % (2 * kp.K)
		moved := float64(v) - float64(initial.Value[j])
		out.Value[i] = float32(scale*moved + float64(source.Value[j]))
	}
	if !jacobian || kp.Jacobian == nil {
		return out, nil
	}
	out.Jacobian = make([]float32, len(kp.Jacobian))
	for k := 0; k < kp.K; k++ {
		back, ok := initial.jacobian(0, k).inverse()
		if !ok {
			return Keypoints{}, fmt.Errorf("the initial driving frame has no orientation at keypoint %d (its Jacobian is singular): choose another one (best_frame) or absolute motion", k)
		}
		since := back.times(source.jacobian(0, k))
		for i := 0; i < kp.N; i++ {
			for j, v := range kp.jacobian(i, k).times(since) {
				out.Jacobian[4*(i*kp.K+k)+j] = float32(v)
			}
		}
	}
	return out, nil
}
