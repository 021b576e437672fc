package main

import (
	"image"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/video"
)

// moment is what belongs together in one frame of a film of comparison.
type moment struct {
	source *video.Frame
	animate.Made
}

// beside draws moments, one below the other, under captions, with their keypoints
// if marked. All pictures have one size.
func beside(marked bool, moments ...moment) (*video.Frame, error) {
	first := moments[0].source
	factor := animate.Enlargement(first.W)
	g := picture.Grid{Border: true, CellW: factor * first.W, CellH: factor * first.H}
	for _, column := range []struct {
		caption string
		of      func(moment) (*video.Frame, [][2]float64)
	}{
		{"source", func(m moment) (*video.Frame, [][2]float64) { return m.source, m.KPSource }},
		{"driving", func(m moment) (*video.Frame, [][2]float64) { return m.Driving, m.KPDriving }},
		{"result", func(m moment) (*video.Frame, [][2]float64) { return m.Result, m.KPResult }},
	} {
		var cells []image.Image
		for _, m := range moments {
			frame, points := column.of(m)
			if marked {
				var err error
				if frame, err = animate.Marked(frame, points); err != nil {
					return nil, err
				}
			}
			cells = append(cells, frame.Image())
		}
		picture.Add(&g, column.caption, cells...)
	}
	drawn, err := g.Draw()
	if err != nil {
		return nil, err
	}
	return video.FromImage(drawn)
}

// checkMarks refuses --keypoints for a model without any.
func (p *program) checkMarks(a *animator) error {
	if !p.marked || a.Engine().HasKeypoints() {
		return nil
	}
	return cli.Usage(withoutKeypoints("keypoints", a))
}

// compare has a job write source, driving frame and result beside each other,
// if --side_by_side or --keypoints is given. It returns the size of what is
// written.
func (p *program) compare(a *animator, job *animate.Job) (w, h int, err error) {
	h, w = a.Size()
	if !p.sideBySide && !p.marked {
		return w, h, nil
	}
	source, err := job.Fit.Apply(job.Source, w, h)
	if err != nil {
		return 0, 0, err
	}
	job.Compose = func(m animate.Made) (*video.Frame, error) {
		return beside(p.marked, moment{source, m})
	}
	blank, err := job.Compose(animate.Made{Driving: source, Result: source})
	if err != nil {
		return 0, 0, err
	}
	return blank.W, blank.H, nil
}
