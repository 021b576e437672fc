package main

import (
	"image"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/video"
)

// besideWidth is how many pixels wide pictures beside each other are at least:
// those of small models are enlarged by a whole factor.
const besideWidth = 192

// moment is what belongs together in one frame of a film of comparison.
type moment struct{ source, driving, result *video.Frame }

// beside draws moments, one below the other, under captions. All pictures have
// one size.
func beside(moments ...moment) (*video.Frame, error) {
	first := moments[0].source
	factor := max(1, (besideWidth+first.W-1)/first.W)
	g := picture.Grid{Border: true, CellW: factor * first.W, CellH: factor * first.H}
	for _, column := range []struct {
		caption string
		of      func(moment) *video.Frame
	}{
		{"source", func(m moment) *video.Frame { return m.source }},
		{"driving", func(m moment) *video.Frame { return m.driving }},
		{"result", func(m moment) *video.Frame { return m.result }},
	} {
		var cells []image.Image
		for _, m := range moments {
			cells = append(cells, column.of(m).Image())
		}
		picture.Add(&g, column.caption, cells...)
	}
	drawn, err := g.Draw()
	if err != nil {
		return nil, err
	}
	return video.FromImage(drawn)
}

// compare has a job write source, driving frame and result beside each other,
// if --side_by_side is given. It returns the size of what is written.
func (p *program) compare(a *animator, job *animate.Job) (w, h int, err error) {
	h, w = a.Size()
	if !p.sideBySide {
		return w, h, nil
	}
	source, err := job.Fit.Apply(job.Source, w, h)
	if err != nil {
		return 0, 0, err
	}
	job.Compose = func(driving, result *video.Frame) (*video.Frame, error) {
		return beside(moment{source, driving, result})
	}
	blank, err := job.Compose(source, source)
	if err != nil {
		return 0, 0, err
	}
	return blank.W, blank.H, nil
}
