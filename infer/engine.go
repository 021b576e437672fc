package infer

import (
	"errors"
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

// Options say how an Engine computes.
type Options struct {
	// Session says where.
	Session tf.SessionConfig
	// Batch is how many frames are decoded at once, 0 for what suits the size of
	// the pictures (BatchOf). It decides memory and speed, not the result.
	Batch int
	// Height and Width of pictures, for exported models that leave them open; 0
	// is what the configuration says, 256 without one.
	Height, Width int
	// Signatures says that the functions of an exported model are wanted of a
	// checkpoint too. A SavedModel has its own in any case.
	Signatures bool
}

// Engine is a model at work: the networks of a checkpoint, or a SavedModel. Its
// methods may be called from several goroutines.
type Engine struct {
	// Name says where the model comes from.
	Name string
	// Config is what it was trained with; nil of a SavedModel that does not tell.
	Config *config.Config
	// Fit is how pictures come to the model's size, and Normalization how its
	// configuration says that it is animated.
	Fit           video.Fit
	Normalization config.NormalizationParams
	// Notes of a SavedModel that this program wrote; nil of others, and of a
	// checkpoint.
	Notes *Notes

	runner
	h, w, batch int
}

// runner computes.
type runner interface {
	// Encode computes what all frames of a source have in common. Some families
	// take several pictures of one figure.
	Encode(sources ...*video.Frame) (*Encoded, error)
	// Poses finds the poses of pictures.
	Poses(pictures ...*video.Frame) (Pose, error)
	// Decode moves a source to poses. It returns the wanted outputs, Prediction
	// without any.
	Decode(source *Encoded, pose Pose, want ...string) (Frames, error)
	// Reconstruct moves a source to the poses of driving pictures.
	Reconstruct(source *Encoded, driving []*video.Frame, want ...string) (Frames, error)
	// Signatures describes the functions of the model by name.
	Signatures() map[string]savedmodel.SignatureDef
	// Call runs one of them on named tensors and returns its outputs by name.
	Call(signature string, inputs map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error)
	// Animates and Reconstructs report why Encode, Poses and Decode, or Encode
	// and Reconstruct with the wanted outputs, cannot be called.
	Animates() error
	Reconstructs(want ...string) error
	// HasKeypoints says that poses are keypoints, so that motion may be relative.
	HasKeypoints() bool
	// TakesSeveral says that Encode takes several pictures of one figure.
	TakesSeveral() bool
	// Close releases the networks. Closing twice is fine.
	Close() error
}

// Size is the height and width of the pictures that the model takes and makes.
func (e *Engine) Size() (h, w int) { return e.h, e.w }

// Batch is how many frames are decoded at once.
func (e *Engine) Batch() int { return e.batch }

// Open opens what a path names: a training run, a folder of checkpoints, a
// checkpoint, or a SavedModel (or the folder of its versions).
func Open(path string, o Options) (*Engine, error) {
	if _, err := savedmodel.Dir(path); err == nil {
		return OpenSavedModel(path, o)
	}
	m, err := Load(path)
	if err != nil {
		return nil, err
	}
	return New(m, o)
}

// New makes an Engine of a trained model.
func New(m *Model, o Options) (*Engine, error) {
	e := &Engine{Name: m.Dir, Config: m.Config, Fit: m.Config.Dataset.Fit, Normalization: m.Config.Animate.Normalization}
	e.h, e.w = m.Size()
	var err error
	if e.batch, err = batchOr(o.Batch, e.h, e.w); err != nil {
		return nil, err
	}
	if e.runner, err = newTrained(m, o); err != nil {
		return nil, fmt.Errorf("model %s: %w", m.Dir, err)
	}
	return e, nil
}

// trained runs a trained model in a session of ours.
type trained struct {
	*Network
	signatures *Signatures // nil where they are not wanted
	session    *tf.Session
}

func newTrained(m *Model, o Options) (*trained, error) {
	s := graph.New(tensorflow.Float)
	s.UseKernels(o.Session.Device)
	h, w := m.Size()
	a := m.Config.Family().NewAnimator(s)
	n, err := NewNetwork(s, a, h, w)
	if err != nil {
		return nil, err
	}
	t := &trained{Network: n}
	if o.Signatures {
		if t.signatures, err = addSignatures(s, a, NotesOf(m, false)); err != nil {
			return nil, err
		}
	}
	if t.session, err = tf.NewSession(s.Graph(), o.Session); err != nil {
		return nil, err
	}
	if err := m.Assign(t.session, s); err != nil {
		return nil, errors.Join(err, t.session.Close())
	}
	return t, nil
}

func (t *trained) Encode(sources ...*video.Frame) (*Encoded, error) {
	return t.Network.Encode(t.session, sources...)
}

func (t *trained) Poses(pictures ...*video.Frame) (Pose, error) {
	return t.Network.Poses(t.session, pictures...)
}

func (t *trained) Decode(source *Encoded, pose Pose, want ...string) (Frames, error) {
	return t.Network.Decode(t.session, source, pose, want...)
}

func (t *trained) Reconstruct(source *Encoded, driving []*video.Frame, want ...string) (Frames, error) {
	return t.Network.Reconstruct(t.session, source, driving, want...)
}

func (t *trained) Animates() error { return nil }

func (t *trained) HasKeypoints() bool { return t.Pose[Value].Op != nil }

func (t *trained) TakesSeveral() bool { return t.encoded[Confidence].Op != nil }

func (t *trained) Reconstructs(want ...string) error { return t.decodes(want) }

func (t *trained) Close() error { return t.session.Close() }

// Signatures implements runner: none unless Options asked for them.
func (t *trained) Signatures() map[string]savedmodel.SignatureDef {
	if t.signatures == nil {
		return nil
	}
	return t.signatures.Named()
}

// Call implements runner.
func (t *trained) Call(name string, inputs map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
	if t.signatures == nil {
		return nil, fmt.Errorf("signature %q: the model was opened without signatures", name)
	}
	return t.signatures.Call(t.session, name, inputs)
}
