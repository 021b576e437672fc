package train

import (
	"fmt"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/picture"
)

// curvePoints is how many places a curve has at most: neighbouring rows are
// averaged, which shows through the noise where a loss goes.
const curvePoints = 200

// curvesHook draws what metrics.csv says, at every validation and checkpoint and
// at the end. It comes behind the hook that writes the table.
type curvesHook struct {
	files    durable.FileSystem
	patience *patience.Patience
	metrics  string
	path     string
	title    string
	losses   []string
	every    int64 // steps between checkpoints
}

// After implements Hook.
func (h *curvesHook) After(m *Moment) error {
	if m.Validation == nil && !m.due(h.every) && !m.Last() {
		return nil
	}
	return h.draw()
}

// CatchUp implements latecomer: the validation of the last step is in the table.
func (h *curvesHook) CatchUp(*Moment) error { return h.draw() }

// End implements Hook.
func (h *curvesHook) End(*Moment) error { return nil }

// draw draws the table as it is. A table that somebody has spoiled costs the
// picture alone.
func (h *curvesHook) draw() error {
	rows, err := ReadMetrics(h.metrics)
	if err != nil {
		glog.Warningf("%s is not drawn: %v", h.path, err)
		return nil
	}
	chart := curves(rows, h.losses)
	chart.Title = h.title
	drawn, err := chart.Draw()
	if err != nil {
		return nil // there is nothing yet
	}
	encoded, err := picture.PNG(drawn)
	if err != nil {
		return err
	}
	return h.patience.Wrote(pictures, durable.WriteFileOn(h.files, h.path, encoded))
}

// curves are the losses of rows and, where unseen videos were measured, the
// errors on them.
func curves(rows []Row, losses []string) *picture.Chart {
	c := &picture.Chart{Axis: "step"}
	learned := picture.Panel{Caption: "losses, weighted (logarithmic; means of neighbouring steps)", Log: true}
	for _, name := range losses {
		s := picture.Series{Name: name}
		for i := range rows {
			if v := rows[i].Value(name); v.Known {
				s.X, s.Y = append(s.X, float64(rows[i].Step)), append(s.Y, v.Value)
			}
		}
		if s = averaged(s); len(s.X) > 0 {
			learned.Series = append(learned.Series, s)
		}
	}
	c.Panels = append(c.Panels, learned)
	unseen := picture.Panel{Caption: "error on unseen videos, over that of copying the source (below 1 is better)"}
	for _, part := range []struct {
		name       string
		l1, copied string // columns
	}{
		{"whole pictures", valL1, valL1Copy}, {"drawn figures", valForeground, valForegroundCopy},
	} {
		s := picture.Series{Name: part.name, Dots: true}
		for i := range rows {
			if l1, copied := rows[i].Value(part.l1), rows[i].Value(part.copied); l1.Known && copied.Known && copied.Value > 0 {
				s.X, s.Y = append(s.X, float64(rows[i].Step)), append(s.Y, l1.Value/copied.Value)
			}
		}
		if len(s.X) > 0 {
			unseen.Series = append(unseen.Series, s)
		}
	}
	if len(unseen.Series) > 0 {
		c.Panels = append(c.Panels, unseen)
	}
	return c
}

// averaged is a series of at most curvePoints means of neighbours.
func averaged(s picture.Series) picture.Series {
	group := (len(s.X) + curvePoints - 1) / curvePoints
	if group <= 1 {
		return s
	}
	out := picture.Series{Name: s.Name, Dots: s.Dots}
	for from := 0; from < len(s.X); from += group {
		to := min(from+group, len(s.X))
		var x, y float64
		for i := from; i < to; i++ {
			x, y = x+s.X[i], y+s.Y[i]
		}
		n := float64(to - from)
		out.X, out.Y = append(out.X, x/n), append(out.Y, y/n)
	}
	return out
}

// newCurves draws the run of a session.
func (s *session) newCurves() *curvesHook {
	return &curvesHook{
		files: s.folder.files, patience: s.checkpoints.patience, metrics: s.folder.dir.Metrics(),
		path: s.folder.dir.Curves(), title: fmt.Sprintf("training %v", s.config),
		losses: s.step.LossNames, every: s.config.Train.CheckpointSteps,
	}
}
