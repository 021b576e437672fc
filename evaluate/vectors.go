package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// vectorSource tells what was found in frames, as one vector per frame: its
// keypoints (x, y, confidence each) or its embedding. A frame in which nothing
// was found has nil.
type vectorSource interface {
	// begin starts a video.
	begin(ctx context.Context, v dataset.TestVideo) error
	// vectors are those of the frames from index first on. Frames that are nil
	// do not exist.
	vectors(first int, frames []*video.Frame) ([][]float32, error)
	close() error
}

// vectorKind is what vectors hold.
type vectorKind int

const (
	keypointVectors vectorKind = iota
	embeddingVectors
	// maskVectors are one number per pixel.
	maskVectors
)

// vectorPair are the sources for real and generated frames; nil where nothing
// is measured. The words say where they come from.
type vectorPair struct {
	real, generated         vectorSource
	fromReal, fromGenerated string
	// input identifies the table of generated frames.
	input string
}

// The tables in a folder of keypoints or embeddings.
const (
	realTable      = "real.csv"
	generatedTable = "generated.csv"
)

// openVectors opens what a pair of flags names: tables (a folder with real.csv
// and generated.csv, the table of the real frames alone, or the word truth) and
// a model that finds what the tables lack.
func openVectors(kind vectorKind, tables, model string, videos []dataset.TestVideo, session tf.SessionConfig) (_ *vectorPair, err error) {
	p := &vectorPair{fromReal: FromNowhere, fromGenerated: FromNowhere}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	flag := kind.flag()
	if err := p.openTables(kind, tables, videos); err != nil {
		return nil, err
	}
	if model != "" && (p.real == nil || p.generated == nil) {
		d, err := openDetector(kind, model, session)
		if err != nil {
			return nil, &RequestError{err}
		}
		if p.real == nil {
			p.real, p.fromReal = d, d.String()
		}
		if p.generated == nil {
			p.generated, p.fromGenerated = d, d.String()
		}
	}
	switch {
	case p.real == nil && p.generated == nil:
		return p, nil
	case p.generated == nil:
		return nil, refuse("`%s`=%s tells about the real frames alone: give %s for the generated ones in the same folder as real.csv, or `%s`",
			flag, tables, generatedTable, kind.modelFlag())
	case p.real == nil:
		return nil, refuse("`%s`=%s lacks %s, for the real frames; add it, or give `%s`", flag, tables, realTable, kind.modelFlag())
	}
	return p, nil
}

func (k vectorKind) flag() string {
	if k == keypointVectors {
		return "keypoints"
	}
	return "embeddings"
}

// String says what is found.
func (k vectorKind) String() string {
	return [...]string{keypointVectors: "keypoints", embeddingVectors: "embeddings", maskVectors: "masks"}[k]
}

func (k vectorKind) modelFlag() string {
	switch k {
	case keypointVectors:
		return "keypoint_model"
	case maskVectors:
		return "mask_model"
	}
	return "embedding_model"
}

// openTables opens the tables that a path names, if any.
func (p *vectorPair) openTables(kind vectorKind, path string, videos []dataset.TestVideo) error {
	if path == "" || path == FromNowhere {
		return nil
	}
	if path == FromTruth {
		if kind != keypointVectors {
			return refuse("`embeddings`=truth: there is no drawn truth about embeddings")
		}
		if len(videos) == 0 || videos[0].Drawn() == nil {
			return refuse("`keypoints`=truth: only the drawn data set knows its joints; give a table, or `keypoint_model`")
		}
		p.real, p.fromReal = &drawnJoints{}, FromTruth
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return refuse("`%s`: %w", kind.flag(), err)
	}
	if !info.IsDir() {
		t, err := openTable(kind, path, videos)
		if err != nil {
			return &RequestError{err}
		}
		p.real, p.fromReal = t, t.String()
		return nil
	}
	found := false
	for _, name := range []string{realTable, generatedTable} {
		t, err := openTable(kind, filepath.Join(path, name), videos)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return &RequestError{err}
		}
		found = true
		if name == realTable {
			p.real, p.fromReal = t, t.String()
		} else {
			p.generated, p.fromGenerated, p.input = t, "table", t.String()
		}
	}
	if !found {
		return refuse("`%s`=%s holds neither %s nor %s", kind.flag(), path, realTable, generatedTable)
	}
	return nil
}

// begin starts a video.
func (p *vectorPair) begin(ctx context.Context, v dataset.TestVideo) error {
	if p.real == nil {
		return nil
	}
	if err := p.real.begin(ctx, v); err != nil {
		return err
	}
	return p.generated.begin(ctx, v)
}

// of returns what is known about frames and their predictions; nil, nil where
// nothing is measured.
func (p *vectorPair) of(first int, frames []*video.Frame, made []guess) (real, generated [][]float32, err error) {
	if p.real == nil {
		return nil, nil, nil
	}
	predicted := make([]*video.Frame, len(made))
	for i, g := range made {
		predicted[i] = g.frame
	}
	if d, ok := p.real.(*detector); ok && d.regional && p.generated == p.real {
		return d.pair(frames, predicted)
	}
	if real, err = p.real.vectors(first, frames); err != nil {
		return nil, nil, err
	}
	generated, err = p.generated.vectors(first, predicted)
	return real, generated, err
}

func (p *vectorPair) close() {
	for _, s := range []vectorSource{p.real, p.generated} {
		if s != nil {
			s.close()
		}
	}
}

// leastConfidence of a keypoint that counts as found.
const leastConfidence = 0.5

// points turns a vector of (x, y, confidence) into keypoints; nil are n missing
// ones.
func points(vector []float32, n int) []metric.Point {
	out := make([]metric.Point, n)
	for i := range out {
		if vector == nil || vector[3*i+2] < leastConfidence {
			out[i].Missing = true
			continue
		}
		out[i].X, out[i].Y = float64(vector[3*i]), float64(vector[3*i+1])
	}
	return out
}

// drawnJoints are the true joints of drawn frames.
type drawnJoints struct{ truth truthful }

func (d *drawnJoints) begin(_ context.Context, v dataset.TestVideo) error {
	truth, ok := v.Drawn().(truthful)
	if !ok {
		return fmt.Errorf("video %s is not drawn", v.Name())
	}
	d.truth = truth
	return nil
}

func (d *drawnJoints) vectors(first int, frames []*video.Frame) ([][]float32, error) {
	out := make([][]float32, len(frames))
	for i := range frames {
		truth, err := d.truth.Truth(first + i)
		if err != nil {
			return nil, err
		}
		vector := make([]float32, 0, 3*shapes.NumJoints)
		for _, j := range truth.Joints {
			seen := float32(0)
			if j.Visible {
				seen = 1
			}
			vector = append(vector, float32(j.X), float32(j.Y), seen)
		}
		out[i] = vector
	}
	return out, nil
}

func (d *drawnJoints) close() error { return nil }

// baseName is the last part of a path, for tables.
func baseName(path string) string { return strings.TrimSuffix(filepath.Base(path), "/") }
