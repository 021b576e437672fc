package fomm

import (
	"fmt"
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// drawn is a tensor of n standard normals.
func drawn(label uint64, n int) []float64 {
	r := random.New(30, label)
	values := make([]float64, n)
	for i := range values {
		values[i] = r.Normal()
	}
	return values
}

func meanOf(values []float64, f func(v float64) float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += f(v)
	}
	return sum / float64(len(values))
}

func toOneOf(v float64) float64  { return (1 - v) * (1 - v) }
func toZeroOf(v float64) float64 { return v * v }

// TestAdversarialTerms compares with closed forms, for two scales and for a
// U-Net.
func TestAdversarialTerms(t *testing.T) {
	s := graph.New(tensorflow.Double)
	score := func(label uint64, h int64) ([]float64, tensorflow.Output) {
		values := drawn(label, int(2*h*h))
		return values, s.Values(values, 2, h, h, 1)
	}
	real1, r1 := score(1, 5)
	real2, r2 := score(2, 2)
	fake1, f1 := score(3, 5)
	fake2, f2 := score(4, 2)
	realPixels, rp := score(5, 8)
	fakePixels, fp := score(6, 8)
	scales := [2]Judgement{{Scores: []tensorflow.Output{r1, r2}}, {Scores: []tensorflow.Output{f1, f2}}}
	unet := [2]Judgement{{Scores: []tensorflow.Output{r1}, Pixels: rp}, {Scores: []tensorflow.Output{f1}, Pixels: fp}}
	got := fetch(t, tftest.NewSession(t, s),
		GeneratorGAN(s, scales[1]), DiscriminatorGAN(s, scales[0], scales[1]),
		GeneratorGAN(s, unet[1]), DiscriminatorGAN(s, unet[0], unet[1]), DecoderGAN(s, unet[0], unet[1]))
	for i, want := range []float64{
		meanOf(fake1, toOneOf) + meanOf(fake2, toOneOf),
		meanOf(real1, toOneOf) + meanOf(fake1, toZeroOf) + meanOf(real2, toOneOf) + meanOf(fake2, toZeroOf),
		meanOf(fake1, toOneOf) + meanOf(fakePixels, toOneOf),
		meanOf(real1, toOneOf) + meanOf(fake1, toZeroOf),
		meanOf(realPixels, toOneOf) + meanOf(fakePixels, toZeroOf),
	} {
		expect(t, fmt.Sprint("term ", i), got[i], []float64{want}, 1e-13)
	}
}

// TestFeatureMatching compares with the mean absolute difference of each block.
func TestFeatureMatching(t *testing.T) {
	s := graph.New(tensorflow.Double)
	var judged [2]Judgement
	var values [2][][]float64
	for side := range judged {
		for scale := 0; scale < 2; scale++ {
			var features []tensorflow.Output
			for block := 0; block < 3; block++ {
				v := drawn(uint64(100*side+10*scale+block), 2*4*(block+1))
				values[side] = append(values[side], v)
				features = append(features, s.Values(v, 2, 2, 2, int64(block+1)))
			}
			judged[side].Features = append(judged[side].Features, features)
		}
	}
	terms := FeatureMatching(s, judged[0], judged[1])
	got := fetch(t, tftest.NewSession(t, s), stackAll(s, terms), model.WeightedSum(s, terms, []float64{10, 0, 0.5, 7}))
	var want []float64
	total := 0.0
	for i, a := range values[0] {
		sum := 0.0
		for j, v := range a {
			sum += math.Abs(v - values[1][i][j])
		}
		want = append(want, sum/float64(len(a)))
		total += []float64{10, 0, 0.5}[i%3] * want[i]
	}
	expect(t, "terms", got[0], want, 1e-13)
	expect(t, "weighted sum", got[1], []float64{total}, 1e-12)
}

// spline is T(z) and its control points by the formula, of one sample.
type spline struct {
	theta, control []float64
	points         int
}

func (f spline) at(x, y float64) (float64, float64) {
	shift := 0.0
	for j := 0; j < f.points*f.points; j++ {
		qx, qy := 2*float64(j%f.points)/float64(f.points-1)-1, 2*float64(j/f.points)/float64(f.points-1)-1
		r := math.Abs(x-qx) + math.Abs(y-qy)
		shift += f.control[j] * r * r * math.Log(r+1e-6)
	}
	th := f.theta
	return th[0]*x + th[1]*y + th[2] + shift, th[3]*x + th[4]*y + th[5] + shift
}

// jacobian is dT/dz by differences.
func (f spline) jacobian(x, y float64) []float64 {
	const h = 1e-6
	x1, y1 := f.at(x+h, y)
	x0, y0 := f.at(x-h, y)
	x3, y3 := f.at(x, y+h)
	x2, y2 := f.at(x, y-h)
	return []float64{(x1 - x0) / (2 * h), (x3 - x2) / (2 * h), (y1 - y0) / (2 * h), (y3 - y2) / (2 * h)}
}

// randomSplines are stronger than those of the training, to tell more.
func randomSplines() [2]spline {
	var list [2]spline
	for i := range list {
		noise := drawn(uint64(200+i), 31)
		f := spline{theta: []float64{1, 0, 0, 0, 1, 0}, control: make([]float64, 25), points: 5}
		for j := range f.theta {
			f.theta[j] += 0.2 * noise[j]
		}
		for j := range f.control {
			f.control[j] = 0.05 * noise[6+j]
		}
		list[i] = f
	}
	return list
}

