package figure

import (
	"errors"
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/prioritycut"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/finite"
)

// parts are what a figure asks of a model beyond its reconstruction.
type parts struct{ mask, pixels bool }

// network is the inference of a trained model.
type network struct {
	r       *infer.Network
	session *tf.Session

	k, mask, mixed, pixels tensorflow.Output
}

// shot is what a model makes of a pair; what was not asked for is nil.
type shot struct {
	prediction            []float32 // [H, W, 3]
	occlusion, background []float32 // [H, W]
	mask                  []float32 // [H, W], of 0 and 1
	mixed                 []float32 // [H, W, 3]
	pixels                []float32 // [H, W], raw scores
}

// build makes the inference of m with its weights. The caller closes it.
func build(m *infer.Model, want parts, device string) (*network, error) {
	if err := has(m, want); err != nil {
		return nil, err
	}
	s := graph.New(tensorflow.Float)
	s.UseKernels(device)
	h, w := m.Size()
	family := m.Config.Family()
	r, err := infer.NewNetwork(s, family.NewAnimator(s), h, w)
	if err != nil {
		return nil, err
	}
	n := &network{r: r}
	at := s.WithTraining(false).At("figure")
	if want.mask {
		n.cut(at, m.Config.PriorityCut)
	}
	if want.pixels {
		n.pixels = family.NewCritic(s).Pixels(at, r.Prediction, model.Tensors{model.Value: r.KPDriving})
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	if n.session, err = tf.NewSession(s.Graph(), tf.SessionConfig{Device: device}); err != nil {
		return nil, err
	}
	if err := m.Assign(n.session, s); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// has reports what a figure needs and the model lacks.
func has(m *infer.Model, want parts) error {
	can := m.Config.Family().Can()
	switch {
	case want.mask && !can.Occlusion:
		return errors.New("the model has no occlusion map (its family knows none, or estimate_occlusion_map is off), so there is nothing to cut by")
	case want.pixels && !can.Pixels:
		return fmt.Errorf("a run of variant %s has no discriminator with a decoder: take one of unet, cutmix or prioritycut", m.Config.Variant)
	case want.pixels && !m.Has("discriminator."):
		return errors.New("the checkpoint holds no discriminator: take one that training wrote")
	}
	return nil
}

// cut adds the mask of Eq. 1 and the picture of Eq. 2. As in the paper's
// figures the share is one of the foreground, whatever the run drew.
func (n *network) cut(s *graph.Scope, p prioritycut.Params) {
	p.KOf = prioritycut.OfForeground
	n.k = s.Placeholder("k", tensorflow.Float, 1)
	n.mask = prioritycut.Mask(s, n.r.Occlusion, n.r.Background, n.k, p).Mask
	real := s.Div(s.Cast(n.r.Driving, s.DType()), s.Scalar(255))
	n.mixed = prioritycut.Mix(s, real, n.r.Prediction, n.mask)
}

func (n *network) close() error { return n.session.Close() }

// shoot reconstructs a pair; k is the share of the foreground that is cut.
func (n *network) shoot(p pair, k float32) (shot, error) {
	var s shot
	feeds, err := n.r.Feeds(p.source, p.driving)
	if err != nil {
		return s, err
	}
	if n.k.Op != nil {
		t, err := tf.NewTensor([]float32{k}, 1)
		if err != nil {
			return s, err
		}
		feeds[n.k] = t
	}
	var outputs []tensorflow.Output
	var to []*[]float32
	for _, f := range []struct {
		output tensorflow.Output
		to     *[]float32
	}{
		{n.r.Prediction, &s.prediction}, {n.r.Occlusion, &s.occlusion}, {n.r.Background, &s.background},
		{n.mask, &s.mask}, {n.mixed, &s.mixed}, {n.pixels, &s.pixels},
	} {
		if f.output.Op != nil {
			outputs, to = append(outputs, f.output), append(to, f.to)
		}
	}
	fetched, err := n.session.Run(feeds, outputs, nil)
	if err != nil {
		return s, err
	}
	for i, t := range fetched {
		if err := finite.Check(t); err != nil {
			return s, fmt.Errorf("%s of the reconstruction: %w", outputs[i].Op.Name(), err)
		}
		if *to[i], err = tf.Values[float32](t); err != nil {
			return s, err
		}
	}
	return s, nil
}
