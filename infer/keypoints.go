package infer

import (
	"errors"
	"fmt"
)

// Keypoints of N pictures.
type Keypoints struct {
	N, K int
	// Value [N, K, 2] are the positions (x, y) in [-1, 1].
	Value []float32
	// Jacobian [N, K, 2, 2] is the local affine map at each keypoint; nil where
	// the model estimates none.
	Jacobian []float32
	// Variance [N, K, 2, 2], or [N, K, 1, 1] where it is the same in all
	// directions, is how far each keypoint spreads; nil where the model estimates
	// none.
	Variance []float32
}

// Relation says how driving keypoints become the source's.
type Relation struct {
	// Scale of the movement, such as 1.
	Scale float64
	// Jacobian and Variance say that Jacobians or variances are relative too;
	// else they are the driving frame's own.
	Jacobian, Variance bool
	// Clip keeps positions within the picture, [-1, 1].
	Clip bool
}

// At returns the keypoints of one picture.
func (kp Keypoints) At(i int) Keypoints {
	one := Keypoints{N: 1, K: kp.K, Value: kp.Value[2*kp.K*i : 2*kp.K*(i+1)]}
	if kp.Jacobian != nil {
		one.Jacobian = kp.Jacobian[4*kp.K*i : 4*kp.K*(i+1)]
	}
	if kp.Variance != nil {
		n := kp.spread() * kp.K
		one.Variance = kp.Variance[n*i : n*(i+1)]
	}
	return one
}

// spread is how many numbers a variance has.
func (kp Keypoints) spread() int { return len(kp.Variance) / max(kp.N*kp.K, 1) }

// alike reports whether two models' keypoints have the same parts.
func (kp Keypoints) alike(other Keypoints) bool {
	return kp.K == other.K && (kp.Jacobian == nil) == (other.Jacobian == nil) && kp.spread() == other.spread()
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

// Relative moves source (one picture) as each of the driving keypoints has
// moved since initial (one picture), in float64 (FOMM, 3.3; Monkey-Net, 3.5):
//
//	value = scale (driving - initial) + source
//	jacobian = J_driving J_initial^-1 J_source
//	variance = V_driving V_initial^-1 V_source, symmetric and positive
//
// Jacobians and variances are so where r says it, else the driving ones.
func (kp Keypoints) Relative(source, initial Keypoints, r Relation) (Keypoints, error) {
	if source.N != 1 || initial.N != 1 || !kp.alike(source) || !kp.alike(initial) {
		return Keypoints{}, errors.New("keypoints of different models cannot be related")
	}
	out := Keypoints{N: kp.N, K: kp.K, Value: make([]float32, len(kp.Value)), Jacobian: kp.Jacobian, Variance: kp.Variance}
	for i, v := range kp.Value {
		j := i % (2 * kp.K)
		to := r.Scale*(float64(v)-float64(initial.Value[j])) + float64(source.Value[j])
		if r.Clip {
			to = min(max(to, -1), 1)
		}
		out.Value[i] = float32(to)
	}
	var err error
	if r.Jacobian && kp.Jacobian != nil {
		if out.Jacobian, err = relate(kp.Jacobian, initial.Jacobian, source.Jacobian, nil); err != nil {
			return Keypoints{}, err
		}
	}
	switch {
	case !r.Variance || kp.Variance == nil:
	case kp.spread() == 1:
		out.Variance, err = relateNumbers(kp.Variance, initial.Variance, source.Variance)
	default:
		out.Variance, err = relate(kp.Variance, initial.Variance, source.Variance, matrix.positive)
	}
	return out, err
}

// relate returns driving initial^-1 source for each keypoint's matrix, finished
// where finish is not nil. driving has those of N pictures, the others of one.
func relate(driving, initial, source []float32, finish func(matrix) matrix) ([]float32, error) {
	out := make([]float32, len(driving))
	for at := 0; at < len(source); at += 4 {
		back, ok := matrixOf(initial[at:]).inverse()
		if !ok {
			return nil, fmt.Errorf("the initial driving frame has no orientation at keypoint %d (its matrix is singular): choose another one (`best_frame`) or absolute motion", at/4)
		}
		since := back.times(matrixOf(source[at:]))
		for i := at; i < len(driving); i += len(source) {
			m := matrixOf(driving[i:]).times(since)
			if finish != nil {
				m = finish(m)
			}
			for j, v := range m {
				out[i+j] = float32(v)
			}
		}
	}
	return out, nil
}

// relateNumbers is relate for variances that are numbers.
func relateNumbers(driving, initial, source []float32) ([]float32, error) {
	out := make([]float32, len(driving))
	for i, v := range driving {
		k := i % len(source)
		if !(initial[k] > 0) {
			return nil, fmt.Errorf("keypoint %d of the initial driving frame does not spread: choose another one (`best_frame`) or absolute motion", k)
		}
		out[i] = float32(float64(v) / float64(initial[k]) * float64(source[k]))
	}
	return out, nil
}
