package evaluate

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// jointTable tells AKD and MKR by keypoint. Its rows are written before a video
// counts as done, so that none is missing when an evaluation goes on.
type jointTable struct {
	path    string
	names   []string          // empty for keypoints without names
	rows    []result.JointRow // of all videos
	now     []result.JointRow // of the current one
	writing result.Writing
}

// openJoints opens the table of an evaluation whose keypoints are measured.
func openJoints(r result.Run, folder result.Folder, drawn bool, w result.Writing) (*jointTable, error) {
	if r.KeypointsReal == FromNowhere {
		return nil, nil
	}
	t := &jointTable{path: folder.Joints(), writing: w}
	if drawn {
		for j := shapes.JointID(0); j < shapes.NumJoints; j++ {
			t.names = append(t.names, j.String())
		}
	}
	var err error
	t.rows, err = result.ReadJoints(t.path)
	return t, err
}

// add counts a frame.
func (t *jointTable) add(real, made []metric.Point) {
	for j := range real {
		if j >= len(t.now) {
			row := result.JointRow{FormatVersion: result.FormatVersion, Joint: j}
			if len(t.names) == len(real) {
				row.Name = t.names[j]
			}
			t.now = append(t.now, row)
		}
		at := &t.now[j]
		r, g := real[j], made[j]
		if r.Missing {
			continue
		}
		at.Shown++
		if g.Missing {
			at.Lacking++
			continue
		}
		at.Frames++
		at.Distance += result.Value((math.Abs(r.X-g.X) + math.Abs(r.Y-g.Y)) / 2) // the sum, until done
	}
}

// begin forgets a video that was not finished.
func (t *jointTable) begin() {
	if t != nil {
		t.now = nil
	}
}

// done adds the rows of a video.
func (t *jointTable) done(video string) error {
	if t == nil {
		return nil
	}
	t.rows = slices.DeleteFunc(t.rows, func(r result.JointRow) bool { return r.Video == video })
	for _, r := range t.now {
		r.Video = video
		if r.Frames == 0 {
			r.Distance = result.Absent()
		} else {
			r.Distance /= result.Value(r.Frames)
		}
		t.rows = append(t.rows, r)
	}
	return t.writing.Insist("joints.csv", func() error { return result.WriteJoints(t.writing.Files, t.path, t.rows) })
}

// JointMeans sums up the rows of videos by keypoint, in the order of the
// keypoints.
func JointMeans(rows []result.JointRow) []result.JointRow {
	var means []result.JointRow
	for _, r := range rows {
		for len(means) <= r.Joint {
			means = append(means, result.JointRow{FormatVersion: result.FormatVersion, Joint: len(means)})
		}
		at := &means[r.Joint]
		at.Name = r.Name
		at.Shown, at.Lacking = at.Shown+r.Shown, at.Lacking+r.Lacking
		if r.Frames > 0 {
			at.Distance += r.Distance * result.Value(r.Frames)
			at.Frames += r.Frames
		}
	}
	for j := range means {
		if means[j].Frames == 0 {
			means[j].Distance = result.Absent()
		} else {
			means[j].Distance /= result.Value(means[j].Frames)
		}
	}
	return means
}

// writeJoints prints the keypoints, if any was found at all. Those of faces have
// no MKR: they are missing together or not at all.
func writeJoints(w io.Writer, means []result.JointRow, faces bool) {
	if !slices.ContainsFunc(means, func(m result.JointRow) bool { return m.Frames > 0 }) {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nkeypoint\tAKD ↓\tMKR ↓\tframes\t")
	for _, m := range means {
		name := m.Name
		if name == "" {
			name = fmt.Sprint(m.Joint)
		}
		lacking := ""
		if m.Shown > 0 && !faces {
			lacking = fmt.Sprintf("%.3f", float64(m.Lacking)/float64(m.Shown))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t\n", name, fixed(m.Distance, 3), lacking, m.Frames)
	}
	t.Flush()
}
