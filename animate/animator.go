package animate

import (
	"errors"
	"fmt"
	"math"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// Options say how an Animator computes.
type Options struct {
	// Session says where.
	Session tf.SessionConfig
	// Batch is how many frames are computed at once, 0 for what suits the size
	// of the pictures. It decides memory and speed, not the result.
	Batch int
}

// maxBatch bounds Options.Batch.
const maxBatch = 1024

// Animator animates pictures. Its methods may be called from several goroutines.
type Animator struct {
	// Name says where the model comes from.
	Name string
	// Defaults are what the model was trained with: how pictures are fitted, and
	// how its configuration says that it is animated.
	Defaults Defaults

	engine engine
	h, w   int
	batch  int
}

// Defaults of a model.
type Defaults struct {
	Fit           video.Fit
	Normalization config.NormalizationParams
}

// engine computes the networks.
type engine interface {
	// encode computes what depends on the source picture alone.
	encode(source *video.Frame) (encoded, Keypoints, error)
	// keypoints finds the keypoints of pictures.
	keypoints(pictures []*video.Frame) (Keypoints, error)
	// decode moves a source to each of the keypoints and returns pictures
	// [N, H, W, 3] in [0, 1].
	decode(source encoded, kp Keypoints) ([]float32, error)
	Close() error
}

// encoded is an engine's form of a source picture.
type encoded interface{}

// Open opens a model for animation: a training run, a folder of checkpoints, a
// checkpoint, or a SavedModel (or the folder of its versions).
func Open(path string, o Options) (*Animator, error) {
	if _, err := tf.SavedModelDir(path); err == nil {
		return OpenSavedModel(path, o)
	}
	m, err := infer.Load(path)
	if err != nil {
		return nil, err
	}
	return New(m, o)
}

// New makes an Animator of a trained model.
func New(m *infer.Model, o Options) (*Animator, error) {
	h, w := m.Size()
	a := &Animator{Name: m.Dir, h: h, w: w, Defaults: Defaults{Fit: m.Config.Dataset.Fit, Normalization: m.Config.Animate.Normalization}}
	if err := a.setBatch(o.Batch); err != nil {
		return nil, err
	}
	var err error
	if a.engine, err = newNetwork(m, o.Session); err != nil {
		return nil, fmt.Errorf("model %s: %w", m.Dir, err)
	}
	return a, nil
}

// setBatch sets how many frames are computed at once: few enough for pictures of
// 256x256 pixels, more for small ones.
func (a *Animator) setBatch(n int) error {
	if n < 0 || n > maxBatch {
		return fmt.Errorf("%d frames at once: 1 to %d are possible, 0 lets the program choose", n, maxBatch)
	}
	const pixels = 4 * 256 * 256
	if a.batch = n; n == 0 {
		a.batch = min(max(pixels/(a.h*a.w), 1), 32)
	}
	return nil
}

// Size is the height and width of the pictures that the model takes and makes.
func (a *Animator) Size() (h, w int) { return a.h, a.w }

// Close releases the networks.
func (a *Animator) Close() error { return a.engine.Close() }

// Keypoints finds the keypoints of pictures, which are fitted to the model's
// size first.
func (a *Animator) Keypoints(fit video.Fit, pictures ...*video.Frame) (Keypoints, error) {
	if len(pictures) == 0 {
		return Keypoints{}, errors.New("keypoints: there is no picture")
	}
	if fit == "" {
		fit = a.Defaults.Fit
	}
	fitted := make([]*video.Frame, len(pictures))
	for i, p := range pictures {
		var err error
		if fitted[i], err = fit.Apply(p, a.w, a.h); err != nil {
			return Keypoints{}, err
		}
	}
	return a.engine.keypoints(fitted)
}

// frames turns values in [0, 1] into pictures, rounding to the nearest level.
func (a *Animator) frames(values []float32) ([]*video.Frame, error) {
	size := 3 * a.h * a.w
	frames := make([]*video.Frame, len(values)/size)
	for i := range frames {
		frames[i] = video.NewFrame(a.w, a.h)
		for j, v := range values[i*size : (i+1)*size] {
			if math.IsNaN(float64(v)) {
				return nil, errors.New("the model computes pixels that are no numbers: its weights are damaged or diverged in training")
			}
			frames[i].Pix[j] = byte(min(max(v, 0), 1)*255 + 0.5)
		}
	}
	return frames, nil
}
