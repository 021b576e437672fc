package evaluate

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// checkpointSubject runs a trained model.
type checkpointSubject struct {
	path, device  string
	model         *infer.Model
	reconstructor *Reconstructor
	session       *tf.Session
	source        encodedSource
}

// openCheckpoint builds the model's inference and gives it its weights.
func openCheckpoint(path, device string) (_ *checkpointSubject, err error) {
	c := &checkpointSubject{path: path}
	if c.model, err = infer.Load(path); err != nil {
		return nil, &RequestError{err}
	}
	s := graph.New(tensorflow.Float)
	animator := fomm.NewAnimator(s, c.model.Config.Model)
	h, w := c.model.Size()
	if c.reconstructor, err = NewReconstructor(s, animator, h, w); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	// Threads and determinism of the training are not the model's: several
	// models may be evaluated in one process, which has one pool.
	if c.device = device; device == "" {
		c.device = c.model.Config.Run.Device
	}
	if c.session, err = tf.NewSession(s.Graph(), tf.SessionConfig{Device: c.device, MemoryGrowth: true}); err != nil {
		return nil, err
	}
	if err := c.model.Assign(c.session, s); err != nil {
		c.session.Close()
		return nil, err
	}
	return c, nil
}

func (c *checkpointSubject) describe(r *result.Run) {
	m := c.model
	r.Kind, r.From = result.Checkpoint, c.path
	r.Variant, r.Preset, r.Step, r.Seed = m.Meta.Variant, m.Meta.Preset, m.Meta.Step, m.Meta.Seed
	r.ConfigHash, r.Weights = m.Meta.ConfigHash, m.Digest()
	r.Height, r.Width = m.Size()
	r.Fit, r.AlignCorners = m.Meta.Fit, strconv.FormatBool(m.Meta.AlignCorners)
}

func (c *checkpointSubject) params() dataset.Params { return c.model.Config.Dataset }

func (c *checkpointSubject) expect([]dataset.TestVideo, int) (string, error) { return "", nil }

func (c *checkpointSubject) batch() int { return batchOf(c.model.Size()) }

func (c *checkpointSubject) begin(_ context.Context, _ dataset.TestVideo, source *video.Frame) (err error) {
	c.source, err = c.reconstructor.encode(c.session, source)
	return err
}

func (c *checkpointSubject) predict(_ context.Context, first int, driving []*video.Frame) ([]guess, error) {
	pix, backgrounds, err := c.reconstructor.decode(c.session, c.source, driving)
	if err != nil {
		return nil, err
	}
	h, w := c.model.Size()
	return guesses(first, pix, backgrounds, len(driving), h, w)
}

// guesses cuts predictions [N, H, W, 3] and backgrounds [N, H, W] (nil where
// not known) into frames, those from index first on. Predictions that are no
// numbers are an error: in 8 bits they would pass for black.
func guesses(first int, pix, backgrounds []float32, n, h, w int) ([]guess, error) {
	if len(pix) != n*h*w*3 || (backgrounds != nil && len(backgrounds) != n*h*w) {
		return nil, fmt.Errorf("the model gave %d and %d values for %d frames of %dx%d pixels", len(pix), len(backgrounds), n, w, h)
	}
	for i, v := range pix {
		if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("frame %d: the model predicts values that are no numbers; its weights are damaged or its training diverged: take an earlier checkpoint", first+i/(h*w*3))
		}
	}
	out := make([]guess, n)
	for i := range out {
		out[i].pix = pix[i*h*w*3 : (i+1)*h*w*3]
		out[i].frame = truncated(out[i].pix, h, w)
		if backgrounds != nil {
			out[i].background = backgrounds[i*h*w : (i+1)*h*w]
		}
	}
	return out, nil
}

func (c *checkpointSubject) end() error { return nil }

func (c *checkpointSubject) close() error { return c.session.Close() }

// NameOf names what a path holds: the run's folder, and the checkpoint's if the
// path names one.
func NameOf(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	above, base := filepath.Split(filepath.Clean(path))
	above = filepath.Clean(above)
	run := filepath.Base(filepath.Dir(above))
	switch {
	case base == "checkpoints":
		return filepath.Base(above)
	case filepath.Base(above) == "checkpoints":
		return run + "-" + base
	}
	return strings.TrimSuffix(base, filepath.Ext(base))
}
