package joints

import (
	"context"
	"errors"
	"fmt"
	"math"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
)

// Adam's constants. The rate falls from its start to 0 along half a cosine.
const (
	startRate   = 3e-3
	adamBeta1   = 0.9
	adamBeta2   = 0.999
	adamEpsilon = 1e-8
)

// Detector finds the joints of drawn figures. Close it in the end.
type Detector struct {
	o       Options
	scope   *graph.Scope
	net     *network
	session *tf.Session

	image     tensorflow.Output // [N, H, W, 3]
	keypoints tensorflow.Output // [N, J, 3]
}

// newDetector builds the network with its first weights.
func newDetector(o Options) (*Detector, *trainer, error) {
	d := &Detector{o: o, scope: graph.New(tensorflow.Float)}
	d.scope.UseKernels(o.Session.Device)
	d.net = newNetwork(d.scope, o.Width, o.Height)
	t := newTrainer(d.scope, d.net, o)
	d.image, d.keypoints = d.net.looks(d.scope)
	if err := d.scope.Err(); err != nil {
		return nil, nil, fmt.Errorf("joints: %w", err)
	}
	var err error
	if d.session, err = tf.NewSession(d.scope.Graph(), o.Session); err != nil {
		return nil, nil, err
	}
	if err := graph.Initialize(d.session, d.scope.Variables(), o.Seed); err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	return d, t, nil
}

// Close frees the detector.
func (d *Detector) Close() error { return d.session.Close() }

// Progress is where training stands.
type Progress struct {
	// Step of Steps was taken, with this loss.
	Step, Steps int
	Loss        float64
}

// Train trains a detector. progress, which may be nil, is called after each
// step. When ctx ends, so does training, with its error.
func Train(ctx context.Context, o Options, progress func(Progress)) (*Detector, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	draws, err := newDrawer(o)
	if err != nil {
		return nil, err
	}
	d, t, err := newDetector(o)
	if err != nil {
		return nil, err
	}
	err = t.run(ctx, d.session, draws, progress)
	if err == nil {
		err = d.setBars(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// trainer is the part of the graph that learns.
type trainer struct {
	o                    Options
	w, h                 int64 // of the pictures that it learns from
	image, value, seen   tensorflow.Output
	rate, loss, finished tensorflow.Output
}

func newTrainer(s *graph.Scope, n *network, o Options) *trainer {
	s = s.WithTraining(true).At("train")
	batch, shrink := int64(o.Batch), zoomOf(o.Width, o.Height).shrink
	t := &trainer{o: o, w: int64(o.Width / shrink), h: int64(o.Height / shrink)}
	t.image = s.Placeholder("image", tensorflow.Float, batch, t.h, t.w, 3)
	t.value = s.Placeholder("value", tensorflow.Float, batch, int64(numJoints), 2)
	t.seen = s.Placeholder("visible", tensorflow.Float, batch, int64(numJoints))
	t.rate = s.Placeholder("rate", tensorflow.Float)
	t.loss = n.loss(s, n.detect(s, n.enlarged(s, t.image)), truth{value: t.value, visible: t.seen})

	weights := s.Variables(graph.Trainable)
	gradients := s.Gradients(t.loss, weights)
	adam := graph.NewAdam(s.WithTraining(true), "adam", weights, t.rate, adamBeta1, adamBeta2, adamEpsilon)
	barrier := s.Barrier(append(append(s.PendingUpdates(), adam.Reads()...), gradients...)...)
	moved := append(s.Commit(barrier), adam.Apply(s, gradients, barrier)...)
	t.finished = s.After(s.AddOp("NoOp", nil, moved), t.loss)
	return t
}

// run takes all steps.
func (t *trainer) run(ctx context.Context, session *tf.Session, draws *drawer, progress func(Progress)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failed error
	step := 0
	for b := range draws.ahead(ctx, t.o.Steps, &failed) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		loss, err := t.step(session, b, step)
		if err != nil {
			return err
		}
		step++
		if progress != nil {
			progress(Progress{Step: step, Steps: t.o.Steps, Loss: loss})
		}
	}
	if failed != nil {
		return failed
	}
	return ctx.Err()
}

func (t *trainer) step(session *tf.Session, b *batch, step int) (float64, error) {
	n := int64(t.o.Batch)
	rate := startRate * (1 + math.Cos(math.Pi*float64(step)/float64(t.o.Steps))) / 2
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	for _, f := range []struct {
		to     tensorflow.Output
		values []float32
		dims   []int64
	}{
		{t.image, b.image, []int64{n, t.h, t.w, 3}},
		{t.value, b.value, []int64{n, int64(numJoints), 2}},
		{t.seen, b.visible, []int64{n, int64(numJoints)}},
		{t.rate, []float32{float32(rate)}, nil},
	} {
		tensor, err := tf.NewTensor(f.values, f.dims...)
		if err != nil {
			return 0, err
		}
		feeds[f.to] = tensor
	}
	out, err := session.Run(feeds, []tensorflow.Output{t.finished}, nil)
	if err != nil {
		return 0, fmt.Errorf("joints: step %d: %w", step+1, err)
	}
	loss, err := tf.Value[float32](out[0])
	if err != nil {
		return 0, err
	}
	if math.IsNaN(float64(loss)) || math.IsInf(float64(loss), 0) {
		return 0, ErrDiverged
	}
	return float64(loss), nil
}
