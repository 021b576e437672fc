package prepare

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

// cut is one line of a CSV file of cuts.
type cut struct {
	line                       int
	video, identity, partition string
	start, end                 moment
	name                       string      // of the clip, as the published lists have it; else empty
	box                        *[4]float64 // left, top, width, height
	ref                        reference
}

// reference is the film that numbers of a line mean, where it differs from the
// one that the user has: zero where they mean the latter.
type reference struct{ fps, w, h float64 }

// moment is a point in time.
type moment struct {
	value float64
	unit  TimeUnit
	open  bool // not given: the beginning or the end
}

// mistake is a line that cannot be used.
type mistake struct {
	line   int
	video  string
	reason string
}

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

// readCuts reads a file of cuts. Lines with mistakes are returned apart;
// columns that are unknown or missing are an error. Columns may stand in any
// order, in any form of table that internal/sheet opens.
func readCuts(path string, unit TimeUnit) (cuts []cut, mistakes []mistake, err error) {
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
			mistakes = append(mistakes, mistake{line: r.Line(), reason: bad.Err.Error()})
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		c, err := t.row(fields)
		c.line = r.Line()
		if err != nil {
			mistakes = append(mistakes, mistake{r.Line(), c.video, err.Error()})
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
	unit      TimeUnit
	published bool
	columns   map[string]int
	number    int
}

func newTable(header []string, unit TimeUnit) (*table, error) {
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

func (t *table) row(fields []string) (cut, error) {
	get := func(name string) string {
		if i, ok := t.columns[name]; ok && i < len(fields) {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	var c cut
	if c.video = get("video"); t.published {
		c.video = get("video_id")
	}
	const longest = 4096
	switch {
	case len(fields) != t.number:
		return c, fmt.Errorf("has %d fields, the first line names %d columns", len(fields), t.number)
	case c.video == "":
		return c, errors.New("names no video")
	case len(c.video) > longest || len(get("identity"))+len(get("person_id")) > longest:
		return c, fmt.Errorf("has a name of more than %d bytes", longest)
	}
	if c.partition = get("partition"); c.partition != "" && c.partition != train && c.partition != test {
		return c, fmt.Errorf("partition is %q: it is train, test or empty", c.partition)
	}
	if t.published {
		return t.publishedRow(c, get)
	}
	c.identity = get("identity")
	var err error
	if c.start, err = parseMoment(get("start"), t.unit); err != nil {
		return c, fmt.Errorf("start: %w", err)
	}
	if c.end, err = parseMoment(get("end"), t.unit); err != nil {
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
		if c.box, err = parseBox(texts); err != nil {
			return c, err
		}
	default:
		return c, errors.New("a box needs left, top, width and height: give all four or none")
	}
	return c, c.ordered()
}

// publishedRow reads a line of the published lists.
func (t *table) publishedRow(c cut, get func(string) string) (cut, error) {
	// "VIDEO#PERSON" says in some of the lists what others have a column for.
	parts := strings.Split(c.video, "#")
	c.video = parts[0]
	if c.identity = get("person_id"); c.identity == "" && len(parts) > 1 {
		c.identity = parts[len(parts)-1]
	}
	var err error
	for _, n := range []struct {
		name string
		to   *float64
	}{{"fps", &c.ref.fps}, {"width", &c.ref.w}, {"height", &c.ref.h}} {
		if *n.to, err = positive(get(n.name)); err != nil {
			return c, fmt.Errorf("%s: %w", n.name, err)
		}
	}
	if c.start, err = parseMoment(get("start"), InFrames); err != nil {
		return c, fmt.Errorf("start: %w", err)
	}
	if c.end, err = parseMoment(get("end"), InFrames); err != nil {
		return c, fmt.Errorf("end: %w", err)
	}
	box, err := parseBox(strings.Split(get("bbox"), "-"))
	if err != nil {
		return c, fmt.Errorf("bbox is left-top-right-bottom: %w", err)
	}
	box[2], box[3] = box[2]-box[0], box[3]-box[1]
	c.box = box
	if box[2] <= 0 || box[3] <= 0 {
		return c, errors.New("bbox is left-top-right-bottom: right and bottom must be larger than left and top")
	}
	if !c.start.open && !c.end.open {
		c.name = publishedName(get("person_id"), parts, c.start, c.end)
	}
	return c, c.ordered()
}

// publishedName is what the scripts beside the published lists call a clip, and
// what published lists of pairs know it by.
func publishedName(person string, video []string, start, end moment) string {
	slices.Reverse(video)
	if person != "" {
		video = append([]string{person}, video...)
	}
	return fmt.Sprintf("%s#%06.0f#%06.0f", strings.Join(video, "#"), start.value, end.value)
}

func positive(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0 && v < 1e9) {
		return 0, fmt.Errorf("%q is no positive number", text)
	}
	return v, nil
}

// ordered reports an end that is not after the start.
func (c *cut) ordered() error {
	if !c.end.open && !c.start.open && c.end.unit == c.start.unit && c.end.value <= c.start.value {
		return fmt.Errorf("end %v is not after start %v", c.end.value, c.start.value)
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
func parseMoment(text string, unit TimeUnit) (moment, error) {
	m := moment{unit: unit}
	digits := text
	switch {
	case text == "":
		m.open = true
		return m, nil
	case strings.HasSuffix(text, "s"):
		m.unit, digits = InSeconds, strings.TrimSuffix(text, "s")
	case strings.HasSuffix(text, "f"):
		m.unit, digits = InFrames, strings.TrimSuffix(text, "f")
	case strings.Contains(text, ":"):
		m.unit = InSeconds
	}
	parts := strings.Split(digits, ":")
	if len(parts) > 3 || len(parts) > 1 && m.unit == InFrames {
		return m, fmt.Errorf("%q is no time: write frames (120), seconds (4.8s) or 1:02:03.5", text)
	}
	for _, p := range parts {
		v, err := strconv.ParseFloat(p, 64)
		if err != nil || !(v >= 0 && v < 1e9) {
			return m, fmt.Errorf("%q is no time: write frames (120), seconds (4.8s) or 1:02:03.5", text)
		}
		m.value = 60*m.value + v
	}
	if m.unit == InFrames && m.value != float64(int(m.value)) {
		return m, fmt.Errorf("%q is no number of a frame: with `times`=seconds plain numbers are seconds", text)
	}
	return m, nil
}
