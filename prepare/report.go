package prepare

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"path/filepath"
	"sort"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/internal/durable"
)

// Report says what a run did.
type Report struct {
	Out         string
	Train, Test Side
	// How the sides were told apart.
	How string
	// Rows are all clips and all that was dropped, in order.
	Rows []Row
	// Reasons counts what was dropped, by the kind of reason.
	Reasons []Count
	// Faults is how many inputs, lines and records were wrong, unreadable or cut
	// short.
	Faults int
	// Left are files that are no videos by their names; Strangers are files in
	// train and test that prepare did not make.
	Left, Strangers []string
	Warnings        []string
	Bytes           int64
	// Parameters as in the manifest.
	Parameters map[string]string
}

// Side describes train or test.
type Side struct{ Clips, Frames, Identities int }

// Count is a reason and how often it came.
type Count struct {
	Reason string
	N      int
}

// Row is a line of report.csv.
type Row struct {
	Status     string  `csv:"status"` // clip, dropped or unreadable
	Partition  string  `csv:"partition"`
	Clip       string  `csv:"clip"`
	Reason     string  `csv:"reason"` // why it was dropped, or what is to be known of a clip
	Video      string  `csv:"video"`
	Identity   string  `csv:"identity"`
	Line       string  `csv:"line"`
	FirstFrame int     `csv:"first_frame"`
	EndFrame   int     `csv:"end_frame"`
	Frames     int     `csv:"frames"`
	Left       int     `csv:"left"`
	Top        int     `csv:"top"`
	Width      int     `csv:"width"`
	Height     int     `csv:"height"`
	Motion     string  `csv:"motion"`
	Bytes      int64   `csv:"bytes"`
	Strip      url.URL `csv:"-"`
}

// The values of Row.Status.
const (
	StatusClip       = "clip"
	StatusDropped    = "dropped"
	StatusUnreadable = "unreadable"
)

// Partial tells whether some of the input could not be used because it is
// wrong or damaged.
func (r *Report) Partial() bool { return r.Faults > 0 }

// ReportPath is the page to look at.
func (r *Report) ReportPath() string { return filepath.Join(r.Out, reportName) }

// newReport sums up a plan and what became of it.
func newReport(o *Options, p *plan, m *manifest) (*Report, error) {
	r := &Report{Out: o.Out, How: p.div.how, Left: p.left, Parameters: m.header.Parameters, Warnings: append(p.warnings, p.div.warnings...)}
	identities := map[string]map[string]bool{train: {}, test: {}}
	reasons := map[string]int{}
	enlarged := 0
	lost := append([]dropped(nil), p.dropped...)
	for _, c := range p.clips {
		d, ok := m.of(c.spec())
		if !ok {
			return nil, fmt.Errorf("clip %s is neither made nor dropped", c.name)
		}
		if d.Dropped != "" {
			lost = append(lost, c.drop(d.Dropped, d.Fault))
			continue
		}
		row := c.row(d)
		r.Rows = append(r.Rows, row)
		r.Bytes += d.Bytes
		side := &r.Train
		if c.partition == test {
			side = &r.Test
		}
		side.Clips++
		side.Frames += d.Frames
		identities[c.partition][c.identity] = true
		if d.Note != "" {
			r.Faults++
		}
		if w, h := c.sourceSize(); w > 0 && min(w, h) < o.Size {
			enlarged++
		}
	}
	r.Train.Identities, r.Test.Identities = len(identities[train]), len(identities[test])
	for _, d := range lost {
		r.Rows = append(r.Rows, d.row())
		if d.fault {
			r.Faults++
			reasons["could not be used (wrong, damaged or missing)"]++
		} else {
			reasons[d.kind()]++
		}
	}
	sort.SliceStable(r.Rows, func(i, j int) bool { return r.Rows[i].less(&r.Rows[j]) })
	for reason, n := range reasons {
		r.Reasons = append(r.Reasons, Count{reason, n})
	}
	sort.Slice(r.Reasons, func(i, j int) bool { return r.Reasons[i].Reason < r.Reasons[j].Reason })
	r.warn(p, enlarged, o)
	if r.Train.Clips == 0 || r.Test.Clips == 0 {
		return r, r.empty()
	}
	return r, nil
}

// twinReason begins the reason of train clips that test clips are copies of.
const twinReason = "shares nearly equal frames with the test "

// kind is a reason without what differs from clip to clip.
func (d *dropped) kind() string {
	if strings.HasPrefix(d.reason, twinReason) {
		return twinReason + "side"
	}
	if _, rest, ok := strings.Cut(d.reason, " frames: "); ok {
		return rest
	}
	return d.reason
}

