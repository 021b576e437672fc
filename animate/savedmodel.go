package animate

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// The signatures of a SavedModel that animation calls.
const (
	encodeSource = "encode_source"
	keypoints    = "keypoints"
	animateFrame = "animate_frame"
)

// exported computes with a SavedModel. Tensors are found by what they are, so
// that the features may have any names.
type exported struct {
	model *tf.SavedModel
	h, w  int
	// source and picture are the inputs of encode_source and keypoints,
	// prediction is the output of animate_frame.
	source, picture, prediction string
	// found, kpSource and kpDriving are keypoints: found by keypoints, found by
	// encode_source, and those that animate_frame moves a source to.
	found, kpSource, kpDriving namesOfKeypoints
	// features are the outputs of encode_source that animate_frame takes.
	features []string
}

// namesOfKeypoints are names of tensors; without Jacobian the second is empty.
type namesOfKeypoints struct{ value, jacobian string }

// OpenSavedModel opens a SavedModel for animation. How pictures are fitted and
// how its configuration says that it is animated are read from the
// configuration beside it; without one pictures are cropped and motion is
// relative.
func OpenSavedModel(path string, o Options) (*Animator, error) {
	m, err := tf.OpenSavedModel(path, o.Session)
	if err != nil {
		return nil, err
	}
	a, err := newExported(m, o)
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("SavedModel %s: %w", m.Dir, err)
	}
	return a, nil
}

