// Package cutlist reads tables that say which stretches of which videos, and
// which part of the picture, are to be taken: those of one's own, and the lists
// that describe the face and Tai-Chi collections, as they are.
package cutlist

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/prioritycut/prioritycut/internal/nearest"
	"github.com/prioritycut/prioritycut/internal/sheet"
)

// Cut is one line of a CSV file of cuts.
type Cut struct {
	Line                       int    // of the file
	Video, Identity, Partition string // Partition is train, test or empty
	Start, End                 Moment
	Name                       string      // of the clip, as the published lists have it; else empty
	Box                        *[4]float64 // left, top, width, height, in pixels; nil without
	Ref                        Reference
}

// Reference is the film that numbers of a line mean, where it differs from the
// one that the user has: zero where they mean the latter.
type Reference struct{ FPS, W, H float64 }

// Moment is a point in time.
type Moment struct {
	Value float64
	Unit  Unit
	Open  bool // not given: the beginning or the end
}

// Mistake is a line that cannot be used.
type Mistake struct {
	Line   int
	Video  string
	Reason string
}

// Unit is what plain numbers of a time are.
type Unit string

// The units of time.
const (
	Frames  Unit = "frames"
	Seconds Unit = "seconds"
)

// The columns of a file of cuts, and those in which the published lists of the
// face and Tai-Chi collections name the same: a box left-top-right-bottom in a
// picture of width x height pixels, frames at fps a second.
var (
	cutColumns       = []string{"video", "identity", "start", "end", "left", "top", "width", "height", "partition"}
	publishedColumns = []string{"video_id", "start", "end", "bbox", "fps", "width", "height", "partition", "person_id"}
)

// Limits of a file of cuts.
const (
	maxCutsFile = 1 << 28
	maxCuts     = 1 << 21
)

