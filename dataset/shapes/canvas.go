package shapes

import (
	"math"

	"github.com/prioritycut/prioritycut/video"
)

// view maps pixels to the scene.
type view struct {
	w, h  int
	pixel float64 // width of a pixel in scene units
}

func newView(w, h int) view { return view{w, h, 1 / float64(min(w, h))} }

// x and y give the scene coordinates of the centre of column i and row j.
func (v view) x(i int) float64 { return (float64(i) + 0.5 - 0.5*float64(v.w)) * v.pixel }
func (v view) y(j int) float64 { return (float64(j) + 0.5 - 0.5*float64(v.h)) * v.pixel }

// toPixels gives the pixel coordinates of a point: (0, 0) is the centre of the
// first pixel.
func (v view) toPixels(p point) (x, y float64) {
	return p.x/v.pixel + 0.5*float64(v.w) - 0.5, p.y/v.pixel + 0.5*float64(v.h) - 0.5
}

// canvas gathers the figure, from the farthest part to the nearest. The
// background stays out until the end, so coverage is known exactly.
type canvas struct {
	view
	ink    []float32 // [H,W,3], multiplied by cover
	cover  []float32 // [H,W], share of the pixel that the figure covers
	labels []Part    // [H,W]
	drawn  [NumParts]int
}

func newCanvas(v view) *canvas {
	n := v.w * v.h
	return &canvas{view: v, ink: make([]float32, 3*n), cover: make([]float32, n), labels: make([]Part, n)}
}

const (
	// shadowWidth is how far a part shades what lies behind it.
	shadowWidth    = 0.026
	shadowStrength = 0.40
	// rimWidth is the breadth of the darker edge of a part.
	rimWidth    = 0.014
	rimStrength = 0.28
)

// light points from the lamp, up on the left, across the picture.
var light = point{0.6, 0.8}

// part draws one part over what is there: its shadow on farther parts, then
// the part.
func (c *canvas) part(id Part, f frame, shape outline, o *outfit) {
	i0, i1, j0, j1 := c.extent(f, shape)
	s0, s1, v0, v1 := shape.bounds()
	margin := c.margin()
	s0, s1, v0, v1 = s0-margin, s1+margin, v0-margin, v1+margin
	for j := j0; j < j1; j++ {
		y := c.y(j)
		for i := i0; i < i1; i++ {
			s, v := f.local(point{c.x(i), y})
			if s < s0 || s > s1 || v < v0 || v > v1 {
				continue // far from a slanting part
			}
			d, slopeS, slopeV := shape.at(s, v)
			at := j*c.w + i
			if d > 0 && d < shadowWidth && c.cover[at] > 0 {
				c.shade(at, 1-shadowStrength*square(1-d/shadowWidth))
			}
			cover := clamp(0.5-d/c.pixel, 0, 1)
			if cover == 0 {
				continue
			}
			n := f.along.times(slopeS).plus(point{f.along.y, -f.along.x}.times(slopeV))
			ink := o.at(id, s, v, c.pixel)
			c.over(at, id, ink, shading(n, d), cover)
		}
	}
}

func square(x float64) float64 { return x * x }

// shading gives the brightness of a surface: rounder parts are lighter towards
// the lamp, and every part has a darker rim, which tells limbs apart where one
// crosses another.
func shading(slope point, d float64) float64 {
	q := slope.x*slope.x + slope.y*slope.y
	facing := slope.x*light.x + slope.y*light.y
	rim := clamp(1+d/rimWidth, 0, 1)
	return (1.07 - 0.17*facing - 0.13*q) * (1 - rimStrength*rim*rim)
}

// shade darkens the figure at a pixel.
func (c *canvas) shade(at int, k float64) {
	for ch := 3 * at; ch < 3*at+3; ch++ {
		c.ink[ch] *= float32(k)
	}
}

// over lays a part that covers a share of a pixel over what is there.
func (c *canvas) over(at int, id Part, ink colour, bright, cover float64) {
	rest := float32(1 - cover)
	for ch, v := range ink {
		o := 3*at + ch
		c.ink[o] = c.ink[o]*rest + float32(clamp(v*bright, 0, 1)*cover)
	}
	c.cover[at] = c.cover[at]*rest + float32(cover)
	if cover >= 0.5 {
		c.drawn[id]++
		c.labels[at] = id
	} else if c.labels[at] == Background && c.cover[at] >= 0.5 {
		// Two edges meet in the pixel and hide the background together.
		c.labels[at] = id
	}
}

// margin is how far beyond its edge a part may touch the canvas.
func (c *canvas) margin() float64 { return max(shadowWidth, c.pixel) }

// extent gives the pixels that a part and its shadow may touch.
func (c *canvas) extent(f frame, shape outline) (i0, i1, j0, j1 int) {
	s0, s1, v0, v1 := shape.bounds()
	lo, hi := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, corner := range [4]point{f.world(s0, v0), f.world(s0, v1), f.world(s1, v0), f.world(s1, v1)} {
		lo = point{min(lo.x, corner.x), min(lo.y, corner.y)}
		hi = point{max(hi.x, corner.x), max(hi.y, corner.y)}
	}
	border := point{c.margin(), c.margin()}
	x0, y0 := c.toPixels(lo.minus(border))
	x1, y1 := c.toPixels(hi.plus(border))
	limit := func(v float64, n int) int { return int(clamp(v, 0, float64(n))) }
	return limit(math.Floor(x0), c.w), limit(math.Ceil(x1)+1, c.w), limit(math.Floor(y0), c.h), limit(math.Ceil(y1)+1, c.h)
}

// flatten lays the figure over a background, [H,W,3].
func (c *canvas) flatten(back []float32) *video.Frame {
	f := video.NewFrame(c.w, c.h)
	pix := f.Pix
	for at, cover := range c.cover {
		for ch := 3 * at; ch < 3*at+3; ch++ {
			v := c.ink[ch] + (1-cover)*back[ch]
			pix[ch] = byte(255*min(max(v, 0), 1) + 0.5)
		}
	}
	return f
}
