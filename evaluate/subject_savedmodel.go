package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"go.yaml.in/yaml/v3"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// absoluteSignature predicts a driving frame from the source, without relative
// motion: source and driving float32 [N, H, W, 3] in [0, 1] -> prediction
// likewise, background [N, H, W, 1] if the model tells it.
const absoluteSignature = "absolute"

// savedModelSubject runs an exported model.
type savedModelSubject struct {
	path, digest string
	model        *tf.SavedModel
	config       *config.Config // nil where the model does not tell
	notes        exportNotes
	p            dataset.Params
	background   bool // the absolute signature's background is wanted
	source       *video.Frame
	// once says that the source is encoded once for all frames of a video;
	// encoded is what came out.
	once    bool
	encoded map[string]*tensorflow.Tensor
}

// openSavedModel checks that a model can reconstruct. The request's sizes count
// where the model leaves them open.
func openSavedModel(q *Request, session tf.SessionConfig) (_ *savedModelSubject, err error) {
	m := &savedModelSubject{path: q.SavedModel, p: dataset.DefaultParams()}
	if m.digest, err = modelDigest(q.SavedModel); err != nil {
		return nil, refuse("--saved_model: %w", err)
	}
	if m.model, err = tf.OpenSavedModel(q.SavedModel, session); err != nil {
		return nil, &RequestError{err}
	}
	if err := m.check(q); err != nil {
		m.model.Close()
		return nil, refuse("SavedModel %s: %w", q.SavedModel, err)
	}
	return m, nil
}

func (m *savedModelSubject) check(q *Request) error {
	text, err := m.model.Extra(config.FileName)
	switch {
	case err == nil && q.IDSampling:
		return errors.New("--id_sampling says nothing to it: its configuration says how data are split")
	case err == nil:
		if m.config, err = config.Unmarshal(text, config.FileName); err != nil {
			return err
		}
		m.p = m.config.Dataset
		if m.notes, err = readNotes(m.model); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case q.Data == "":
		return errors.New("it does not tell what it was trained on: give --data")
	default:
		m.p.IDSampling = q.IDSampling
	}
	s, ok := m.model.Signatures()[absoluteSignature]
	if !ok {
		return fmt.Errorf("it has no signature %q (source, driving -> prediction): export the model with this program", absoluteSignature)
	}
	for _, name := range []string{"source", "driving"} {
		spec, ok := s.Inputs[name]
		if !ok || len(s.Inputs) != 2 || !isPictures(spec) {
			return fmt.Errorf("its signature %q must take source and driving, float32 [N, H, W, 3]", absoluteSignature)
		}
		for i, to := range []*int{&m.p.FrameShape[0], &m.p.FrameShape[1]} {
			asked := []int{q.Height, q.Width}[i]
			switch fixed := int(spec.Shape[i+1]); {
			case fixed > 0 && asked > 0 && asked != fixed:
				return fmt.Errorf("it takes pictures of %dx%d pixels, not %dx%d", spec.Shape[2], spec.Shape[1], q.Width, q.Height)
			case fixed > 0:
				*to = fixed
			case asked > 0:
				*to = asked
			}
		}
	}
	if spec, ok := s.Outputs["prediction"]; !ok || spec.DType != tensorflow.Float {
		return fmt.Errorf("its signature %q must give a float32 prediction", absoluteSignature)
	}
	if m.background = q.Masks == FromModel; m.background && !m.isBackground(s.Outputs["background"]) {
		return fmt.Errorf("its signature %q gives no background, float32 [N, H, W, 1] of the pictures' size, which --masks=model takes: give a folder of masks, or --masks=none", absoluteSignature)
	}
	m.once = !m.background && m.notes.Digest != "" && encodesOnce(m.model.Signatures())
	return nil
}

// isBackground reports whether an output is a map of the pictures' size.
func (m *savedModelSubject) isBackground(s tf.TensorSpec) bool {
	if s.DType != tensorflow.Float || len(s.Shape) != 4 {
		return false
	}
	for i, n := range []int{m.p.FrameShape[0], m.p.FrameShape[1], 1} {
		if size := s.Shape[i+1]; size >= 0 && size != int64(n) {
			return false
		}
	}
	return true
}