func transformOf(s *graph.Scope, list [2]spline) Transform {
	return Transform{
		Theta:         s.Values(append(append([]float64(nil), list[0].theta...), list[1].theta...), 2, 2, 3),
		ControlParams: s.Values(append(append([]float64(nil), list[0].control...), list[1].control...), 2, 1, 25),
		Points:        5,
	}
}

// TestTransform compares T with its formula and its analytic Jacobian with
// differences of T.
func TestTransform(t *testing.T) {
	const points = 7
	s := graph.New(tensorflow.Double)
	splines := randomSplines()
	transform := transformOf(s, splines)
	z := drawn(40, 2*points*2)
	for i := range z {
		z[i] *= 0.6
	}
	at := s.Values(z, 2, points, 2)
	shared := s.Values(z[:2*points], 1, points, 2) // the same points for every sample
	got := fetch(t, tftest.NewSession(t, s), transform.Points2D(s, at), transform.Jacobian(s, at), transform.Points2D(s, shared), transform.grid(s, 3, 5))
	var moved, jacobians, movedShared, movedGrid []float64
	for n, f := range splines {
		for i := 0; i < points; i++ {
			x, y := z[(n*points+i)*2], z[(n*points+i)*2+1]
			tx, ty := f.at(x, y)
			moved = append(moved, tx, ty)
			jacobians = append(jacobians, f.jacobian(x, y)...)
			tx, ty = f.at(z[2*i], z[2*i+1])
			movedShared = append(movedShared, tx, ty)
		}
		for i := 0; i < 15; i++ {
			tx, ty := f.at(float64(i%5)/2-1, float64(i/5)-1)
			movedGrid = append(movedGrid, tx, ty)
		}
	}
	expect(t, "T", got[0], moved, 1e-13)
	expect(t, "dT/dz against differences", got[1], jacobians, 1e-8)
	expect(t, "T of shared points", got[2], movedShared, 1e-13)
	expect(t, "T of a grid of 3x5", got[3], movedGrid, 1e-13)
}

// TestIdentityTransform: without noise T is the identity, and with corners
// aligned it leaves pictures as they are.
func TestIdentityTransform(t *testing.T) {
	s := graph.New(tensorflow.Double)
	transform := Transform{
		Theta:         s.Values([]float64{1, 0, 0, 0, 1, 0}, 1, 2, 3),
		ControlParams: s.Values(make([]float64, 25), 1, 1, 25),
		Points:        5,
	}
	x := noise(s, 1, 1, 12, 9, 3)
	kp := s.Values(drawn(41, 6), 1, 3, 2)
	got := fetch(t, tftest.NewSession(t, s), transform.Frame(s, x, true), x, transform.Points2D(s, kp), kp, transform.Jacobian(s, kp))
	expect(t, "frame", got[0], got[1], 1e-13)
	expect(t, "points", got[2], got[3], 1e-14)
	expect(t, "Jacobian", got[4], []float64{1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1}, 1e-13)
}

// TestEquivariance compares both losses with the formulae.
func TestEquivariance(t *testing.T) {
	const k = 3
	s := graph.New(tensorflow.Double)
	splines := randomSplines()
	value, other := drawn(50, 2*k*2), drawn(51, 2*k*2)
	jacobian, otherJacobian := matrices(52, 2*k), matrices(53, 2*k)
	kp := func(v, j []float64) Keypoints {
		return Keypoints{Value: s.Values(v, 2, k, 2), Jacobian: s.Values(j, 2, k, 2, 2)}
	}
	transform := transformOf(s, splines)
	driving, transformed := kp(value, jacobian), kp(other, otherJacobian)
	got := fetch(t, tftest.NewSession(t, s),
		EquivarianceValue(s, transform, driving, transformed), EquivarianceJacobian(s, transform, driving, transformed))
	wantValue, wantJacobian := 0.0, 0.0
	for i := 0; i < 2*k; i++ {
		f := splines[i/k]
		x, y := f.at(other[2*i], other[2*i+1])
		wantValue += math.Abs(value[2*i]-x) + math.Abs(value[2*i+1]-y)
		normed := multiply(invert(jacobian[4*i:4*i+4]), multiply(f.jacobian(other[2*i], other[2*i+1]), otherJacobian[4*i:4*i+4]))
		for e, one := range []float64{1, 0, 0, 1} {
			wantJacobian += math.Abs(one - normed[e])
		}
	}
	expect(t, "value", got[0], []float64{wantValue / (2 * k * 2)}, 1e-13)
	expect(t, "Jacobian", got[1], []float64{wantJacobian / (2 * k * 4)}, 1e-8)
}

// matrices are n 2x2 matrices not far from the identity.
func matrices(label uint64, n int) []float64 {
	values := drawn(label, 4*n)
	for i := range values {
		values[i] *= 0.2
		if i%4 == 0 || i%4 == 3 {
			values[i]++
		}
	}
	return values
}

func invert(m []float64) []float64 {
	det := m[0]*m[3] - m[1]*m[2]
	return []float64{m[3] / det, -m[1] / det, -m[2] / det, m[0] / det}
}

func multiply(a, b []float64) []float64 {
	return []float64{a[0]*b[0] + a[1]*b[2], a[0]*b[1] + a[1]*b[3], a[2]*b[0] + a[3]*b[2], a[2]*b[1] + a[3]*b[3]}
}
