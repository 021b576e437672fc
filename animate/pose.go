package animate

import (
	"math"
	"sort"
)

// HullArea is the area of the convex hull of points (Andrew's monotone chain).
func HullArea(points [][2]float64) float64 {
	sorted := append([][2]float64(nil), points...)
	sort.Slice(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		return a[0] < b[0] || a[0] == b[0] && a[1] < b[1]
	})
	// The lower chain from left to right, then the upper one back.
	var hull [][2]float64
	for pass := 0; pass < 2; pass++ {
		start := len(hull)
		for _, p := range sorted {
			for len(hull) >= start+2 && cross(hull[len(hull)-2], hull[len(hull)-1], p) <= 0 {
				hull = hull[:len(hull)-1]
			}
			hull = append(hull, p)
		}
		if len(hull) > 0 {
			hull = hull[:len(hull)-1] // begins the other chain
		}
		for i, j := 0, len(sorted)-1; i < j; i, j = i+1, j-1 {
			sorted[i], sorted[j] = sorted[j], sorted[i]
		}
	}
	var twice float64
	for i, p := range hull {
		q := hull[(i+1)%len(hull)]
		twice += p[0]*q[1] - p[1]*q[0]
	}
	return math.Abs(twice) / 2
}

// cross is positive where a, b, c turn to the left.
func cross(a, b, c [2]float64) float64 {
	return (b[0]-a[0])*(c[1]-a[1]) - (b[1]-a[1])*(c[0]-a[0])
}

// leastArea is the hull that still gives a scale: a figure of a hundredth of
// the picture's side.
const leastArea = 4e-4

// FarPose is the pose distance from which on source and initial driving frame
// count as far apart. Relative motion adds displacements, so it means something
// where both figures stand alike. Coordinates of a figure that fills the square
// of its hull's area vary by 1/12 on each axis, so two poses that have nothing
// in common are sqrt(4/12) = 0.58 apart, and equal ones 0: FarPose is halfway.
// Drawn figures, which all stand upright, are 0.18 apart in the median and 0.28
// in one pair of twenty; with the nearest of 24 frames 0.09 and 0.17.
const FarPose = 0.29

// PoseDistance compares how keypoints lie, whatever the figures' places and
// sizes: the root mean square distance of keypoints that are centred and divided
// by the square root of their convex hull's area. It is that of the reference's
// search for the best frame but for the constant factor of the number of points;
// there the points are 68 landmarks of a face from another network, here they
// are the model's own keypoints and know no faces. ok is false if a hull has
// next to no area: fewer than three points, or all in a line.
func PoseDistance(a, b [][2]float64) (distance float64, ok bool) {
	na, okA := normalised(a)
	nb, okB := normalised(b)
	if !okA || !okB || len(a) != len(b) {
		return 0, false
	}
	var sum float64
	for i := range na {
		dx, dy := na[i][0]-nb[i][0], na[i][1]-nb[i][1]
		sum += dx*dx + dy*dy
	}
	return math.Sqrt(sum / float64(len(na))), true
}

// normalised centres points and makes the area of their hull 1.
func normalised(points [][2]float64) ([][2]float64, bool) {
	area := HullArea(points)
	if !(area >= leastArea) {
		return nil, false
	}
	var mean [2]float64
	for _, p := range points {
		mean[0] += p[0] / float64(len(points))
		mean[1] += p[1] / float64(len(points))
	}
	side := math.Sqrt(area)
	out := make([][2]float64, len(points))
	for i, p := range points {
		out[i] = [2]float64{(p[0] - mean[0]) / side, (p[1] - mean[1]) / side}
	}
	return out, true
}

// movementScale is the factor of adapt_scale: the ratio of the figures' sizes,
// measured as square roots of their hulls' areas.
func movementScale(source, initial [][2]float64) (scale float64, ok bool) {
	a, b := HullArea(source), HullArea(initial)
	if !(a >= leastArea) || !(b >= leastArea) {
		return 1, false
	}
	return math.Sqrt(a) / math.Sqrt(b), true
}
