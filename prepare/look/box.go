package look

import (
	"image"
	"math"
	"sort"
)

// The motion's box. Cells that change by no more than noiseLevels grey levels
// from frame to frame are taken for still.
const (
	noiseLevels = 2
	// smoothing is the number of moments of which the median is taken.
	smoothing = 9
	// tail of the changing cells, along each axis, may lie outside on each side
	// in one moment, and tail moments of ten.
	cellTail, momentTail = 0.02, 0.1
)

// MotionBox is the square that holds what moves in a Span, with a margin: in
// each moment the extent of nearly all that changes, over time the extent of
// nearly all moments. Where nothing moves it is the square in the middle.
func (l *Video) MotionBox(s Span, margin float64, size int) image.Rectangle {
	var extents []extent
	for t := s.First + 1; t < s.End; t++ {
		var energy [Side * Side]float64
		for cell, v := range l.Frames[t].Cells {
			d := math.Abs(float64(v) - float64(l.Frames[t-1].Cells[cell]))
			energy[cell] = max(0, d-noiseLevels)
		}
		if e, ok := extentOf(&energy); ok {
			extents = append(extents, e)
		}
	}
	extents = smoothed(extents)
	if len(extents) == 0 {
		return squareIn(l.W, l.H, float64(l.W)/2, float64(l.H)/2, float64(min(l.W, l.H)), size)
	}
	e := typical(extents)
	cellW, cellH := float64(l.W)/Side, float64(l.H)/Side
	return e.scaled(cellW, cellH).square(l.W, l.H, margin, size)
}

// extent is a box with fractions.
type extent struct{ left, top, right, bottom float64 }

func (e extent) scaled(x, y float64) extent {
	return extent{e.left * x, e.top * y, e.right * x, e.bottom * y}
}

// extentOf is the extent of nearly all energy, in cells; false if there is
// hardly any.
func extentOf(energy *[Side * Side]float64) (extent, bool) {
	var columns, rows [Side]float64
	var sum float64
	for cell, e := range energy {
		columns[cell%Side] += e
		rows[cell/Side] += e
		sum += e
	}
	if sum < 1 {
		return extent{}, false
	}
	return extent{
		quantile(&columns, cellTail*sum), quantile(&rows, cellTail*sum),
		quantile(&columns, (1-cellTail)*sum), quantile(&rows, (1-cellTail)*sum),
	}, true
}

// quantile is where the cumulated mass reaches a value, in cells.
func quantile(mass *[Side]float64, value float64) float64 {
	var sum float64
	for i, m := range mass {
		if sum+m >= value && m > 0 {
			return float64(i) + (value-sum)/m
		}
		sum += m
	}
	return Side
}

// smoothed replaces every edge by its median in the moments around: what
// flickers for a few frames is no motion.
func smoothed(extents []extent) []extent {
	out := make([]extent, len(extents))
	for i := range extents {
		around := extents[max(0, i-smoothing/2):min(len(extents), i+smoothing/2+1)]
		out[i] = quantileOf(around, 0.5, 0.5)
	}
	return out
}

// typical is the extent of all moments but the most extreme.
func typical(extents []extent) extent { return quantileOf(extents, momentTail, 1-momentTail) }

// quantileOf takes a quantile of the left and top edges and one of the right
// and bottom edges.
func quantileOf(extents []extent, low, high float64) extent {
	side := func(get func(extent) float64, share float64) float64 {
		values := make([]float64, len(extents))
		for i, e := range extents {
			values[i] = get(e)
		}
		sort.Float64s(values)
		return values[int(math.Round(share*float64(len(values)-1)))]
	}
	return extent{
		left:   side(func(e extent) float64 { return e.left }, low),
		top:    side(func(e extent) float64 { return e.top }, low),
		right:  side(func(e extent) float64 { return e.right }, high),
		bottom: side(func(e extent) float64 { return e.bottom }, high),
	}
}

// square is the square around an extent with a margin on each side, inside a
// picture of w x h pixels.
func (e extent) square(w, h int, margin float64, size int) image.Rectangle {
	side := max(e.right-e.left, e.bottom-e.top) * (1 + 2*margin)
	return squareIn(w, h, (e.left+e.right)/2, (e.top+e.bottom)/2, side, size)
}

// squareIn is the square around a centre, moved and shrunk to lie inside the
// picture. It is not made smaller than size, where the picture allows: pixels
// would be invented.
func squareIn(w, h int, x, y, side float64, size int) image.Rectangle {
	short := min(w, h)
	n := int(math.Round(min(max(side, float64(min(size, short)), 1), float64(short))))
	left := min(max(int(math.Round(x-float64(n)/2)), 0), w-n)
	top := min(max(int(math.Round(y-float64(n)/2)), 0), h-n)
	return image.Rect(left, top, left+n, top+n)
}

// PointsBox is the square that holds the keypoints that move, with a margin.
// The others, which rest on the background, say nothing about the figure; where
// fewer than two move, all count.
func (l *Video) PointsBox(s Span, margin float64, size int) image.Rectangle {
	first, end := (s.First+PointStride-1)/PointStride, (s.End+PointStride-1)/PointStride
	if first == end && end > 0 { // a short clip between two looks
		first--
	}
	moments := l.Points[first:min(end, len(l.Points))]
	if len(moments) == 0 || len(moments[0]) == 0 {
		return l.MotionBox(s, margin, size)
	}
	moving := movingPoints(moments, 0.01*float64(min(l.W, l.H)))
	extents := make([]extent, len(moments))
	for i, points := range moments {
		e := extent{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
		for _, k := range moving {
			p := points[k]
			e = extent{min(e.left, p.X), min(e.top, p.Y), max(e.right, p.X), max(e.bottom, p.Y)}
		}
		extents[i] = e
	}
	return typical(extents).square(l.W, l.H, margin, size)
}

// movingPoints are the numbers of the keypoints whose standard deviation over
// time, in pixels, is at least a threshold; all if they are fewer than two.
func movingPoints(moments [][]Point, threshold float64) []int {
	var moving, all []int
	for k := range moments[0] {
		var x, y, xx, yy float64
		for _, points := range moments {
			p := points[k]
			x, y, xx, yy = x+p.X, y+p.Y, xx+p.X*p.X, yy+p.Y*p.Y
		}
		n := float64(len(moments))
		if variance := xx/n - x/n*(x/n) + yy/n - y/n*(y/n); variance >= threshold*threshold {
			moving = append(moving, k)
		}
		all = append(all, k)
	}
	if len(moving) < 2 {
		return all
	}
	return moving
}
