package animate

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// network computes with a trained model in a session of ours.
type network struct {
	session *tf.Session
	h, w    int
	k       int
	// source [1, H, W, 3] and pictures [N, H, W, 3] are fed as uint8.
	source, pictures tensorflow.Output
	// features [1, ...] are what the decoder needs of a source: fetched once,
	// then fed back in their own place, so that the encoder does not run again.
	features []tensorflow.Output
	// kpSource [1, ...] likewise, kp [N, ...] those of pictures. The Jacobian is
	// absent where the model estimates none.
	kpSource, kp fomm.Keypoints
	// kpDriving [N, ...] are fed.
	kpDriving  fomm.Keypoints
	prediction tensorflow.Output
}

func newNetwork(m *infer.Model, config tf.SessionConfig) (*network, error) {
	n := &network{k: m.Config.Model.Common.NumKP}
	n.h, n.w = m.Size()
	s := graph.New(tensorflow.Float)
	n.build(s, m.Config.Model)
	if err := s.Err(); err != nil {
		return nil, err
	}
	var err error
	if n.session, err = tf.NewSession(s.Graph(), config); err != nil {
		return nil, err
	}
	if err := m.Assign(n.session, s); err != nil {
		n.session.Close()
		return nil, err
	}
	return n, nil
}

func (n *network) build(s *graph.Scope, p fomm.Params) {
	a := fomm.NewAnimator(s, p)
	s = s.WithTraining(false).At("animate")
	h, w := int64(n.h), int64(n.w)
	n.source = s.Placeholder("source", tensorflow.Uint8, 1, h, w, 3)
	n.pictures = s.Placeholder("pictures", tensorflow.Uint8, -1, h, w, 3)
	picture := func(bytes tensorflow.Output) tensorflow.Output {
		return s.Div(s.Cast(bytes, s.DType()), s.Scalar(255))
	}
	source := picture(n.source)
	n.kpSource = a.KPDetector.Detect(s.At("kp_source"), source).Keypoints
	n.kp = a.KPDetector.Detect(s.At("kp"), picture(n.pictures)).Keypoints

	n.kpDriving.Value = s.Placeholder("kp_driving_value", tensorflow.Float, -1, int64(n.k), 2)
	if n.kpSource.Jacobian.Op != nil {
		n.kpDriving.Jacobian = s.Placeholder("kp_driving_jacobian", tensorflow.Float, -1, int64(n.k), 2, 2)
	}
	e := a.Generator.Encode(s, source)
	n.features = []tensorflow.Output{e.Small, e.Features}
	// [N, 1, 1, 1] of zeros repeat maps [1, h, w, C] by being added.
	zeros := s.Scale(s.Reshape(s.Slice(n.kpDriving.Value, []int{0, 0, 0}, []int{-1, 1, 1}), -1, 1, 1, 1), 0)
	e.Small, e.Features = s.Add(e.Small, zeros), s.Add(e.Features, zeros)
	n.prediction = a.Generator.Decode(s, e, n.kpSource, n.kpDriving).Prediction
}

// outputs lists the tensors of keypoints.
func outputs(kp fomm.Keypoints) []tensorflow.Output {
	if kp.Jacobian.Op == nil {
		return []tensorflow.Output{kp.Value}
	}
	return []tensorflow.Output{kp.Value, kp.Jacobian}
}

// kept is a source: values for features and kpSource.
type kept map[tensorflow.Output]*tensorflow.Tensor

func (n *network) encode(source *video.Frame) (encoded, Keypoints, error) {
	picture, err := bytesOf([]*video.Frame{source}, n.h, n.w)
	if err != nil {
		return nil, Keypoints{}, err
	}
	fetches := append(outputs(n.kpSource), n.features...)
	out, err := n.session.Run(map[tensorflow.Output]*tensorflow.Tensor{n.source: picture}, fetches, nil)
	if err != nil {
		return nil, Keypoints{}, err
	}
	values := kept{}
	for i, o := range fetches {
		values[o] = out[i]
	}
	kp, err := keypointsOf(1, out[:len(out)-len(n.features)])
	return values, kp, err
}

func (n *network) keypoints(pictures []*video.Frame) (Keypoints, error) {
	batch, err := bytesOf(pictures, n.h, n.w)
	if err != nil {
		return Keypoints{}, err
	}
	out, err := n.session.Run(map[tensorflow.Output]*tensorflow.Tensor{n.pictures: batch}, outputs(n.kp), nil)
	if err != nil {
		return Keypoints{}, err
	}
	return keypointsOf(len(pictures), out)
}

func (n *network) decode(source encoded, kp Keypoints) ([]float32, error) {
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	for o, value := range source.(kept) {
		feeds[o] = value
	}
	tensors, err := kp.tensors()
	if err != nil {
		return nil, err
	}
	for i, o := range outputs(n.kpDriving) {
		feeds[o] = tensors[i]
	}
	out, err := n.session.Run(feeds, []tensorflow.Output{n.prediction}, nil)
	if err != nil {
		return nil, err
	}
	return tf.Values[float32](out[0])
}

func (n *network) Close() error { return n.session.Close() }

// bytesOf is a batch [N, H, W, 3] of pictures.
func bytesOf(pictures []*video.Frame, h, w int) (*tensorflow.Tensor, error) {
	flat := make([]byte, 0, len(pictures)*3*h*w)
	for _, p := range pictures {
		flat = append(flat, p.Pix...)
	}
	return tf.NewTensor(flat, int64(len(pictures)), int64(h), int64(w), 3)
}

// keypointsOf reads value and, where there is one, Jacobian.
func keypointsOf(n int, tensors []*tensorflow.Tensor) (Keypoints, error) {
	value, err := tf.Values[float32](tensors[0])
	if err != nil {
		return Keypoints{}, err
	}
	var jacobian []float32
	if len(tensors) > 1 {
		if jacobian, err = tf.Values[float32](tensors[1]); err != nil {
			return Keypoints{}, err
		}
	}
	return newKeypoints(n, value, jacobian)
}

// tensors are value and, where there is one, Jacobian.
func (kp Keypoints) tensors() ([]*tensorflow.Tensor, error) {
	n, k := int64(kp.N), int64(kp.K)
	value, err := tf.NewTensor(kp.Value, n, k, 2)
	if err != nil || kp.Jacobian == nil {
		return []*tensorflow.Tensor{value}, err
	}
	jacobian, err := tf.NewTensor(kp.Jacobian, n, k, 2, 2)
	return []*tensorflow.Tensor{value, jacobian}, err
}
