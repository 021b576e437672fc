package figure

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"sort"

	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/prioritycut"
	"github.com/prioritycut/prioritycut/video"
)

// Draw makes a figure. Models of different sizes or data, models without what
// the figure shows, and unknown videos or frames are errors that name them.
func Draw(ctx context.Context, o Options) (*picture.Grid, error) {
	o, p, err := o.resolve()
	if err != nil {
		return nil, err
	}
	subjects, pairs, err := gather(ctx, o, p)
	if err != nil {
		return nil, fmt.Errorf("figure %d: %w", o.Number, err)
	}
	b := &builder{o: o, h: subjects[0].h, w: subjects[0].w, subjects: subjects, pairs: pairs}
	b.grid.Border = true
	map[int]func(){1: b.cuts, 2: b.shares, 3: b.feedback, 4: b.compared, 5: b.differences}[o.Number]()
	if b.err != nil {
		return nil, fmt.Errorf("figure %d: %w", o.Number, b.err)
	}
	return &b.grid, nil
}

// builder lays a figure out; the first error sticks.
type builder struct {
	o        Options
	h, w     int
	subjects []subject
	pairs    []pair
	grid     picture.Grid
	err      error
}

var (
	grey      = picture.Scale{Low: 0, High: 1, Ramp: picture.Grey}
	boxColour = color.RGBA{230, 40, 40, 255}
)

// cuts is Figure 1.
func (b *builder) cuts() {
	s := b.subjects[0]
	b.grid.Title = fmt.Sprintf("Figure 1: the most occluded %g %% of the foreground are cut (%s, step %d)", b.o.Percent[0], s.label, s.step)
	for i, p := range b.pairs {
		b.cutRow(p.label(), p, s.shots[i][0], false)
	}
}

// shares is Figure 2.
func (b *builder) shares() {
	s := b.subjects[0]
	b.grid.Title = fmt.Sprintf("Figure 2: the most occluded k %% of the foreground are cut (%s, step %d)", s.label, s.step)
	for i, p := range b.pairs {
		for j, percent := range b.o.Percent {
			label := fmt.Sprintf("k = %g %%", percent)
			if len(b.pairs) > 1 {
				label = p.label() + ", " + label
			}
			b.cutRow(label, p, s.shots[i][j], true)
		}
	}
	if len(b.pairs) == 1 {
		b.grid.Title += ", " + b.pairs[0].label()
	}
}

// cutRow is a row of Figures 1 and 2.
func (b *builder) cutRow(label string, p pair, s shot, background bool) {
	cut := b.subjects[0].cfg.PriorityCut
	cells := append(b.given(p), cell{"generated", b.picture(s.prediction)}, cell{"occlusion map", b.heat(s.occlusion, grey)})
	if background {
		caption := fmt.Sprintf("background mask (alpha > %g)", cut.BGThreshold)
		cells = append(cells, cell{caption, b.heat(above(s.background, cut.BGThreshold), grey)})
	}
	cells = append(cells, cell{"PriorityCut mask", b.heat(s.mask, grey)}, cell{"CutMix image", b.picture(s.mixed)})
	b.row(label, cells)
	text := "occlusion map: 0 is occluded, 1 visible; PriorityCut mask: 0 (cut) is generated, 1 is real"
	if cut.Polarity == prioritycut.RealAtOccluded {
		text = "occlusion map: 0 is occluded, 1 visible; PriorityCut mask: 0 is generated, 1 (cut) is real"
	}
	b.grid.AddLegend(text, grey)
}

// feedback is Figure 3.
func (b *builder) feedback() {
	b.grid.Title = "Figure 3: what the discriminators' decoders say of each generated pixel"
	verdict := b.verdict()
	for i, p := range b.pairs {
		cells := b.given(p)
		for _, s := range b.subjects {
			cells = append(cells, cell{s.label, b.picture(s.shots[i][0].prediction)},
				cell{s.label + ": feedback", b.heat(s.shots[i][0].pixels, verdict)})
		}
		b.row(p.label(), cells)
	}
	b.grid.AddLegend("feedback: 0 is fake, 1 real", verdict)
}

// verdict is the scale of all feedback, from fake (blue) to real (red): as far to
// either side of what is neither, 0.5, as all but half a percent of the scores.
func (b *builder) verdict() picture.Scale {
	var off []float32
	for _, s := range b.subjects {
		for _, one := range s.shots {
			for _, v := range one[0].pixels {
				off = append(off, float32(math.Abs(float64(v)-0.5)))
			}
		}
	}
	most := most(off)
	return picture.Scale{Low: 0.5 - most, High: 0.5 + most, Ramp: picture.Diverging}
}

