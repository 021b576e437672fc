package animate

import (
	"math"
	"testing"

	"github.com/prioritycut/prioritycut/internal/random"
)

func TestHullArea(t *testing.T) {
	square := [][2]float64{{0, 0}, {2, 0}, {2, 2}, {0, 2}, {1, 1}, {2, 1}, {0, 0}}
	for _, c := range []struct {
		points [][2]float64
		want   float64
	}{
		{nil, 0}, {square[:1], 0}, {square[:2], 0}, {square[:3], 2}, {square, 4},
		{[][2]float64{{0, 0}, {1, 1}, {2, 2}, {3, 3}}, 0},
		{[][2]float64{{-1, 0}, {0, 3}, {1, 0}, {0, 1}, {0, -1}}, 4},
	} {
		if got := HullArea(c.points); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v: area %v, want %v", c.points, got, c.want)
		}
	}
}

// The hull's area is the share of a grid's points that lie in some triangle of
// the points: the definition, without any chain.
func TestHullAreaByCounting(t *testing.T) {
	r := random.New(1)
	for trial := 0; trial < 5; trial++ {
		points := make([][2]float64, 7)
		for i := range points {
			points[i] = [2]float64{r.Uniform(-1, 1), r.Uniform(-1, 1)}
		}
		const side = 200
		in := 0
		for i := 0; i < side*side; i++ {
			p := [2]float64{2*(float64(i%side)+0.5)/side - 1, 2*(float64(i/side)+0.5)/side - 1}
			if inTriangles(points, p) {
				in++
			}
		}
		want := 4 * float64(in) / (side * side)
		if got := HullArea(points); math.Abs(got-want) > 0.03 {
			t.Errorf("%v: area %v, counted %v", points, got, want)
		}
	}
}

func inTriangles(points [][2]float64, p [2]float64) bool {
	for i := range points {
		for j := range points {
			for k := range points {
				if cross(points[i], points[j], p) > 0 && cross(points[j], points[k], p) > 0 && cross(points[k], points[i], p) > 0 {
					return true
				}
			}
		}
	}
	return false
}

func TestPoseDistance(t *testing.T) {
	a := [][2]float64{{-0.5, -0.5}, {0.5, -0.5}, {0.5, 0.5}, {-0.5, 0.5}}
	moved := make([][2]float64, len(a))
	for i, p := range a {
		moved[i] = [2]float64{0.3*p[0] + 0.2, 0.3*p[1] - 0.4}
	}
	if d, ok := PoseDistance(a, moved); !ok || d > 1e-12 {
		t.Errorf("place and size count: %v, %v", d, ok)
	}
	// Corners of a unit square: turned by a quarter, each goes one side far.
	turned := [][2]float64{a[1], a[2], a[3], a[0]}
	if d, ok := PoseDistance(a, turned); !ok || math.Abs(d-1) > 1e-12 {
		t.Errorf("a quarter turn: %v, %v", d, ok)
	}
	flat := [][2]float64{{0, 0}, {0.1, 0.1}, {0.2, 0.2}, {0.3, 0.3}}
	if _, ok := PoseDistance(a, flat); ok {
		t.Error("a line has a pose")
	}
	if scale, ok := movementScale(a, moved); !ok || math.Abs(scale-1/0.3) > 1e-12 {
		t.Errorf("scale %v, %v", scale, ok)
	}
	if scale, ok := movementScale(a, flat); ok || scale != 1 {
		t.Errorf("the scale of a line is %v, %v", scale, ok)
	}
}
