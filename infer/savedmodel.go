package infer

import (
	"errors"
	"fmt"
	"io/fs"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

// exported runs a SavedModel.
type exported struct {
	*savedmodel.Model
	h, w int
	// shared says that SigFrame takes one source for any number of poses.
	shared bool

	frame       *frameCalls // nil where frameErr says why
	frameErr    error
	absolute    *absoluteCall // nil where absoluteErr says why
	absoluteErr error
}

// OpenSavedModel opens a SavedModel. How pictures are fitted and how its
// configuration says that it is animated are read from the configuration beside
// it; without one pictures are cropped and motion is relative. Signatures that
// cannot animate or reconstruct, such as another program's, are an error of
// Animates and Reconstructs. Its convolutions are computed by kernels of our own
// where they serve (tf.KernelsEnv).
func OpenSavedModel(path string, o Options) (*Engine, error) {
	o.Session.UseKernels = true
	m, err := savedmodel.Open(path, o.Session)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		Name: m.Dir, Fit: video.Crop,
		Normalization: config.NormalizationParams{UseRelativeMovement: true, UseRelativeJacobian: true},
	}
	if err := e.openExported(m, o); err != nil {
		return nil, errors.Join(fmt.Errorf("SavedModel %s: %w", m.Dir, err), m.Close())
	}
	return e, nil
}

