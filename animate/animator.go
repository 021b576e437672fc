package animate

import (
	"errors"
	"math"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/video"
)

// Animator animates pictures. Its methods may be called from several goroutines.
type Animator struct{ engine *infer.Engine }

// Open opens a model for animation: a training run, a folder of checkpoints, a
// checkpoint, or a SavedModel (or the folder of its versions).
func Open(path string, o infer.Options) (*Animator, error) {
	e, err := infer.Open(path, o)
	if err != nil {
		return nil, err
	}
	a, err := New(e)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return a, nil
}

// New makes an Animator of a model, whose signatures must be able to animate.
func New(e *infer.Engine) (*Animator, error) {
	if err := e.Animates(); err != nil {
		return nil, err
	}
	return &Animator{e}, nil
}

// Engine is the model.
func (a *Animator) Engine() *infer.Engine { return a.engine }

// Motion is how the model's configuration says that it is animated. A model
// without keypoints moves absolutely.
func (a *Animator) Motion() Motion {
	n := a.engine.Normalization
	m := Motion{Absolute: !n.UseRelativeMovement || !a.engine.HasKeypoints(), DrivingJacobian: !n.UseRelativeJacobian}
	m.AdaptScale = n.AdaptMovementScale && !m.Absolute
	if c := a.engine.Config; c != nil && c.MonkeyNet != nil {
		m.AdaptVariance, m.ClipMean = c.MonkeyNet.AdaptVariance, c.MonkeyNet.ClipMean
	}
	return m
}

// Size is the height and width of the pictures that the model takes and makes.
func (a *Animator) Size() (h, w int) { return a.engine.Size() }

// Close releases the networks.
func (a *Animator) Close() error { return a.engine.Close() }

// Keypoints finds the keypoints of pictures, which are fitted to the model's
// size first.
func (a *Animator) Keypoints(fit video.Fit, pictures ...*video.Frame) (infer.Keypoints, error) {
	if len(pictures) == 0 {
		return infer.Keypoints{}, errors.New("keypoints: there is no picture")
	}
	if fit == "" {
		fit = a.engine.Fit
	}
	h, w := a.Size()
	fitted := make([]*video.Frame, len(pictures))
	for i, p := range pictures {
		var err error
		if fitted[i], err = fit.Apply(p, w, h); err != nil {
			return infer.Keypoints{}, err
		}
	}
	pose, err := a.engine.Poses(fitted...)
	if err != nil {
		return infer.Keypoints{}, err
	}
	return keypointsOf(pose)
}

func keypointsOf(pose infer.Pose) (infer.Keypoints, error) {
	kp, ok := pose.Keypoints()
	if !ok {
		return kp, errors.New("the model has no keypoints")
	}
	return kp, nil
}

// frames turns values in [0, 1] into pictures, rounding to the nearest level.
func frames(values []float32, h, w int) ([]*video.Frame, error) {
	size := 3 * h * w
	frames := make([]*video.Frame, len(values)/size)
	for i := range frames {
		frames[i] = video.NewFrame(w, h)
		for j, v := range values[i*size : (i+1)*size] {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				return nil, errors.New("the model computes pixels that are no numbers: its weights are damaged or diverged in training")
			}
			frames[i].Pix[j] = byte(min(max(v, 0), 1)*255 + 0.5)
		}
	}
	return frames, nil
}
