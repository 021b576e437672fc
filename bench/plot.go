package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// curve is what one side takes over batch or size.
type curve struct {
	name string
	// kind is what curves of one colour have in common; those of other
	// instructions than the processor's best are dashed.
	kind   string
	dashed bool
	points []point
}

type point struct{ x, y float64 }

// Colours of the curves in turn, told apart by readers who see few colours.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}

const (
	panelWidth, panelHeight        = 460, 320
	marginLeft, marginTop, legend  = 64, 36, 20
	plotWidth, plotHeight, tickLen = 370, 220, 4
)

// plotGrowth draws cost over size and over batch as SVG; without a case of
// several sizes or batches there is nothing to draw.
func plotGrowth(all []*outcome) []byte {
	sizes := curves(all, measureFrame, func(o *outcome, s float64) point { return point{float64(o.width), 1e6 * s / float64(o.height*o.width)} })
	batches := curves(all, measureStep, func(o *outcome, s float64) point {
		return point{float64(o.job.Pictures), s / float64(o.job.Pictures)}
	})
	if len(sizes)+len(batches) == 0 {
		return nil
	}
	var b bytes.Buffer
	height := panelHeight + legend*max(len(sizes), len(batches))
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", 2*panelWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", 2*panelWidth, height)
	panel(&b, 0, "a frame, µs per pixel, over the side of the picture", sizes)
	panel(&b, panelWidth, "a step, s per pair, over the batch", batches)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// curves are those of the sides that have more than one point: ours, and the
// quickest of each group.
func curves(all []*outcome, measure string, at func(*outcome, float64) point) []curve {
	var list []curve
	for _, o := range all {
		if o.job.Measure != measure || o.preset != vox {
			continue
		}
		for _, t := range o.turns {
			if len(o.results[t]) == 0 {
				continue
			}
			name, kind := t.String()+", "+isaNames[o.isa], t.group()
			if measure == measureStep {
				name, kind = o.variant+", "+name, o.variant+", "+kind
			}
			i := slices.IndexFunc(list, func(c curve) bool { return c.name == name })
			if i < 0 {
				i, list = len(list), append(list, curve{name: name, kind: kind, dashed: o.isa == isaAVX2})
			}
			list[i].points = append(list[i].points, at(o, clock(o.results[t])))
		}
	}
	list = slices.DeleteFunc(list, func(c curve) bool { return len(c.points) < 2 })
	for _, c := range list {
		slices.SortFunc(c.points, func(a, b point) int { return int(a.x - b.x) })
	}
	return slices.DeleteFunc(slices.Clone(list), func(c curve) bool {
		return slices.ContainsFunc(list, func(d curve) bool {
			return d.kind == c.kind && d.dashed == c.dashed && d.least() < c.least()
		})
	})
}

// least is its lowest point.
func (c curve) least() float64 {
	return slices.MinFunc(c.points, func(a, b point) int { return cmp.Compare(a.y, b.y) }).y
}

// panel draws curves over evenly spaced values of x, from 0 upwards.
func panel(b *bytes.Buffer, left int, title string, list []curve) {
	fmt.Fprintf(b, `<text x="%d" y="20" font-weight="bold">%s</text>`+"\n", left+marginLeft, title)
	var xs []float64
	most := 0.0
	for _, c := range list {
		for _, p := range c.points {
			if !slices.Contains(xs, p.x) {
				xs = append(xs, p.x)
			}
			most = max(most, p.y)
		}
	}
	slices.Sort(xs)
	x := func(v float64) float64 {
		return float64(left+marginLeft) + float64(plotWidth)*(float64(slices.Index(xs, v))+0.5)/float64(len(xs))
	}
	y := func(v float64) float64 { return float64(marginTop+plotHeight) - float64(plotHeight)*v/most }
	fmt.Fprintf(b, `<path d="M%d %dv%dh%d" fill="none" stroke="black"/>`+"\n", left+marginLeft, marginTop, plotHeight, plotWidth)
	for _, v := range xs {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n", x(v), marginTop+plotHeight+18, v)
	}
	for i := 0; i <= 4 && most > 0; i++ {
		v := most * float64(i) / 4
		fmt.Fprintf(b, `<path d="M%d %.1fh-%d" stroke="black"/><text x="%d" y="%.1f" text-anchor="end">%.3g</text>`+"\n",
			left+marginLeft, y(v), tickLen, left+marginLeft-tickLen-2, y(v)+4, v)
	}
	var kinds []string
	for i, c := range list {
		if !slices.Contains(kinds, c.kind) {
			kinds = append(kinds, c.kind)
		}
		look := fmt.Sprintf(`fill="none" stroke="%s" stroke-width="2"`, colours[slices.Index(kinds, c.kind)%len(colours)])
		var path []string
		for _, p := range c.points {
			path = append(path, fmt.Sprintf("%.1f,%.1f", x(p.x), y(p.y)))
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" %s/>`+"\n", x(p.x), y(p.y), look)
		}
		if c.dashed {
			look += ` stroke-dasharray="6 3"`
		}
		fmt.Fprintf(b, `<polyline points="%s" %s/>`+"\n", strings.Join(path, " "), look)
		at := marginTop + plotHeight + 40 + legend*i
		fmt.Fprintf(b, `<path d="M%d %dh24" %s/><text x="%d" y="%d">%s</text>`+"\n", left+marginLeft, at-4, look, left+marginLeft+30, at, c.name)
	}
}