// exportNotes are what counts here of the notes that an export leaves beside
// the model.
type exportNotes struct {
	Step   int64  `yaml:"step"`
	Digest string `yaml:"digest"`
}

// readNotes reads them; a model without them has none.
func readNotes(m *tf.SavedModel) (n exportNotes, err error) {
	const file = "prioritycut.yaml"
	text, err := m.Extra(file)
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	if err := yaml.Unmarshal(text, &n); err != nil {
		return n, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}

// isPictures reports whether a tensor is float32 [N, H, W, 3] with open N.
func isPictures(s tf.TensorSpec) bool {
	return s.DType == tensorflow.Float && len(s.Shape) == 4 && s.Shape[0] < 0 && s.Shape[3] == 3
}

func (m *savedModelSubject) describe(r *result.Run) {
	r.Kind, r.From, r.Weights = result.SavedModel, m.path, m.digest
	r.Height, r.Width, r.Fit = m.p.FrameShape[0], m.p.FrameShape[1], string(m.p.Fit)
	if c := m.config; c != nil {
		r.Variant, r.Preset, r.Seed, r.ConfigHash = string(c.Variant), c.Preset, c.Seed, c.Hash()
		r.Step = m.notes.Step
		if m.notes.Digest != "" {
			r.Weights = m.notes.Digest
		}
		r.AlignCorners = strconv.FormatBool(c.Model.AlignCorners)
	}
}

func (m *savedModelSubject) params() dataset.Params { return m.p }

func (m *savedModelSubject) expect([]dataset.TestVideo, int) (string, error) { return "", nil }

func (m *savedModelSubject) batch() int { return batchOf(m.p.FrameShape[0], m.p.FrameShape[1]) }

func (m *savedModelSubject) begin(_ context.Context, _ dataset.TestVideo, source *video.Frame) error {
	if m.source = source; m.once {
		return m.encode()
	}
	return nil
}

func (m *savedModelSubject) predict(_ context.Context, first int, driving []*video.Frame) ([]guess, error) {
	pictures, err := floatPictures(driving)
	if err != nil {
		return nil, err
	}
	predict := m.absolute
	if m.once {
		predict = m.animate
	}
	out, err := predict(pictures, len(driving))
	if err != nil {
		return nil, err
	}
	pix, err := tf.Values[float32](out["prediction"])
	if err != nil {
		return nil, err
	}
	var backgrounds []float32
	if m.background {
		if backgrounds, err = tf.Values[float32](out["background"]); err != nil {
			return nil, err
		}
	}
	return guesses(first, pix, backgrounds, len(driving), m.p.FrameShape[0], m.p.FrameShape[1])
}

// absolute predicts n frames from n copies of the source.
func (m *savedModelSubject) absolute(driving *tensorflow.Tensor, n int) (map[string]*tensorflow.Tensor, error) {
	sources := make([]*video.Frame, n)
	for i := range sources {
		sources[i] = m.source
	}
	source, err := floatPictures(sources)
	if err != nil {
		return nil, err
	}
	wanted := []string{"prediction"}
	if m.background {
		wanted = append(wanted, "background")
	}
	return m.model.CallFor(absoluteSignature, map[string]*tensorflow.Tensor{"source": source, "driving": driving}, wanted...)
}

func (m *savedModelSubject) end() error { return nil }

func (m *savedModelSubject) close() error { return m.model.Close() }

// floatPictures is frames of one size as float32 [N, H, W, 3] in [0, 1].
func floatPictures(frames []*video.Frame) (*tensorflow.Tensor, error) {
	if len(frames) == 0 {
		return nil, errors.New("no frames")
	}
	h, w := frames[0].H, frames[0].W
	flat := make([]float32, 0, len(frames)*h*w*3)
	for _, f := range frames {
		if f.W != w || f.H != h {
			return nil, fmt.Errorf("frames of %dx%d and %dx%d pixels", w, h, f.W, f.H)
		}
		for _, p := range f.Pix {
			flat = append(flat, float32(p)/255)
		}
	}
	return tf.NewTensor(flat, int64(len(frames)), int64(h), int64(w), 3)
}
