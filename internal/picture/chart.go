package picture

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// Chart shows how numbers change along an axis: panels one below another with
// the same axis.
type Chart struct {
	Title string
	// Axis names what is along it, below the last panel.
	Axis   string
	Panels []Panel
}

// Panel is a plot of series under a caption.
type Panel struct {
	Caption string
	// Log has powers of ten equally far from each other; values that are not
	// positive are left out then. Without, the plot begins at 0.
	Log    bool
	Series []Series
}

// Series are places in the order of the axis. Values that are no finite numbers
// are left out.
type Series struct {
	Name string
	X, Y []float64
	// Dots marks every place.
	Dots bool
}

// Measures of a chart, in pixels.
const (
	chartW, panelH = 760, 220
	tickL          = 4
	lineWidth      = 1.6
	dotRadius      = 3
	swatch         = 14
)

// seriesColours follow each other so that neighbours differ much.
var seriesColours = []color.RGBA{
	{31, 119, 180, 255}, {214, 39, 40, 255}, {44, 160, 44, 255}, {255, 127, 14, 255},
	{148, 103, 189, 255}, {23, 190, 207, 255}, {140, 86, 75, 255}, {227, 119, 194, 255},
	{127, 127, 127, 255}, {188, 189, 34, 255},
}

// Draw draws the chart. It fails if there is nothing to draw.
func (c *Chart) Draw() (*image.RGBA, error) {
	x := span{math.Inf(1), math.Inf(-1)}
	for _, p := range c.Panels {
		for _, s := range p.Series {
			for i := range s.X {
				if p.shows(s, i) {
					x.take(s.X[i])
				}
			}
		}
	}
	if x.low > x.high {
		return nil, errors.New("picture: a chart without values")
	}
	if x.low == x.high {
		x.low, x.high = x.low-0.5, x.high+0.5
	}
	left := 0
	for _, p := range c.Panels {
		for _, t := range p.values().ticks(p.Log) {
			left = max(left, textWidth(number(t)))
		}
	}
	left += 2*margin + tickL
	heights, total := make([]int, len(c.Panels)), margin+lineH+margin
	for i, p := range c.Panels {
		heights[i] = lineH + p.legendH() + panelH + 3*margin
		total += heights[i]
	}
	m := filled(left+chartW+3*margin, total+2*lineH+margin, paper)
	text(m, margin, margin, c.Title, ink)
	y := margin + lineH + margin
	for i := range c.Panels {
		c.Panels[i].draw(m, image.Pt(left, y), x)
		y += heights[i]
	}
	for _, t := range x.ticks(false) {
		label := number(t)
		text(m, left+int(x.at(t)*chartW)-textWidth(label)/2, y-2*margin+tickL, label, ink)
	}
	text(m, left+(chartW-textWidth(c.Axis))/2, y-2*margin+tickL+lineH, c.Axis, ink)
	return m, nil
}

// shows reports whether a place of a series is drawn.
func (p *Panel) shows(s Series, i int) bool {
	v := s.Y[i]
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!p.Log || v > 0)
}

// values is what the panel's values span, with some room.
func (p *Panel) values() span {
	r := span{math.Inf(1), math.Inf(-1)}
	for _, s := range p.Series {
		for i := range s.Y {
			if p.shows(s, i) {
				r.take(p.scaled(s.Y[i]))
			}
		}
	}
	if r.low > r.high {
		return span{0, 1}
	}
	if p.Log {
		return span{r.low - 0.05*(r.high-r.low) - 0.05, r.high + 0.05*(r.high-r.low) + 0.05}
	}
	return span{min(r.low, 0), max(1.05*r.high, 1e-9)}
}

// scaled is a value as it is measured along the panel's height.
func (p *Panel) scaled(v float64) float64 {
	if p.Log {
		return math.Log10(v)
	}
	return v
}

// legendH is the height of the names, which take as many lines as they need.
func (p *Panel) legendH() int {
	lines, x := 1, 0
	for _, s := range p.Series {
		w := swatch + gap + textWidth(s.Name) + 2*margin
		if x > 0 && x+w > chartW {
			lines, x = lines+1, 0
		}
		x += w
	}
	return lines * lineH
}

