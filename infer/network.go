package infer

import (
	"fmt"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// Network is the inference of a model as a part of a graph that shares the
// networks of an animator, with running averages in place of a batch's
// statistics. Its methods run it in a session of that graph and may be called
// from several goroutines.
//
// A source is encoded once. Every encoded tensor and every part of a pose is
// fetched, and then fed back in its own place, so that what it was computed by
// does not run again.
type Network struct {
	// Height and Width of the pictures.
	Height, Width int
	// Source [1, H, W, 3] and Driving [N, H, W, 3] are fed, as uint8; N is open.
	Source, Driving tensorflow.Output
	// Prediction [N, H, W, 3] in (0, 1).
	Prediction tensorflow.Output
	// What follows does not exist where the family has none. Background
	// [N, H, W, 1] is the background alpha and Occlusion [N, H, W, 1] the
	// occlusion map, both at the pictures' size. Deformed [N, H, W, 3] is the
	// source moved by the motion alone.
	Background, Occlusion, Deformed tensorflow.Output
	// KPSource [1, K, 2] and KPDriving [N, K, 2].
	KPSource, KPDriving tensorflow.Output
	// Pose is what moves a source as in Driving.
	Pose model.Tensors

	// encoded is all that a prediction takes from the source.
	encoded, frames model.Tensors
}

// NewNetwork adds the inference of an animator on pictures of h by w pixels to
// the graph of s.
func NewNetwork(s *graph.Scope, a model.Animator, h, w int) (*Network, error) {
	s = s.WithTraining(false).At("infer")
	n := &Network{Height: h, Width: w}
	n.Source = s.Placeholder(Source, tensorflow.Uint8, -1, int64(h), int64(w), 3)
	n.Driving = s.Placeholder(Driving, tensorflow.Uint8, -1, int64(h), int64(w), 3)
	picture := func(bytes tensorflow.Output) tensorflow.Output {
		return s.Div(s.Cast(bytes, s.DType()), s.Scalar(255))
	}
	source := picture(n.Source)
	n.encoded = a.Encode(s, source)
	n.Pose = a.Pose(s.At("kp_driving"), picture(n.Driving))
	decoded := a.Decode(s, a.Spread(s, n.encoded, n.Pose), n.Pose)
	n.frames = sized(s, decoded, h, w)
	n.frames.Put("", model.Tensors{Deformed: a.Deform(s, repeated(s, source, n.Pose), decoded)})

	n.Prediction, n.Background = n.frames[Prediction], n.frames[Background]
	n.Occlusion, n.Deformed = n.frames[OcclusionMap], n.frames[Deformed]
	n.KPSource, n.KPDriving = n.encoded[KPSourceValue], n.Pose[Value]
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	return n, nil
}

// sized are the pictures and maps that a decoder made, at the pictures' size.
func sized(s *graph.Scope, decoded model.Tensors, h, w int) model.Tensors {
	out := model.Tensors{Prediction: decoded[Prediction]}
	for _, name := range []string{Background, OcclusionMap} {
		if m, ok := decoded[name]; ok {
			out[name] = s.ResizeBilinear(m, h, w)
		}
	}
	return out
}

// repeated are pictures [1, H, W, 3] as often as there are poses.
func repeated(s *graph.Scope, pictures tensorflow.Output, pose model.Tensors) tensorflow.Output {
	names := sorted(pose)
	if len(names) == 0 {
		return pictures
	}
	return model.Repeat(s, pose[names[0]])(pictures)
}

// Encoded is a source picture in the form that frames are decoded from.
type Encoded struct {
	// pose is the source's own by the names of its parts.
	tensors, pose map[string]*tensorflow.Tensor
	// picture is the source itself, for exported models that take nothing else.
	picture *video.Frame
}

// Pose is the source's own pose. Of a model without keypoints it has no parts.
func (e *Encoded) Pose() (Pose, error) { return poseOf(1, e.pose) }

// Frames are decoded pictures: values [N, H, W, C] by the names of outputs, such
// as Prediction.
type Frames map[string][]float32

// Encode computes what all frames of a source have in common. Some families take
// several pictures of one figure.
func (n *Network) Encode(run graph.Runner, sources ...*video.Frame) (*Encoded, error) {
	if len(sources) > 1 && n.encoded[Confidence].Op == nil {
		return nil, errOneSource
	}
	fed, err := n.bytes(sources...)
	if err != nil {
		return nil, err
	}
	tensors, err := fetch(run, feeds{n.Source: fed}, n.encoded)
	if err != nil {
		return nil, err
	}
	if tensors, err = blend(tensors, len(sources)); err != nil {
		return nil, err
	}
	own := map[string]*tensorflow.Tensor{}
	for name, t := range tensors {
		if part, ok := strings.CutPrefix(name, kpSource); ok {
			own[part] = t
		}
	}
	return &Encoded{tensors: tensors, pose: own, picture: sources[0]}, nil
}

// Poses finds the poses of pictures.
func (n *Network) Poses(run graph.Runner, pictures ...*video.Frame) (Pose, error) {
	fed, err := n.bytes(pictures...)
	if err != nil {
		return Pose{}, err
	}
	tensors, err := fetch(run, feeds{n.Driving: fed}, n.Pose)
	if err != nil {
		return Pose{}, err
	}
	return poseOf(len(pictures), tensors)
}

// Decode moves a source to poses. It returns the wanted outputs, Prediction
// without any.
func (n *Network) Decode(run graph.Runner, source *Encoded, pose Pose, want ...string) (Frames, error) {
	tensors, err := pose.tensors()
	if err != nil {
		return nil, err
	}
	fed := feeds{}
	for name, o := range n.Pose {
		if fed[o] = tensors[name]; fed[o] == nil {
			return nil, fmt.Errorf("the pose has no %s", name)
		}
	}
	return n.decode(run, source, fed, want)
}

// Reconstruct moves a source to the poses of driving pictures, in one go: Poses,
// then Decode.
func (n *Network) Reconstruct(run graph.Runner, source *Encoded, driving []*video.Frame, want ...string) (Frames, error) {
	fed, err := n.bytes(driving...)
	if err != nil {
		return nil, err
	}
	return n.decode(run, source, feeds{n.Driving: fed}, want)
}

func (n *Network) decode(run graph.Runner, source *Encoded, fed feeds, want []string) (Frames, error) {
	if len(want) == 0 {
		want = []string{Prediction}
	}
	if err := n.decodes(want); err != nil {
		return nil, err
	}
	wanted := model.Tensors{}
	for _, name := range want {
		wanted[name] = n.frames[name]
	}
	for name, o := range n.encoded {
		if t := source.tensors[name]; t != nil { // there is no confidence in a blend
			fed[o] = t
		}
	}
	tensors, err := fetch(run, fed, wanted)
	if err != nil {
		return nil, err
	}
	return framesOf(tensors)
}

// decodes reports an output that a source and poses do not make.
func (n *Network) decodes(want []string) error {
	for _, name := range want {
		if _, ok := n.frames[name]; !ok || name == Deformed { // it takes the source picture itself
			return fmt.Errorf("the model decodes no %s", name)
		}
	}
	return nil
}

// Feeds are a source and driving pictures for a run that fetches outputs of the
// network itself.
func (n *Network) Feeds(source *video.Frame, driving ...*video.Frame) (map[tensorflow.Output]*tensorflow.Tensor, error) {
	first, err := n.bytes(source)
	if err != nil {
		return nil, err
	}
	rest, err := n.bytes(driving...)
	if err != nil {
		return nil, err
	}
	return feeds{n.Source: first, n.Driving: rest}, nil
}

// bytes is pictures [N, H, W, 3] as bytes.
func (n *Network) bytes(pictures ...*video.Frame) (*tensorflow.Tensor, error) {
	flat := make([]byte, 0, len(pictures)*n.Height*n.Width*3)
	for _, p := range pictures {
		if err := fits(p, n.Height, n.Width); err != nil {
			return nil, err
		}
		flat = append(flat, p.Pix...)
	}
	return tf.NewTensor(flat, int64(len(pictures)), int64(n.Height), int64(n.Width), 3)
}

// fits reports a picture of another size.
func fits(p *video.Frame, h, w int) error {
	if p.W != w || p.H != h {
		return fmt.Errorf("a frame has %dx%d pixels, the model takes %dx%d", p.W, p.H, w, h)
	}
	return nil
}

type feeds = map[tensorflow.Output]*tensorflow.Tensor

// fetch runs for named outputs.
func fetch(run graph.Runner, fed feeds, wanted model.Tensors) (map[string]*tensorflow.Tensor, error) {
	names := sorted(wanted)
	list := make([]tensorflow.Output, len(names))
	for i, name := range names {
		list[i] = wanted[name]
	}
	values, err := run.Run(fed, list, nil)
	if err != nil {
		return nil, err
	}
	tensors := make(map[string]*tensorflow.Tensor, len(names))
	for i, name := range names {
		tensors[name] = values[i]
	}
	return tensors, nil
}

// framesOf reads tensors.
func framesOf(tensors map[string]*tensorflow.Tensor) (Frames, error) {
	frames := make(Frames, len(tensors))
	for name, t := range tensors {
		values, err := tf.Values[float32](t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		frames[name] = values
	}
	return frames, nil
}
