package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// modelSubject runs a trained or an exported model.
type modelSubject struct {
	path   string
	engine *infer.Engine
	p      dataset.Params
	want   []string // outputs of each reconstruction
	tell   func(*result.Run)
	source *infer.Encoded
}

// openCheckpoint opens a trained model.
func openCheckpoint(q *Request) (_ *modelSubject, device string, err error) {
	m, err := infer.Load(q.Checkpoint)
	if err != nil {
		return nil, "", &RequestError{err}
	}
	// Threads and determinism of the training are not the model's: several
	// models may be evaluated in one process, which has one pool.
	if device = q.Device; device == "" {
		device = m.Config.Run.Device
	}
	e, err := infer.New(m, infer.Options{Session: tf.SessionConfig{Device: device, MemoryGrowth: true}})
	if err != nil {
		return nil, "", err
	}
	s := &modelSubject{path: q.Checkpoint, engine: e, p: m.Config.Dataset}
	s.tell = func(r *result.Run) {
		r.Kind, r.Weights = result.Checkpoint, m.Digest()
		r.Variant, r.Preset, r.Step, r.Seed = m.Meta.Variant, m.Meta.Preset, m.Meta.Step, m.Meta.Seed
		r.ConfigHash, r.Fit, r.AlignCorners = m.Meta.ConfigHash, m.Meta.Fit, strconv.FormatBool(m.Meta.AlignCorners)
	}
	if err := s.wants(q); err != nil {
		return nil, "", errors.Join(refuse("checkpoint %s: %w", q.Checkpoint, err), e.Close())
	}
	return s, device, nil
}

// openSavedModel opens an exported model and checks that it can reconstruct. The
// request's sizes count where the model leaves them open.
func openSavedModel(q *Request, session tf.SessionConfig) (*modelSubject, error) {
	var e *infer.Engine
	digest, err := openedDigest(q.SavedModel, func() (err error) {
		e, err = infer.OpenSavedModel(q.SavedModel, infer.Options{Session: session, Height: q.Height, Width: q.Width})
		return err
	})
	if err != nil {
		if e != nil {
			err = errors.Join(err, e.Close())
		}
		return nil, refuse("`saved_model`: %w", err)
	}
	s := &modelSubject{path: q.SavedModel, engine: e, p: dataset.DefaultParams()}
	s.tell = func(r *result.Run) { s.tellExported(r, digest) }
	if err := s.check(q); err != nil {
		return nil, errors.Join(refuse("SavedModel %s: %w", q.SavedModel, err), e.Close())
	}
	return s, nil
}

func (s *modelSubject) check(q *Request) error {
	switch c := s.engine.Config; {
	case c != nil && q.IDSampling:
		return errors.New("`id_sampling` says nothing to it: its configuration says how data are split")
	case c != nil:
		s.p = c.Dataset
	case q.Data == "":
		return errors.New("it does not tell what it was trained on: give `data`")
	default:
		s.p.IDSampling = q.IDSampling
	}
	if err := s.wants(q); err != nil {
		return err
	}
	s.p.FrameShape[0], s.p.FrameShape[1] = s.engine.Size()
	return nil
}

// wants says what is asked of the model for each frame.
func (s *modelSubject) wants(q *Request) error {
	s.want = []string{infer.Prediction}
	if err := s.engine.Reconstructs(s.want...); err != nil {
		return err
	}
	if q.Masks != FromModel {
		return nil
	}
	s.want = append(s.want, infer.Background)
	if err := s.engine.Reconstructs(s.want...); err != nil {
		return fmt.Errorf("%w, which `masks`=model takes: give a folder of masks, or `masks`=none", err)
	}
	return nil
}

func (s *modelSubject) describe(r *result.Run) {
	r.From = s.path
	r.Height, r.Width, r.Fit = s.p.FrameShape[0], s.p.FrameShape[1], string(s.p.Fit)
	s.tell(r)
}

func (s *modelSubject) tellExported(r *result.Run, digest string) {
	r.Kind, r.Weights = result.SavedModel, digest
	if c := s.engine.Config; c != nil {
		r.Variant, r.Preset, r.Seed, r.ConfigHash = string(c.Variant), c.Preset, c.Seed, c.Hash()
		r.AlignCorners = strconv.FormatBool(c.Model.AlignCorners)
		if n := s.engine.Notes; n != nil && n.Digest != "" {
			r.Step, r.Weights = n.Step, n.Digest
		}
	}
}

func (s *modelSubject) params() dataset.Params { return s.p }

func (s *modelSubject) expect([]dataset.TestVideo, int) (string, error) { return "", nil }

func (s *modelSubject) batch() int { return s.engine.Batch() }

func (s *modelSubject) begin(_ context.Context, _ dataset.TestVideo, source *video.Frame) (err error) {
	s.source, err = s.engine.Encode(source)
	return err
}

func (s *modelSubject) predict(_ context.Context, first int, driving []*video.Frame) ([]guess, error) {
	made, err := s.engine.Reconstruct(s.source, driving, s.want...)
	if err != nil {
		return nil, err
	}
	h, w := s.engine.Size()
	return guesses(first, made[infer.Prediction], made[infer.Background], len(driving), h, w)
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

func (s *modelSubject) end() error { return nil }

func (s *modelSubject) close() error { return s.engine.Close() }

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