// Read reads a file of cuts. Lines with mistakes are returned apart;
// columns that are unknown or missing are an error. Columns may stand in any
// order, in any form of table that internal/sheet opens.
func Read(path string, unit Unit) (cuts []Cut, mistakes []Mistake, err error) {
	in, err := sheet.Open(path, maxCutsFile)
	if err != nil {
		return nil, nil, fmt.Errorf("a table of cuts with the columns %s: %w", strings.Join(cutColumns, ","), err)
	}
	defer in.Close()
	in.Ragged = true // such a row is a mistake of its own
	t, err := newTable(in.Columns, unit)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	r := in.Rows()
	for {
		fields, err := r.Next()
		if err == io.EOF {
			return cuts, mistakes, nil
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			mistakes = append(mistakes, Mistake{Line: r.Line(), Reason: bad.Err.Error()})
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		c, err := t.row(fields)
		c.Line = r.Line()
		if err != nil {
			mistakes = append(mistakes, Mistake{r.Line(), c.Video, err.Error()})
		} else {
			cuts = append(cuts, c)
		}
		if len(cuts)+len(mistakes) > maxCuts {
			return nil, nil, fmt.Errorf("%s has more than %d lines: divide it", path, maxCuts)
		}
	}
}

// table reads lines by the names of their columns.
type table struct {
	unit      Unit
	published bool
	columns   map[string]int
	number    int
}

func newTable(header []string, unit Unit) (*table, error) {
	t := &table{unit: unit, columns: map[string]int{}, number: len(header)}
	known := cutColumns
	for _, name := range header {
		if name := strings.TrimSpace(name); name == "video_id" || name == "bbox" {
			t.published, known = true, publishedColumns
		}
	}
	for i, name := range header {
		name = strings.TrimSpace(name)
		if !slices.Contains(known, name) {
			if near := nearest.Word(name, known); near != "" {
				return nil, fmt.Errorf("unknown column %q; did you mean %s?", name, near)
			}
			return nil, fmt.Errorf("unknown column %q; the columns are %s", name, strings.Join(known, ","))
		}
		if _, twice := t.columns[name]; twice {
			return nil, fmt.Errorf("column %s stands there twice", name)
		}
		t.columns[name] = i
	}
	for _, name := range t.required() {
		if _, ok := t.columns[name]; !ok {
			return nil, fmt.Errorf("column %s is missing", name)
		}
	}
	return t, nil
}

func (t *table) required() []string {
	if t.published {
		return []string{"video_id", "start", "end", "bbox", "fps", "width", "height"}
	}
	return []string{"video"}
}

func (t *table) row(fields []string) (Cut, error) {
	get := func(name string) string {
		if i, ok := t.columns[name]; ok && i < len(fields) {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	var c Cut
	if c.Video = get("video"); t.published {
		c.Video = get("video_id")
	}
	const longest = 4096
	switch {
	case len(fields) != t.number:
		return c, fmt.Errorf("has %d fields, the first line names %d columns", len(fields), t.number)
	case c.Video == "":
		return c, errors.New("names no video")
	case len(c.Video) > longest || len(get("identity"))+len(get("person_id")) > longest:
		return c, fmt.Errorf("has a name of more than %d bytes", longest)
	}
	if c.Partition = get("partition"); c.Partition != "" && c.Partition != "train" && c.Partition != "test" {
		return c, fmt.Errorf("partition is %q: it is train, test or empty", c.Partition)
	}
	if t.published {
		return t.publishedRow(c, get)
	}
	c.Identity = get("identity")
	var err error
	if c.Start, err = parseMoment(get("start"), t.unit); err != nil {
		return c, fmt.Errorf("start: %w", err)
	}
	if c.End, err = parseMoment(get("end"), t.unit); err != nil {
		return c, fmt.Errorf("end: %w", err)
	}
	var texts []string
	for _, name := range []string{"left", "top", "width", "height"} {
		if text := get(name); text != "" {
			texts = append(texts, text)
		}
	}
	switch len(texts) {
	case 0:
	case 4:
		if c.Box, err = parseBox(texts); err != nil {
			return c, err
		}
	default:
		return c, errors.New("a box needs left, top, width and height: give all four or none")
	}
	return c, c.ordered()
}

// publishedRow reads a line of the published lists.
func (t *table) publishedRow(c Cut, get func(string) string) (Cut, error) {
	// "VIDEO#PERSON" says in some of the lists what others have a column for.
	parts := strings.Split(c.Video, "#")
	c.Video = parts[0]
	if c.Identity = get("person_id"); c.Identity == "" && len(parts) > 1 {
		c.Identity = parts[len(parts)-1]
	}
	var err error
	for _, n := range []struct {
		name string
		to   *float64
	}{{"fps", &c.Ref.FPS}, {"width", &c.Ref.W}, {"height", &c.Ref.H}} {
		if *n.to, err = positive(get(n.name)); err != nil {
			return c, fmt.Errorf("%s: %w", n.name, err)
		}
	}
	if c.Start, err = parseMoment(get("start"), Frames); err != nil {
		return c, fmt.Errorf("start: %w", err)
	}
	if c.End, err = parseMoment(get("end"), Frames); err != nil {
		return c, fmt.Errorf("end: %w", err)
	}
	box, err := parseBox(strings.Split(get("bbox"), "-"))
	if err != nil {
		return c, fmt.Errorf("bbox is left-top-right-bottom: %w", err)
	}
	box[2], box[3] = box[2]-box[0], box[3]-box[1]
	c.Box = box
	if box[2] <= 0 || box[3] <= 0 {
		return c, errors.New("bbox is left-top-right-bottom: right and bottom must be larger than left and top")
	}
	if !c.Start.Open && !c.End.Open {
		c.Name = publishedName(get("person_id"), parts, c.Start, c.End)
	}
	return c, c.ordered()
}

// publishedName is what the scripts beside the published lists call a clip, and
// what published lists of pairs know it by.
func publishedName(person string, video []string, start, end Moment) string {
	slices.Reverse(video)
	if person != "" {
		video = append([]string{person}, video...)
	}
	return fmt.Sprintf("%s#%06.0f#%06.0f", strings.Join(video, "#"), start.Value, end.Value)
}

func positive(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0 && v < 1e9) {
		return 0, fmt.Errorf("%q is no positive number", text)
	}
	return v, nil
}

// ordered reports an end that is not after the start.
func (c *Cut) ordered() error {
	if !c.End.Open && !c.Start.Open && c.End.Unit == c.Start.Unit && c.End.Value <= c.Start.Value {
		return fmt.Errorf("end %v is not after start %v", c.End.Value, c.Start.Value)
	}
	return nil
}

func parseBox(texts []string) (*[4]float64, error) {
	if len(texts) != 4 {
		return nil, fmt.Errorf("has %d numbers instead of 4", len(texts))
	}
	var box [4]float64
	for i, text := range texts {
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(v > -1e9 && v < 1e9) {
			return nil, fmt.Errorf("%q is no number of pixels", text)
		}
		box[i] = v
	}
	if box[2] <= 0 || box[3] <= 0 {
		return nil, errors.New("width and height of a box must be positive")
	}
	return &box, nil
}

// parseMoment reads 120 (in the unit given), 120f (frames), 4.8s, 1:02:03.5
// (seconds) or nothing.
func parseMoment(text string, unit Unit) (Moment, error) {
	m := Moment{Unit: unit}
	digits := text
	switch {
	case text == "":
		m.Open = true
		return m, nil
	case strings.HasSuffix(text, "s"):
		m.Unit, digits = Seconds, strings.TrimSuffix(text, "s")
	case strings.HasSuffix(text, "f"):
		m.Unit, digits = Frames, strings.TrimSuffix(text, "f")
	case strings.Contains(text, ":"):
		m.Unit = Seconds
	}
	parts := strings.Split(digits, ":")
	if len(parts) > 3 || len(parts) > 1 && m.Unit == Frames {
		return m, fmt.Errorf("%q is no time: write frames (120), seconds (4.8s) or 1:02:03.5", text)
	}
	for _, p := range parts {
		v, err := strconv.ParseFloat(p, 64)
		if err != nil || !(v >= 0 && v < 1e9) {
			return m, fmt.Errorf("%q is no time: write frames (120), seconds (4.8s) or 1:02:03.5", text)
		}
		m.Value = 60*m.Value + v
	}
	if m.Unit == Frames && m.Value != float64(int(m.Value)) {
		return m, fmt.Errorf("%q is no number of a frame: with `times`=seconds plain numbers are seconds", text)
	}
	return m, nil
}
