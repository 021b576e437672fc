package fomm

import (
	"math"
	"slices"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// points are keypoints of n pictures as plain numbers.
type points struct {
	value    [][][2]float64
	jacobian [][][2][2]float64
}

func randomPoints(r *random.Rand, n, k int) points {
	var p points
	for i := 0; i < n; i++ {
		var value [][2]float64
		var jacobian [][2][2]float64
		for j := 0; j < k; j++ {
			value = append(value, [2]float64{2*r.Float64() - 1, 2*r.Float64() - 1})
			small := func() float64 { return 0.4 * (r.Float64() - 0.5) }
			jacobian = append(jacobian, [2][2]float64{{1 + small(), small()}, {small(), 1 + small()}})
		}
		p.value, p.jacobian = append(p.value, value), append(p.jacobian, jacobian)
	}
	return p
}

// of is picture i, the only one where there is one.
func (p points) of(i int) (value [][2]float64, jacobian [][2][2]float64) {
	i = min(i, len(p.value)-1)
	return p.value[i], p.jacobian[i]
}

// constant puts the points into a graph.
func (p points) constant(s *graph.Scope) Keypoints {
	n, k := int64(len(p.value)), int64(len(p.value[0]))
	var value, jacobian []float64
	for i := range p.value {
		for j := range p.value[i] {
			value = append(value, p.value[i][j][:]...)
			jacobian = append(jacobian, slices.Concat(p.jacobian[i][j][0][:], p.jacobian[i][j][1][:])...)
		}
	}
	return Keypoints{Value: s.Values(value, n, k, 2), Jacobian: s.Values(jacobian, n, k, 2, 2)}
}

// relative computes the same number by number, its inverse by Cramer's rule.
func relative(source, driving, initial points, scale []float64, jacobian bool) (value, jacobians []float64) {
	for i := range driving.value {
		fromValue, fromJacobian := source.of(i)
		toValue, toJacobian := driving.of(i)
		firstValue, firstJacobian := initial.of(i)
		for k := range toValue {
			for d := 0; d < 2; d++ {
				value = append(value, fromValue[k][d]+scale[min(i, len(scale)-1)]*(toValue[k][d]-firstValue[k][d]))
			}
			j := toJacobian[k]
			if jacobian {
				m := firstJacobian[k]
				det := m[0][0]*m[1][1] - m[0][1]*m[1][0]
				inverse := [2][2]float64{{m[1][1] / det, -m[0][1] / det}, {-m[1][0] / det, m[0][0] / det}}
				j = times(times(j, inverse), fromJacobian[k])
			}
			jacobians = append(jacobians, j[0][0], j[0][1], j[1][0], j[1][1])
		}
	}
	return value, jacobians
}

func times(a, b [2][2]float64) (c [2][2]float64) {
	for i := range c {
		for j := range c[i] {
			c[i][j] = a[i][0]*b[0][j] + a[i][1]*b[1][j]
		}
	}
	return c
}

// TestRelative compares relative motion with the same written out in Go, for
// one source and one initial frame against many, and for as many of each.
func TestRelative(t *testing.T) {
	const n, k = 3, 4
	for _, c := range []struct {
		name              string
		sources, initials int
		scale             []float64
		jacobian          bool
	}{
		{"one source", 1, 1, nil, true},
		{"one source, own initial frames", 1, n, []float64{0.7}, true},
		{"own sources", n, 1, []float64{1.5, 0.5, 2}, true},
		{"all own", n, n, []float64{1.5, 0.5, 2}, true},
		{"absolute jacobians", n, 1, []float64{1.5, 0.5, 2}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := random.New(5)
			source, driving, initial := randomPoints(r, c.sources, k), randomPoints(r, n, k), randomPoints(r, c.initials, k)
			s := graph.New(tensorflow.Double)
			var scale tensorflow.Output
			factors := c.scale
			if factors == nil {
				factors = []float64{1}
			} else {
				scale = s.Values(c.scale, int64(len(c.scale)), 1, 1)
			}
			out := Relative(s, source.constant(s), driving.constant(s), initial.constant(s), scale, c.jacobian)
			got := tftest.Run(t, tftest.NewSession(t, s), nil, out.Value, out.Jacobian)
			value, jacobian := relative(source, driving, initial, factors, c.jacobian)
			for i, want := range [][]float64{value, jacobian} {
				if len(got[i]) != len(want) {
					t.Fatalf("%d numbers, want %d", len(got[i]), len(want))
				}
				for j := range want {
					if !(math.Abs(got[i][j]-want[j]) <= 1e-14*max(1, math.Abs(want[j]))) {
						t.Errorf("part %d, number %d: %v, want %v", i, j, got[i][j], want[j])
					}
				}
			}
		})
	}
}

// TestRelativeToItself drives with the initial frame: nothing moves. The
// values are the source's to the bit, since x - x is 0 whatever the scale.
func TestRelativeToItself(t *testing.T) {
	for _, dtype := range []tensorflow.DataType{tensorflow.Float, tensorflow.Double} {
		r := random.New(6)
		source, driving := randomPoints(r, 1, 5), randomPoints(r, 1, 5)
		s := graph.New(dtype)
		from, to := source.constant(s), driving.constant(s)
		out := Relative(s, from, to, to, s.Values([]float64{3.7}, 1, 1, 1), true)
		got := tftest.Run(t, tftest.NewSession(t, s), nil, out.Value, from.Value, out.Jacobian, from.Jacobian)
		if !slices.Equal(got[0], got[1]) {
			t.Errorf("%v: the keypoints are %v, want the source's %v", dtype, got[0], got[1])
		}
		rounding := 1e-6
		if dtype == tensorflow.Double {
			rounding = 1e-14
		}
		for i, want := range got[3] {
			if !(math.Abs(got[2][i]-want) <= rounding) {
				t.Errorf("%v: Jacobian number %d is %v, want the source's %v", dtype, i, got[2][i], want)
			}
		}
	}
}

// TestRelativeWithoutJacobians leaves out what the networks do not estimate.
func TestRelativeWithoutJacobians(t *testing.T) {
	r := random.New(7)
	s := graph.New(tensorflow.Double)
	kp := func() Keypoints { return Keypoints{Value: randomPoints(r, 1, 2).constant(s).Value} }
	out := Relative(s, kp(), kp(), kp(), tensorflow.Output{}, true)
	if err := s.Err(); err != nil || out.Value.Op == nil || out.Jacobian.Op != nil {
		t.Errorf("%v, %v", out, err)
	}
}
