package prioritycut

import (
	"math"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	tensorflow "github.com/wamuir/graft/tensorflow"
)

// Box is a box of vanilla CutMix, in pixels: rows Y0 <= y < Y1 and columns
// X0 <= x < X1, inside the picture, maybe empty.
type Box struct {
	Y0, X0, Y1, X1 int
	// Invert swaps box and rest.
	Invert bool
}

// BoxFields is the number of integers that encode a box.
const BoxFields = 5

// DrawBox draws a box for a picture of h by w pixels: lambda from Beta(1, 1),
// the uniform law, sides of floor(sqrt(1-lambda) * h) and floor(sqrt(1-lambda)
// * w), a uniform centre, clipped to the picture. With p.CutMixInvert it is
// inverted with probability 1/2; the coin is thrown in any case, so that the
// key leaves the boxes as they are.
func DrawBox(r *random.Rand, h, w int, p Params) Box {
	side := math.Sqrt(1 - r.Float64())
	y0, y1 := drawSpan(r, side, h)
	x0, x1 := drawSpan(r, side, w)
	return Box{Y0: y0, X0: x0, Y1: y1, X1: x1, Invert: r.Bool() && p.CutMixInvert}
}

// drawSpan places share * size pixels around a uniform centre among size.
func drawSpan(r *random.Rand, share float64, size int) (from, to int) {
	length := int(share * float64(size))
	from = r.IntN(size) - length/2
	return max(from, 0), min(from+length, size)
}

// DrawBoxes draws a box for each of n samples and encodes them for BoxMask:
// [n, BoxFields] in row-major order.
func DrawBoxes(r *random.Rand, n, h, w int, p Params) []int32 {
	encoded := make([]int32, 0, n*BoxFields)
	for i := 0; i < n; i++ {
		encoded = DrawBox(r, h, w, p).appendTo(encoded)
	}
	return encoded
}

// appendTo appends y0, x0, y1, x1 and 1 if the box is inverted, else 0.
func (b Box) appendTo(encoded []int32) []int32 {
	invert := int32(0)
	if b.Invert {
		invert = 1
	}
	return append(encoded, int32(b.Y0), int32(b.X0), int32(b.Y1), int32(b.X1), invert)
}

// BoxMask is the mask of vanilla CutMix, [N, h, w, 1] in the graph's dtype: 0
// in the box, 1 elsewhere, swapped where the box is inverted. Boxes are [N,
// BoxFields] of int32, as DrawBoxes encodes them.
func BoxMask(s *graph.Scope, boxes tensorflow.Output, h, w int) tensorflow.Output {
	s = s.At("box_mask")
	if !s.Want("boxes", boxes, -1, BoxFields) {
		return tensorflow.Output{}
	}
	if boxes.DataType() != tensorflow.Int32 || h < 1 || w < 1 {
		s.Failf("a mask of %dx%d from boxes of dtype %v: want a size of at least 1x1 and int32", h, w, boxes.DataType())
		return tensorflow.Output{}
	}
	field := func(i int) tensorflow.Output {
		return s.Reshape(s.Slice(boxes, []int{0, i}, []int{-1, 1}), -1, 1, 1, 1)
	}
	rows := within(s, s.Const(counting(h)), field(0), field(2), 1, h, 1, 1)
	columns := within(s, s.Const(counting(w)), field(1), field(3), 1, 1, w, 1)
	inside := s.Op("LogicalAnd", nil, rows, columns)
	inverted := s.Cast(field(4), tensorflow.Bool)
	return s.StopGradient(s.Cast(s.Op("Equal", nil, inside, inverted), s.DType()))
}

// within reports from <= x < to for the coordinates x, reshaped to dims.
func within(s *graph.Scope, x, from, to tensorflow.Output, dims ...int) tensorflow.Output {
	x = s.Reshape(x, dims...)
	return s.Op("LogicalAnd", nil, s.Op("GreaterEqual", nil, x, from), s.Op("Less", nil, x, to))
}

// counting is 0, 1, ..., n-1.
func counting(n int) []int32 {
	v := make([]int32, n)
	for i := range v {
		v[i] = int32(i)
	}
	return v
}
