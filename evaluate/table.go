package evaluate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/sheet"
	"github.com/prioritycut/prioritycut/video"
)

// vectorTable is a CSV file that others made, with one row per frame:
//
//	video,frame,x0,y0,x1,y1,...   keypoints in pixels; -1 or empty: missing
//	video,frame,e0,e1,...         embeddings
//
// video is the test video's name, with or without its ending, or that of a file
// that somebody made of it. Frames count from 0. A frame without a row, or with nothing but empty fields,
// is one in which nothing was found. The file is read once to learn where each
// video's rows are; memory does not grow with it.
type vectorTable struct {
	path, digest string
	kind         vectorKind
	columns      int // values of a row
	in           *sheet.Sheet
	parts        map[string][]part
	rows         map[int][]float32 // of the current video
}

// part is a run of rows of one video.
type part struct{ from, to int64 }

// Limits of tables.
const (
	maxTableBytes = 16 << 30
	maxColumns    = 1 << 14
)

// openTable reads where the rows of the videos are. A table of none of the
// videos is refused.
func openTable(kind vectorKind, path string, videos []dataset.TestVideo) (_ *vectorTable, err error) {
	in, err := sheet.Open(path, maxTableBytes)
	if err != nil {
		return nil, err
	}
	t := &vectorTable{path: path, kind: kind, in: in, parts: map[string][]part{}}
	defer func() {
		if err != nil {
			in.Close()
		}
	}()
	if t.digest, err = fileDigest(path); err != nil {
		return nil, err
	}
	if err := t.index(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, v := range videos {
		if len(t.of(v.Name())) > 0 {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%s has rows of none of the %d test videos, such as %s", path, len(videos), videos[0].Name())
}

func fileDigest(path string) (string, error) {
	f, _, err := localfile.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return short(hex.EncodeToString(h.Sum(nil))), nil
}

// index reads the whole table once.
func (t *vectorTable) index() error {
	if err := t.header(t.in.Columns); err != nil {
		return err
	}
	rows, last := t.in.Rows(), ""
	for {
		from := rows.Offset()
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, _, err := t.row(row); err != nil {
			return fmt.Errorf("line %d: %w", rows.Line(), err)
		}
		parts := t.parts[row[0]]
		if n := len(parts); n > 0 && row[0] == last {
			parts[n-1].to = rows.Offset()
			continue
		}
		last = strings.Clone(row[0]) // the field keeps all of its line
		t.parts[last] = append(parts, part{from, rows.Offset()})
	}
}

func (t *vectorTable) header(head []string) error {
	t.columns = len(head) - 2
	if len(head) < 3 || head[0] != "video" || head[1] != "frame" || len(head) > maxColumns ||
		(t.kind == keypointVectors && t.columns%2 != 0) {
		want := "video,frame,x0,y0,x1,y1,..."
		if t.kind == embeddingVectors {
			want = "video,frame,e0,e1,..."
		}
		return fmt.Errorf("the header must be %s", want)
	}
	return nil
}

// row reads the values of a row; nil where nothing was found.
func (t *vectorTable) row(row []string) (frame int, vector []float32, err error) {
	if frame, err = strconv.Atoi(row[1]); err != nil || frame < 0 {
		return 0, nil, fmt.Errorf("%q is no number of a frame", row[1])
	}
	values := make([]float32, t.columns)
	blank := make([]bool, t.columns)
	blanks := 0
	for i, text := range row[2:] {
		if text == "" {
			blank[i] = true
			blanks++
			continue
		}
		v, err := strconv.ParseFloat(text, 32)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, nil, fmt.Errorf("%q is no number", text)
		}
		values[i] = float32(v)
	}
	if blanks == t.columns {
		return frame, nil, nil
	}
	if t.kind == embeddingVectors {
		if blanks > 0 {
			return 0, nil, errors.New("an embedding lacks values")
		}
		return frame, values, nil
	}
	vector = make([]float32, 0, t.columns/2*3)
	for i := 0; i < t.columns; i += 2 {
		x, y := values[i], values[i+1]
		found := float32(1)
		if blank[i] || blank[i+1] || (x == -1 && y == -1) {
			found = 0
		}
		vector = append(vector, x, y, found)
	}
	return frame, vector, nil
}

// of finds the rows of a test video, whose name may have another ending, as files
// of predictions have.
func (t *vectorTable) of(name string) []part {
	for _, n := range namesOfOthers(name) {
		if parts := t.parts[n]; len(parts) > 0 {
			return parts
		}
	}
	return nil
}

func (t *vectorTable) begin(ctx context.Context, v dataset.TestVideo) error {
	length, err := v.Len(ctx)
	if err != nil {
		return &readError{fmt.Errorf("video %s: %w", v.Name(), err)}
	}
	t.rows = map[int][]float32{}
	for _, p := range t.of(v.Name()) {
		rows := t.in.From(p.from, p.to)
		for {
			row, err := rows.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("%s, video %s: %w", t.path, v.Name(), err)
			}
			frame, vector, err := t.row(row)
			if err != nil {
				return fmt.Errorf("%s, video %s: %w", t.path, v.Name(), err)
			}
			if frame >= length {
				return fmt.Errorf("%s has a row of frame %d of video %s, whose last frame is %d: frames count from 0", t.path, frame, v.Name(), length-1)
			}
			if _, twice := t.rows[frame]; twice {
				return fmt.Errorf("%s has two rows of frame %d of video %s", t.path, frame, v.Name())
			}
			t.rows[frame] = vector
		}
	}
	return nil
}

func (t *vectorTable) vectors(first int, frames []*video.Frame) ([][]float32, error) {
	out := make([][]float32, len(frames))
	for i := range frames {
		out[i] = t.rows[first+i]
	}
	return out, nil
}

// String names the table and its content.
func (t *vectorTable) String() string { return baseName(t.path) + "@" + t.digest }

func (t *vectorTable) close() error { return t.in.Close() }