func newExported(m *tf.SavedModel, o Options) (*Animator, error) {
	e := &exported{model: m}
	if err := e.bind(m.Signatures()); err != nil {
		return nil, fmt.Errorf("%w; animation calls %s, %s and %s as bazel run //cmd:export writes them", err, encodeSource, keypoints, animateFrame)
	}
	a := &Animator{Name: m.Dir, engine: e, h: e.h, w: e.w}
	a.Defaults.Fit = video.Crop
	a.Defaults.Normalization = config.NormalizationParams{UseRelativeMovement: true, UseRelativeJacobian: true}
	text, err := m.Extra(config.FileName)
	switch {
	case err == nil:
		c, err := config.Unmarshal(text, config.FileName)
		if err != nil {
			return nil, err
		}
		a.Defaults = Defaults{Fit: c.Dataset.Fit, Normalization: c.Animate.Normalization}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return a, a.setBatch(o.Batch)
}

// bind finds out which tensor is what.
func (e *exported) bind(signatures map[string]tf.SignatureDef) error {
	for _, name := range []string{encodeSource, keypoints, animateFrame} {
		if _, ok := signatures[name]; !ok {
			return fmt.Errorf("it has no signature %q", name)
		}
	}
	var err error
	if e.source, err = e.pictureOf(signatures[encodeSource].Inputs); err != nil {
		return fmt.Errorf("%s: %w", encodeSource, err)
	}
	if e.picture, err = e.pictureOf(signatures[keypoints].Inputs); err != nil {
		return fmt.Errorf("%s: %w", keypoints, err)
	}
	if e.found, err = keypointsAmong(signatures[keypoints].Outputs); err != nil {
		return fmt.Errorf("%s: %w", keypoints, err)
	}
	driving := map[string]tf.TensorSpec{}
	kept := signatures[encodeSource].Outputs
	for name, spec := range signatures[animateFrame].Inputs {
		if _, ok := kept[name]; ok {
			e.features = append(e.features, name)
		} else {
			driving[name] = spec
		}
	}
	if e.kpSource, err = keypointsAmong(kept); err != nil {
		return fmt.Errorf("%s: %w", encodeSource, err)
	}
	if e.kpDriving, err = keypointsAmong(driving); err != nil || len(driving) > 2 {
		return fmt.Errorf("%s: its inputs are not the outputs of %s and driving keypoints", animateFrame, encodeSource)
	}
	for name, spec := range signatures[animateFrame].Outputs {
		if name == "prediction" && isPicture(spec, e.h, e.w) {
			e.prediction = name
		}
	}
	if e.prediction == "" {
		return fmt.Errorf("%s: it has no output prediction, float32[?,%d,%d,3]", animateFrame, e.h, e.w)
	}
	return nil
}

// pictureOf finds the one input of a signature, which is a picture. All have
// one size.
func (e *exported) pictureOf(inputs map[string]tf.TensorSpec) (string, error) {
	for name, spec := range inputs {
		if len(spec.Shape) != 4 || len(inputs) != 1 {
			break
		}
		h, w := int(spec.Shape[1]), int(spec.Shape[2])
		if e.h == 0 {
			e.h, e.w = h, w
		}
		if h < 1 || w < 1 || h > video.MaxSide || w > video.MaxSide || !isPicture(spec, e.h, e.w) {
			break
		}
		return name, nil
	}
	return "", errors.New("its input is not one picture, float32[?,H,W,3] of a fixed size")
}

func isPicture(spec tf.TensorSpec, h, w int) bool {
	s := spec.Shape
	return spec.DType == tensorflow.Float && len(s) == 4 && s[0] < 0 && s[1] == int64(h) && s[2] == int64(w) && s[3] == 3
}

// keypointsAmong finds positions [N, K, 2] and, if there are any, Jacobians
// [N, K, 2, 2] among tensors.
func keypointsAmong(specs map[string]tf.TensorSpec) (n namesOfKeypoints, err error) {
	for name, spec := range specs {
		s := spec.Shape
		switch {
		case spec.DType != tensorflow.Float:
		case len(s) == 3 && s[2] == 2 && strings.HasSuffix(name, "value"):
			n.value = name
		case len(s) == 4 && s[2] == 2 && s[3] == 2 && strings.HasSuffix(name, "jacobian"):
			n.jacobian = name
		}
	}
	if n.value == "" {
		return n, errors.New("it has no keypoints (...value, float32[?,K,2])")
	}
	return n, nil
}

// keptSource is a source: what encode_source returned, repeated for the batch
// that was computed last.
type keptSource struct {
	single   map[string]*tensorflow.Tensor
	repeated map[string]*tensorflow.Tensor
	times    int
}

func (e *exported) encode(source *video.Frame) (encoded, Keypoints, error) {
	picture, err := floatsOf([]*video.Frame{source}, e.h, e.w)
	if err != nil {
		return nil, Keypoints{}, err
	}
	out, err := e.model.Call(encodeSource, map[string]*tensorflow.Tensor{e.source: picture})
	if err != nil {
		return nil, Keypoints{}, err
	}
	kp, err := e.kpSource.read(1, out)
	return &keptSource{single: out}, kp, err
}

func (e *exported) keypoints(pictures []*video.Frame) (Keypoints, error) {
	batch, err := floatsOf(pictures, e.h, e.w)
	if err != nil {
		return Keypoints{}, err
	}
	out, err := e.model.Call(keypoints, map[string]*tensorflow.Tensor{e.picture: batch})
	if err != nil {
		return Keypoints{}, err
	}
	return e.found.read(len(pictures), out)
}

func (e *exported) decode(source encoded, kp Keypoints) ([]float32, error) {
	kept := source.(*keptSource)
	if err := kept.repeat(e.features, kp.N); err != nil {
		return nil, err
	}
	tensors, err := kp.tensors()
	if err != nil {
		return nil, err
	}
	inputs := map[string]*tensorflow.Tensor{e.kpDriving.value: tensors[0]}
	if e.kpDriving.jacobian != "" {
		if len(tensors) < 2 {
			return nil, errors.New("animate_frame takes Jacobians, but keypoints gives none")
		}
		inputs[e.kpDriving.jacobian] = tensors[1]
	}
	for _, name := range e.features {
		inputs[name] = kept.repeated[name]
	}
	out, err := e.model.CallFor(animateFrame, inputs, e.prediction)
	if err != nil {
		return nil, err
	}
	return tf.Values[float32](out[e.prediction])
}

func (e *exported) Close() error { return e.model.Close() }

// repeat makes the tensors of one source those of n equal ones: the inputs of a
// signature share their first dimension.
func (k *keptSource) repeat(names []string, n int) error {
	if k.times == n {
		return nil
	}
	repeated := map[string]*tensorflow.Tensor{}
	for _, name := range names {
		one, err := tf.Values[float32](k.single[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all := make([]float32, 0, n*len(one))
		for i := 0; i < n; i++ {
			all = append(all, one...)
		}
		shape := append([]int64{int64(n)}, k.single[name].Shape()[1:]...)
		if repeated[name], err = tf.NewTensor(all, shape...); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	k.repeated, k.times = repeated, n
	return nil
}

func (n namesOfKeypoints) read(pictures int, out map[string]*tensorflow.Tensor) (Keypoints, error) {
	tensors := []*tensorflow.Tensor{out[n.value]}
	if n.jacobian != "" {
		tensors = append(tensors, out[n.jacobian])
	}
	return keypointsOf(pictures, tensors)
}

// floatsOf is a batch [N, H, W, 3] of pictures in [0, 1].
func floatsOf(pictures []*video.Frame, h, w int) (*tensorflow.Tensor, error) {
	flat := make([]float32, 0, len(pictures)*3*h*w)
	for _, p := range pictures {
		for _, v := range p.Pix {
			flat = append(flat, float32(v)/255)
		}
	}
	return tf.NewTensor(flat, int64(len(pictures)), int64(h), int64(w), 3)
}