// compared is Figure 4.
func (b *builder) compared() {
	b.grid.Title = "Figure 4: the compared models on unseen videos"
	if r := b.o.Box; r != (image.Rectangle{}) && (r.Empty() || !r.In(image.Rect(0, 0, b.w, b.h))) {
		b.fail(fmt.Errorf("the box from (%d,%d) to (%d,%d) does not lie in pictures of %dx%d pixels", r.Min.X, r.Min.Y, r.Max.X, r.Max.Y, b.w, b.h))
		return
	}
	for i, p := range b.pairs {
		cells := b.given(p)
		for _, s := range b.subjects {
			cells = append(cells, cell{s.label, b.picture(s.shots[i][0].prediction)})
		}
		if b.o.Box.Empty() {
			b.row(p.label(), cells)
		} else if b.err == nil {
			b.boxed(p.label(), cells)
		}
	}
}

// boxed adds a row with the box drawn in, and one of what is in it.
func (b *builder) boxed(label string, cells []cell) {
	r, side := b.o.Box, max(b.h, b.w)
	zoom := max(256/side, 1) // the line is thin beside the pixels
	whole, parts := make([]cell, len(cells)), make([]cell, len(cells))
	for i, c := range cells {
		line := image.Rectangle{Min: r.Min.Mul(zoom), Max: r.Max.Mul(zoom)}
		whole[i] = cell{c.caption, picture.Box(picture.Zoom(c.picture, zoom), line, boxColour, 2)}
		parts[i] = cell{c.caption, picture.Zoom(picture.Crop(c.picture, r), max(zoom*side/max(r.Dx(), r.Dy()), 1))}
	}
	b.row(label, whole)
	b.row("the box", parts)
}

// differences is Figure 5: frames from left to right.
func (b *builder) differences() {
	b.grid.Title = "Figure 5: the driving frame, each model's reconstruction and its difference"
	b.grid.RowLabels = []string{"driving"}
	maps := make([][][]float32, len(b.subjects))
	var all []float32
	for i, s := range b.subjects {
		sum := 0.0
		for j, p := range b.pairs {
			d := difference(s.shots[j][0].prediction, p.driving.Pix)
			for _, v := range d {
				sum += float64(v) / float64(len(d)*len(b.pairs))
			}
			maps[i], all = append(maps[i], d), append(all, d...)
		}
		b.grid.RowLabels = append(b.grid.RowLabels, s.label, fmt.Sprintf("difference, mean %.4f", sum))
	}
	scale := picture.Scale{Low: 0, High: most(all), Ramp: picture.Sequential}
	for j, p := range b.pairs {
		column := []*image.RGBA{b.frame(p.driving)}
		for i, s := range b.subjects {
			column = append(column, b.picture(s.shots[j][0].prediction), b.heat(maps[i][j], scale))
		}
		picture.Add(&b.grid, p.label(), column...)
	}
	b.grid.AddLegend("difference: mean over the channels of |driving - reconstruction|", scale)
}

// cell is a picture and the caption of its column.
type cell struct {
	caption string
	picture *image.RGBA
}

// given are the first cells of a row.
func (b *builder) given(p pair) []cell {
	return []cell{{"source", b.frame(p.source)}, {"driving", b.frame(p.driving)}}
}

// row adds a row; the first one makes the columns.
func (b *builder) row(label string, cells []cell) {
	b.grid.RowLabels = append(b.grid.RowLabels, label)
	for i, c := range cells {
		if i == len(b.grid.Columns) {
			picture.Add(&b.grid, c.caption, c.picture)
			continue
		}
		b.grid.Columns[i].Cells = append(b.grid.Columns[i].Cells, c.picture)
	}
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) frame(f *video.Frame) *image.RGBA {
	return b.first(picture.FromBytes(f.Pix, 1, f.H, f.W))
}

func (b *builder) picture(v []float32) *image.RGBA {
	return b.first(picture.FromFloats(v, 1, b.h, b.w))
}

func (b *builder) first(list []*image.RGBA, err error) *image.RGBA {
	if err != nil {
		b.fail(err)
		return nil
	}
	return list[0]
}

func (b *builder) heat(v []float32, scale picture.Scale) *image.RGBA {
	f, err := picture.NewField(v, b.h, b.w)
	if err != nil {
		return b.first(nil, err)
	}
	return f.Heat(scale)
}

// above is 1 where a map exceeds tau and 0 elsewhere.
func above(v []float32, tau float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		if float64(x) > tau {
			out[i] = 1
		}
	}
	return out
}

// difference is the mean over the channels of |prediction - pix / 255|, [H, W].
func difference(prediction []float32, pix []byte) []float32 {
	out := make([]float32, len(prediction)/3)
	for i := range out {
		sum := 0.0
		for c := 3 * i; c < 3*i+3; c++ {
			sum += math.Abs(float64(prediction[c]) - float64(pix[c])/255)
		}
		out[i] = float32(sum / 3)
	}
	return out
}

// most is exceeded by half a percent of the values, rounded up to 0.05: a few
// pixels would make all others pale.
func most(values []float32) float64 {
	sorted := append([]float32(nil), values...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i] < sorted[j] })
	top := 0.0
	if n := len(sorted); n > 0 {
		top = float64(sorted[(n-1)*995/1000])
	}
	return max(math.Ceil(top*20-1e-6)/20, 0.05)
}
