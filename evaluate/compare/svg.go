package compare

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"

	"github.com/prioritycut/prioritycut/evaluate/result"
)

// Sizes of a plot in pixels.
const (
	plotWidth  = 520
	plotLabel  = 150 // columns for labels
	plotRight  = 18
	plotTop    = 8
	plotLine   = 24
	plotAxis   = 30
	labelChars = 22
)

// SVG draws the plot: a dot per mean, a line for its interval.
func (p *Plot) SVG() template.HTML {
	low, high := p.bounds()
	x := func(v float64) float64 {
		return plotLabel + (v-low)/(high-low)*(plotWidth-plotLabel-plotRight)
	}
	height := plotTop + plotLine*len(p.Items) + plotAxis
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`, plotWidth, height, plotWidth, height, html.EscapeString(p.Title))
	bottom := float64(height - plotAxis)
	for _, t := range ticks(low, high) {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" y1="%d" x2="%.1f" y2="%.1f"/><text class="tick" x="%.1f" y="%.1f">%s</text>`,
			x(t), plotTop, x(t), bottom, x(t), bottom+16, strconv.FormatFloat(t, 'g', 5, 64))
	}
	if p.Zero {
		fmt.Fprintf(&b, `<line class="zero" x1="%.1f" y1="%d" x2="%.1f" y2="%.1f"/>`, x(0), plotTop, x(0), bottom)
	}
	for i, item := range p.Items {
		y := plotTop + plotLine*(float64(i)+0.5)
		fmt.Fprintf(&b, `<text class="label" x="%d" y="%.1f">%s</text>`, plotLabel-10, y+4, html.EscapeString(clip(item.Label)))
		class := string(item.Mark)
		if item.Low.Finite() && item.High.Finite() {
			l, h := x(float64(item.Low)), x(float64(item.High))
			fmt.Fprintf(&b, `<line class="interval %s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, l, y, h, y)
			for _, end := range []float64{l, h} {
				fmt.Fprintf(&b, `<line class="interval %s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, end, y-4, end, y+4)
			}
		}
		if item.Mean.Finite() {
			fmt.Fprintf(&b, `<circle class="mean %s" cx="%.1f" cy="%.1f" r="4"/>`, class, x(float64(item.Mean)), y)
		}
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // all texts are escaped above
}

// bounds are those of the axis: everything that is shown, and a margin.
func (p *Plot) bounds() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	see := func(v result.Value) {
		if v.Finite() {
			low, high = min(low, float64(v)), max(high, float64(v))
		}
	}
	for _, item := range p.Items {
		see(item.Mean)
		see(item.Low)
		see(item.High)
	}
	if p.Zero {
		see(0)
	}
	if low > high {
		return 0, 1
	}
	margin := (high - low) * 0.06
	if margin == 0 {
		margin = max(math.Abs(low)*0.1, 1e-6)
	}
	return low - margin, high + margin
}

// ticks are round numbers between low and high, five or so.
func ticks(low, high float64) []float64 {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, f := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*f) <= 6 {
			step *= f
			break
		}
	}
	var all []float64
	for i := math.Ceil(low / step); i*step <= high && len(all) < 12; i++ {
		all = append(all, i*step+0) // 0 has no sign
	}
	return all
}

func clip(text string) string {
	r := []rune(text)
	if len(r) <= labelChars {
		return text
	}
	return string(r[:labelChars-1]) + "…"
}