// draw draws caption, names, axes and lines from a corner on.
func (p *Panel) draw(m *image.RGBA, corner image.Point, x span) {
	text(m, corner.X, corner.Y, p.Caption, ink)
	corner.Y += lineH
	p.drawNames(m, corner)
	corner.Y += p.legendH() + gap
	y := p.values()
	for _, t := range y.ticks(p.Log) {
		at := corner.Y + panelH - int(y.at(p.scaled(t))*panelH)
		draw.Draw(m, image.Rect(corner.X-tickL, at, corner.X+chartW, at+1), image.NewUniform(empty), image.Point{}, draw.Src)
		label := number(t)
		text(m, corner.X-2*tickL-textWidth(label), at-lineH/2, label, ink)
	}
	for _, t := range x.ticks(false) {
		at := corner.X + int(x.at(t)*chartW)
		draw.Draw(m, image.Rect(at, corner.Y, at+1, corner.Y+panelH+tickL), image.NewUniform(empty), image.Point{}, draw.Src)
	}
	draw.Draw(m, image.Rect(corner.X, corner.Y, corner.X+1, corner.Y+panelH), image.NewUniform(line), image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(corner.X, corner.Y+panelH, corner.X+chartW, corner.Y+panelH+1), image.NewUniform(line), image.Point{}, draw.Src)
	for i, s := range p.Series {
		var places []Point
		for k := range s.X {
			if p.shows(s, k) {
				places = append(places, Point{
					X: float64(corner.X) + x.at(s.X[k])*chartW, Y: float64(corner.Y+panelH) - y.at(p.scaled(s.Y[k]))*panelH,
				})
			}
		}
		c := seriesColours[i%len(seriesColours)]
		polyline(m, places, c)
		if s.Dots || len(places) == 1 {
			for _, at := range places {
				disc(m, at, dotRadius, c)
			}
		}
	}
}

func (p *Panel) drawNames(m *image.RGBA, corner image.Point) {
	x, y := 0, corner.Y
	for i, s := range p.Series {
		w := swatch + gap + textWidth(s.Name) + 2*margin
		if x > 0 && x+w > chartW {
			x, y = 0, y+lineH
		}
		at := image.Rect(corner.X+x, y+lineH/2-2, corner.X+x+swatch, y+lineH/2+1)
		draw.Draw(m, at, image.NewUniform(seriesColours[i%len(seriesColours)]), image.Point{}, draw.Src)
		text(m, corner.X+x+swatch+gap, y, s.Name, ink)
		x += w
	}
}

// polyline draws a line through places.
func polyline(m *image.RGBA, places []Point, c color.RGBA) {
	r := vector.NewRasterizer(m.Rect.Dx(), m.Rect.Dy())
	for i := 1; i < len(places); i++ {
		a, b := places[i-1], places[i]
		length := math.Hypot(b.X-a.X, b.Y-a.Y)
		if length == 0 {
			continue
		}
		dx, dy := lineWidth/2*(b.X-a.X)/length, lineWidth/2*(b.Y-a.Y)/length
		// Each piece reaches half a width beyond its ends, so that bends are closed.
		a, b = Point{a.X - dx, a.Y - dy}, Point{b.X + dx, b.Y + dy}
		r.MoveTo(float32(a.X-dy), float32(a.Y+dx))
		r.LineTo(float32(b.X-dy), float32(b.Y+dx))
		r.LineTo(float32(b.X+dy), float32(b.Y-dx))
		r.LineTo(float32(a.X+dy), float32(a.Y-dx))
		r.ClosePath()
	}
	r.Draw(m, m.Rect, image.NewUniform(c), image.Point{})
}

// span is a part of an axis.
type span struct{ low, high float64 }

func (s *span) take(v float64) { s.low, s.high = min(s.low, v), max(s.high, v) }

// at is the place of a value, 0 at the low end and 1 at the high one.
func (s span) at(v float64) float64 { return (v - s.low) / (s.high - s.low) }

// ticks are round numbers within a span; of logarithms, the numbers themselves.
func (s span) ticks(logarithms bool) []float64 {
	var out []float64
	if logarithms {
		digits := []float64{1, 2, 5}
		if s.high-s.low > 2.5 {
			digits = digits[:1]
		}
		for e := math.Floor(s.low); e <= s.high; e++ {
			for _, d := range digits {
				if l := e + math.Log10(d); l >= s.low && l <= s.high {
					out = append(out, math.Round(d*1e6)/1e6*math.Pow(10, e))
				}
			}
		}
		return out
	}
	unit := math.Pow(10, math.Floor(math.Log10((s.high-s.low)/5)))
	step := unit
	for _, k := range []float64{2, 5, 10} {
		if (s.high-s.low)/step > 7 {
			step = k * unit
		}
	}
	for i := math.Ceil(s.low/step - 1e-9); i*step <= s.high+1e-9*step; i++ {
		out = append(out, i*step+0) // not -0
	}
	return out
}