func (e *Engine) openExported(m *savedmodel.Model, o Options) (err error) {
	if e.Notes, err = ReadNotes(m.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := m.Extra(config.FileName)
	switch {
	case err == nil:
		if e.Config, err = config.Unmarshal(text, config.FileName); err != nil {
			return err
		}
		e.Fit, e.Normalization = e.Config.Dataset.Fit, e.Config.Animate.Normalization
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	x := &exported{Model: m, shared: e.Notes != nil}
	e.runner = x
	if err := x.bind(m.Signatures(), o.Height, o.Width); err != nil {
		return err
	}
	if x.h == 0 || x.w == 0 {
		x.h, x.w = openSide, openSide
		if e.Config != nil {
			x.h, x.w = e.Config.Dataset.FrameShape[0], e.Config.Dataset.FrameShape[1]
		}
	}
	e.h, e.w = x.h, x.w
	e.batch, err = batchOr(o.Batch, e.h, e.w)
	return err
}

// openSide is the side of the pictures of a model that leaves it open and has no
// configuration: the reference's.
const openSide = 256

// bind finds out which tensor of the signatures is what. Pictures have the size
// h by w where the signatures leave it open and it is not 0.
func (x *exported) bind(signatures map[string]savedmodel.SignatureDef, h, w int) error {
	x.h, x.w = h, w
	var size pictureSize
	if x.frame, x.frameErr = bindFrame(signatures, &size); x.frameErr != nil {
		size = pictureSize{}
	}
	x.absolute, x.absoluteErr = bindAbsolute(signatures, &size)
	if size.h > 0 && h > 0 && size.h != h || size.w > 0 && w > 0 && size.w != w {
		return fmt.Errorf("it takes pictures of %dx%d pixels, not %dx%d", size.w, size.h, w, h)
	}
	if size.h > 0 {
		x.h = size.h
	}
	if size.w > 0 {
		x.w = size.w
	}
	return nil
}

// Animates implements runner.
func (x *exported) Animates() error {
	if x.frameErr != nil {
		return fmt.Errorf("SavedModel %s: %w; animation calls %s, %s and %s as bazel run //cmd:export writes them",
			x.Dir, x.frameErr, SigEncode, SigKeypoints, SigFrame)
	}
	return nil
}

// HasKeypoints implements runner.
func (x *exported) HasKeypoints() bool { return x.frame != nil && x.frame.found[Value] != "" }

// TakesSeveral implements runner.
func (x *exported) TakesSeveral() bool { return x.frame != nil && x.frame.several }

// Reconstructs implements runner.
func (x *exported) Reconstructs(want ...string) error {
	if x.absoluteErr != nil {
		return x.absoluteErr
	}
	return x.absolute.gives(want, x.h, x.w)
}

// Encode implements runner.
func (x *exported) Encode(sources ...*video.Frame) (*Encoded, error) {
	if x.frame == nil && len(sources) == 1 {
		return &Encoded{picture: sources[0]}, nil
	}
	if err := x.Animates(); err != nil {
		return nil, err
	}
	pictures, err := floatsOf(x.h, x.w, sources...)
	if err != nil {
		return nil, err
	}
	tensors, err := x.Call(SigEncode, map[string]*tensorflow.Tensor{x.frame.source: pictures})
	if err != nil {
		return nil, err
	}
	e := &Encoded{picture: sources[0]}
	if e.tensors, err = blend(tensors, len(sources)); err != nil {
		return nil, err
	}
	e.pose = named(e.tensors, x.frame.own)
	return e, nil
}

// Poses implements runner.
func (x *exported) Poses(pictures ...*video.Frame) (Pose, error) {
	if err := x.Animates(); err != nil {
		return Pose{}, err
	}
	tensors, err := x.poses(pictures)
	if err != nil {
		return Pose{}, err
	}
	return poseOf(len(pictures), tensors)
}

func (x *exported) poses(pictures []*video.Frame) (map[string]*tensorflow.Tensor, error) {
	batch, err := floatsOf(x.h, x.w, pictures...)
	if err != nil {
		return nil, err
	}
	out, err := x.Call(x.frame.pose, map[string]*tensorflow.Tensor{x.frame.picture: batch})
	if err != nil {
		return nil, err
	}
	return named(out, x.frame.found), nil
}

// named gives tensors the names of parts.
func named(tensors map[string]*tensorflow.Tensor, names map[string]string) map[string]*tensorflow.Tensor {
	parts := make(map[string]*tensorflow.Tensor, len(names))
	for part, name := range names {
		parts[part] = tensors[name]
	}
	return parts
}

// Decode implements runner.
func (x *exported) Decode(source *Encoded, pose Pose, want ...string) (Frames, error) {
	if err := x.Animates(); err != nil {
		return nil, err
	}
	tensors, err := pose.tensors()
	if err != nil {
		return nil, err
	}
	return x.decode(source, pose.N, tensors, want)
}

func (x *exported) decode(source *Encoded, n int, pose map[string]*tensorflow.Tensor, want []string) (Frames, error) {
	inputs := map[string]*tensorflow.Tensor{}
	for part, input := range x.frame.driving {
		inputs[input] = pose[part]
	}
	for _, name := range x.frame.kept {
		inputs[name] = source.tensors[name]
		if n > 1 && !x.shared {
			var err error
			if inputs[name], err = copies(source.tensors[name], n); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if len(want) == 0 {
		want = []string{Prediction}
	}
	out, err := x.CallFor(SigFrame, inputs, want...)
	if err != nil {
		return nil, err
	}
	return framesOf(out)
}

// Reconstruct implements runner. A model of ours is asked frame by frame from
// one encoded source; SigAbsolute does where more than the prediction is wanted,
// and of another program's model that is all that is understood.
func (x *exported) Reconstruct(source *Encoded, driving []*video.Frame, want ...string) (Frames, error) {
	if x.frame != nil && x.shared && (len(want) == 0 || len(want) == 1 && want[0] == Prediction) {
		pose, err := x.poses(driving)
		if err != nil {
			return nil, err
		}
		return x.decode(source, len(driving), pose, want)
	}
	if err := x.Reconstructs(want...); err != nil {
		return nil, err
	}
	sources := make([]*video.Frame, len(driving))
	for i := range sources {
		sources[i] = source.picture
	}
	inputs := map[string]*tensorflow.Tensor{}
	var err error
	if inputs[Source], err = floatsOf(x.h, x.w, sources...); err != nil {
		return nil, err
	}
	if inputs[Driving], err = floatsOf(x.h, x.w, driving...); err != nil {
		return nil, err
	}
	if len(want) == 0 {
		want = []string{Prediction}
	}
	out, err := x.CallFor(SigAbsolute, inputs, want...)
	if err != nil {
		return nil, err
	}
	return framesOf(out)
}

// copies makes n equal ones of a tensor [1, ...]: the inputs of a signature
// share their first dimension.
func copies(t *tensorflow.Tensor, n int) (*tensorflow.Tensor, error) {
	one, err := tf.Values[float32](t)
	if err != nil {
		return nil, err
	}
	all := make([]float32, 0, n*len(one))
	for i := 0; i < n; i++ {
		all = append(all, one...)
	}
	return tf.NewTensor(all, append([]int64{int64(n)}, t.Shape()[1:]...)...)
}

// floatsOf is pictures [N, H, W, 3] in [0, 1].
func floatsOf(h, w int, pictures ...*video.Frame) (*tensorflow.Tensor, error) {
	flat := make([]float32, 0, len(pictures)*3*h*w)
	for _, p := range pictures {
		if err := fits(p, h, w); err != nil {
			return nil, err
		}
		for _, v := range p.Pix {
			flat = append(flat, float32(v)/255)
		}
	}
	return tf.NewTensor(flat, int64(len(pictures)), int64(h), int64(w), 3)
}