// maxRemarks bounds what is said of single films.
const maxRemarks = 10

func (r *Report) warn(p *plan, enlarged int, o *Options) {
	add := func(n int, format string) {
		if n > 0 {
			r.Warnings = append(r.Warnings, fmt.Sprintf(format, n))
		}
	}
	films := map[string]bool{}
	for _, c := range p.clips {
		for _, remark := range append(c.in.info.Remarks(), c.in.remarks...) {
			if text := c.in.name + ": " + remark; !films[text] && len(films) < maxRemarks {
				films[text] = true
				r.Warnings = append(r.Warnings, text)
			}
		}
	}
	add(enlarged, fmt.Sprintf("%%d clips show less than %dx%d pixels and were enlarged: a smaller `size` loses nothing", o.Size, o.Size))
	add(p.div.joined, "%d times two identities shared nearly equal frames: they are on the same side")
	add(p.div.gap, "%d frames were left out between the train and the test part of a scene")
	add(p.div.nearEqual, "%d test frames were left out because a train frame is nearly equal")
}

// empty says why there is nothing to train on, or to test with.
func (r *Report) empty() error {
	side := train
	if r.Train.Clips > 0 {
		side = test
	}
	text := fmt.Sprintf("no clip is left for %s", side)
	for _, c := range r.Reasons {
		text += fmt.Sprintf("\n  %d: %s", c.N, c.Reason)
	}
	for _, row := range r.Rows {
		if row.Status == StatusUnreadable {
			text += fmt.Sprintf("\n  for example %s: %s", row.Video, row.Reason)
			break
		}
	}
	return fmt.Errorf("%s\nthere must be at least one on each side: see `min_frames`, `min_motion`, `size` and `split`", text)
}

// sourceSize is the size in pixels of what a clip shows; 0 if unknown.
func (c *clip) sourceSize() (w, h int) {
	if !c.box.whole() {
		return c.box[2], c.box[3]
	}
	return c.in.info.W, c.in.info.H
}

func (c *clip) row(d done) Row {
	first, end := c.storedSpan()
	row := Row{Status: StatusClip, Partition: c.partition, Clip: c.name, Reason: d.Note, Video: c.in.name, Identity: c.identity,
		Line: lineText(c.line), FirstFrame: first, EndFrame: end, Frames: d.Frames, Bytes: d.Bytes,
		Left: c.box[0], Top: c.box[1], Width: c.box[2], Height: c.box[3], Strip: url.URL{Path: stripsName + "/" + c.name + ".jpg"}}
	if c.measured {
		row.Motion = fmt.Sprintf("%.2f", c.motion)
	}
	return row
}

func (d *dropped) row() Row {
	row := Row{Status: StatusDropped, Partition: d.partition, Reason: d.reason, Video: d.video, Identity: d.identity,
		Line: lineText(d.line), FirstFrame: d.first, EndFrame: d.end}
	if d.fault {
		row.Status = StatusUnreadable
	}
	return row
}

func lineText(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprint(line)
}

// less orders rows: clips by side and name, then what was dropped, by video.
func (a *Row) less(b *Row) bool {
	switch {
	case a.Status != b.Status:
		return a.Status < b.Status
	case a.Partition != b.Partition && a.Status == StatusClip:
		return a.Partition > b.Partition // train first
	case a.Clip != b.Clip:
		return a.Clip < b.Clip
	case a.Video != b.Video:
		return a.Video < b.Video
	case a.Line != b.Line:
		return len(a.Line) < len(b.Line) || len(a.Line) == len(b.Line) && a.Line < b.Line
	case a.FirstFrame != b.FirstFrame:
		return a.FirstFrame < b.FirstFrame
	}
	return a.Reason < b.Reason
}

//go:embed report.html
var reportHTML string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"size": Size,
}).Parse(reportHTML))

// write writes report.csv and report.html into the folder of the data set.
func (r *Report) write(w *writer) error {
	err := durable.WriteOn(w.o.Files, w.path(tableName), func(out io.Writer) error { return gocsv.Marshal(r.Rows, out) })
	if err != nil {
		return err
	}
	return durable.WriteOn(w.o.Files, w.path(reportName), func(out io.Writer) error { return reportTemplate.Execute(out, r) })
}

// Clips returns the rows of one status.
func (r *Report) Clips(status string) []Row {
	var rows []Row
	for _, row := range r.Rows {
		if row.Status == status {
			rows = append(rows, row)
		}
	}
	return rows
}

// Size says a number of bytes as people do.
func Size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f kB", float64(n)/1e3)
}
