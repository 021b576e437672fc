package graph

import (
	"fmt"
	"math"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// Padding says what Warp finds outside a map.
type Padding int

const (
	// ZeroPadding: zeros.
	ZeroPadding Padding = iota
	// ReflectPadding: the map mirrored, at the centres of its border pixels
	// when corners are aligned, else at their outer edges.
	ReflectPadding
)

// Grid is the constant [1, h*w, 2] of coordinates (x, y), corner to corner.
func (s *Scope) Grid(h, w int) tensorflow.Output {
	key := fmt.Sprintf("grid %d %d", h, w)
	return s.matrix(key, func() tensorflow.Output {
		values := make([]float64, 0, 2*h*w)
		for _, y := range Corners(h) {
			for _, x := range Corners(w) {
				values = append(values, x, y)
			}
		}
		return s.Values(values, 1, int64(h*w), 2)
	})
}

// Axis is the constant [n] of the coordinates of one side of Grid.
func (s *Scope) Axis(n int) tensorflow.Output {
	return s.matrix(fmt.Sprintf("axis %d", n), func() tensorflow.Output { return s.Values(Corners(n), int64(n)) })
}

// Corners are n coordinates from corner to corner: pixel i lies at 2i/(n-1) - 1,
// a single one at -1.
func Corners(n int) []float64 {
	side := make([]float64, n)
	for i := range side {
		side[i] = 2*float64(i)/float64(max(n-1, 1)) - 1
	}
	return side
}

// matrix makes a constant once per key.
func (s *Scope) matrix(key string, make func() tensorflow.Output) tensorflow.Output {
	if m, ok := s.b.matrices[key]; ok {
		return m
	}
	m := make()
	s.b.matrices[key] = m
	return m
}

// Warp samples maps x [N, H, W, C] bilinearly at points grid [N, ..., 2], whose
// last axis is (x, y) in [-1, 1], and returns [N, ..., C]. With alignCorners
// -1 and 1 are the centres of the border pixels, else their outer edges.
// Gradients flow to x and to the points.
//
// Without our own kernels it is composed of TensorFlow's operations, so that an
// exported model runs wherever TensorFlow does.
func (s *Scope) Warp(x, grid tensorflow.Output, padding Padding, alignCorners bool) tensorflow.Output {
	s = s.At("warp")
	_, _, _, c, ok := s.maps("maps to warp", x)
	dims := s.Shape(grid)
	if !ok || s.b.err != nil {
		return tensorflow.Output{}
	}
	if len(dims) < 3 || dims[len(dims)-1] != 2 {
		s.Failf("points are %v, want [N, ..., 2]", dims)
		return tensorflow.Output{}
	}
	points := 1
	for _, d := range dims[1 : len(dims)-1] {
		if d < 1 {
			s.Failf("points are %v: all sizes but the first must be known", dims)
			return tensorflow.Output{}
		}
		points *= d
	}

	out := append(append([]int{-1}, dims[1:len(dims)-1]...), c)
	flat := s.Reshape(grid, -1, points, 2)
	if s.b.ownSampler {
		y := s.Op("PriorityCutSample", Attrs{"align_corners": alignCorners, "reflect": padding == ReflectPadding}, x, flat)
		return s.Reshape(y, out...)
	}
	return s.Reshape(s.gathered(x, flat, points, padding, alignCorners), out...)
}

// gathered samples maps x [N, H, W, C] at points [N, points, 2] by gathering all
// pixels around them.
func (s *Scope) gathered(x, grid tensorflow.Output, points int, padding Padding, alignCorners bool) tensorflow.Output {
	_, h, w, c, _ := s.maps("maps to warp", x)
	px := s.pixel(s.Slice(grid, []int{0, 0, 0}, []int{-1, -1, 1}), w, padding, alignCorners) // [N, points, 1]
	py := s.pixel(s.Slice(grid, []int{0, 0, 1}, []int{-1, -1, 1}), h, padding, alignCorners)
	x0, y0 := s.Floor(px), s.Floor(py)
	fx, fy := s.Minus(px, x0), s.Minus(py, y0)

	// A frame of zeros, one pixel wide, stands for everything outside.
	padded := s.Reshape(s.Pad(x, 1, 1), -1, c) // [N*(H+2)*(W+2), C]
	columns := [2]tensorflow.Output{s.index(x0, 0, w), s.index(x0, 1, w)}
	rows := [2]tensorflow.Output{s.index(y0, 0, h), s.index(y0, 1, h)}
	samples := s.samples(x)
	wx := [2]tensorflow.Output{s.OneMinus(fx), fx}
	wy := [2]tensorflow.Output{s.OneMinus(fy), fy}

	var terms []tensorflow.Output
	for j := range rows {
		row := s.Add(s.Scale(samples, float64(h+2)), rows[j]) // [N, points, 1]
		for i := range columns {
			at := s.Reshape(s.Add(s.Scale(row, float64(w+2)), columns[i]), -1, points)
			corner := s.Op("GatherV2", nil, padded, at, s.ScalarOf(tensorflow.Int32, 0)) // [N, points, C]
			terms = append(terms, s.Mul(corner, s.Mul(wx[i], wy[j])))
		}
	}
	return s.AddN(terms...)
}

// pixel turns coordinates in [-1, 1] into pixels of a side of n.
func (s *Scope) pixel(t tensorflow.Output, n int, padding Padding, alignCorners bool) tensorflow.Output {
	size := float64(n)
	if alignCorners {
		t = s.Scale(s.Shift(t, 1), (size-1)/2)
	} else {
		t = s.Scale(s.Shift(s.Scale(s.Shift(t, 1), size), -1), 0.5)
	}
	if padding == ZeroPadding {
		return t
	}
	// Reflect about lo and lo + span.
	lo, span := -0.5, size
	if alignCorners {
		lo, span = 0, size-1
	}
	if span == 0 {
		return s.Scale(t, 0)
	}
	u := s.Abs(s.Shift(t, -lo))
	turns := s.Floor(s.Scale(u, 1/span))
	rest := s.Minus(u, s.Scale(turns, span))
	odd := s.Minus(turns, s.Scale(s.Floor(s.Scale(turns, 0.5)), 2)) // 0 or 1
	back := s.Minus(s.scalarLike(rest, span), s.Scale(rest, 2))
	return s.Clip(s.Shift(s.Add(rest, s.Mul(odd, back)), lo), 0, size-1)
}

// index is the place of corner + offset in a side of n with a frame of zeros.
func (s *Scope) index(corner tensorflow.Output, offset, n int) tensorflow.Output {
	// Limited before the cast, which is undefined beyond int32, and after it,
	// for NaN.
	limited := s.Clip(s.Shift(corner, float64(1+offset)), 0, float64(n+1))
	return s.Clip(s.Cast(limited, tensorflow.Int32), 0, float64(n+1))
}

// samples is [N, 1, 1] of int32: 0 ... N-1.
func (s *Scope) samples(x tensorflow.Output) tensorflow.Output {
	n := s.Op("StridedSlice", Attrs{"shrink_axis_mask": int64(1)}, s.Op("Shape", nil, x), s.ints(0), s.ints(1), s.ints(1))
	zero, one := s.ScalarOf(tensorflow.Int32, 0), s.ScalarOf(tensorflow.Int32, 1)
	return s.Reshape(s.Op("Range", nil, zero, n, one), -1, 1, 1)
}

// AntiAlias shrinks pictures [N, H, W, C] by scale, 1 over a power of two: a
// Gaussian of sigma (1/scale - 1) / 2 with 2*round(4*sigma) + 1 taps and zeros
// outside, then every (1/scale)-th pixel from the first. Both steps are one
// product with a matrix per side.
func (s *Scope) AntiAlias(x tensorflow.Output, scale float64) tensorflow.Output {
	s = s.At("antialias")
	step, ok := isPowerOfTwoFraction(scale)
	if !ok {
		s.Failf("scale %v: want 1, 1/2, 1/4, ...", scale)
		return tensorflow.Output{}
	}
	_, h, w, _, known := s.maps("pictures to shrink", x)
	if !known || step == 1 {
		return x
	}
	return s.separable(x, fmt.Sprintf("antialias %d", step), gaussianWeights(h, step), gaussianWeights(w, step))
}

// gaussianWeights is the [ceil(n/step)][n] matrix of one side.
func gaussianWeights(n, step int) [][]float64 {
	sigma := float64(step-1) / 2
	radius := int(math.RoundToEven(4 * sigma))
	taps := make([]float64, 2*radius+1)
	sum := 0.0
	for i := range taps {
		d := float64(i - radius)
		taps[i] = math.Exp(-d * d / (2 * sigma * sigma))
		sum += taps[i]
	}
	m := zeros((n+step-1)/step, n)
	for i := range m {
		for t, weight := range taps {
			if j := i*step + t - radius; j >= 0 && j < n {
				m[i][j] = weight / sum
			}
		}
	}
	return m
}

// separable multiplies the sides of maps x [N, H, W, C] with constant matrices
// rows [h][H] and columns [w][W] and returns [N, h, w, C].
func (s *Scope) separable(x tensorflow.Output, key string, rows, columns [][]float64) tensorflow.Output {
	_, fromH, fromW, c, ok := s.maps("maps", x)
	if !ok {
		return tensorflow.Output{}
	}
	h, w := len(rows), len(columns)
	left := s.matrix(fmt.Sprintf("%s rows %d %d", key, h, fromH), func() tensorflow.Output {
		return s.Values(flatten(rows), int64(h), int64(fromH))
	})
	// Channels stay interleaved: the matrix of the columns acts on W*C values,
	// which keeps it one product per picture, however few the channels.
	right := s.matrix(fmt.Sprintf("%s columns %d %d of %d channels", key, w, fromW, c), func() tensorflow.Output {
		return s.Values(interleave(columns, c), int64(fromW*c), int64(w*c))
	})
	y := s.MatMul(left, s.Reshape(x, -1, fromH, fromW*c)) // [N, h, W*C]
	y = s.MatMul(y, right)                                // [N, h, w*C]
	return s.Reshape(y, -1, h, w, c)
}

func zeros(rows, columns int) [][]float64 {
	m := make([][]float64, rows)
	for i := range m {
		m[i] = make([]float64, columns)
	}
	return m
}

func flatten(m [][]float64) []float64 {
	var values []float64
	for _, row := range m {
		values = append(values, row...)
	}
	return values
}

// interleave is the transpose of m [to][from] for each of c channels:
// [from*c, to*c].
func interleave(m [][]float64, c int) []float64 {
	to, from := len(m), len(m[0])
	values := make([]float64, from*c*to*c)
	for i, row := range m {
		for j, v := range row {
			for k := 0; k < c; k++ {
				values[(j*c+k)*to*c+i*c+k] = v
			}
		}
	}
	return values
}
