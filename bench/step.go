package main

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/train"
)

// step measures whole optimisation steps, as training takes them: the same
// graph, the same draws, the same numbers fetched. Pictures are random and stay
// the same; no data set is read and nothing is saved.
func step(job Job, c *config.Config) (_ *Result, err error) {
	o := train.OptionsOf(c)
	s := graph.New(tensorflow.Float)
	net, err := train.BuildStep(s, o)
	if err != nil {
		return nil, err
	}
	sess, err := session(s, c)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := sess.Close(); err == nil {
			err = closed
		}
	}()
	fetches := []tensorflow.Output{net.Losses, net.GradientNorms}
	if len(net.StatNames) > 0 {
		fetches = append(fetches, net.Stats)
	}
	f, err := newStepFeeds(net, o, c)
	if err != nil {
		return nil, err
	}
	m := newMeter(job)
	var losses []float32
	for !m.done() {
		feeds, err := f.attempt(int64(m.laps))
		if err != nil {
			return nil, err
		}
		out, err := sess.Run(feeds, fetches, []*tensorflow.Operation{net.Train})
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", m.laps+1, err)
		}
		if losses, err = tf.Values[float32](out[0]); err != nil {
			return nil, err
		}
		if err := m.lap(1); err != nil {
			return nil, err
		}
	}
	r, err := m.result()
	if err != nil {
		return nil, err
	}
	r.Counts, r.Losses = countsOf(s), map[string]float64{}
	for i, name := range net.LossNames {
		r.Losses[name] = float64(losses[i])
	}
	return r, nil
}

// stepFeeds makes what a step is fed.
type stepFeeds struct {
	net   *train.Step
	o     train.StepOptions
	seed  int64
	fixed map[tensorflow.Output]*tensorflow.Tensor
}

// newStepFeeds makes pictures, rates and weights, which stay the same.
func newStepFeeds(net *train.Step, o train.StepOptions, c *config.Config) (*stepFeeds, error) {
	f := &stepFeeds{net: net, o: o, seed: c.Seed, fixed: map[tensorflow.Output]*tensorflow.Tensor{}}
	r := random.New(c.Seed)
	n, h, w := int64(o.Batch), int64(o.Height), int64(o.Width)
	for _, to := range []tensorflow.Output{net.SourceBytes, net.DrivingBytes} {
		pixels := make([]uint8, 0, n*h*w*3)
		for i := 0; i < o.Batch; i++ {
			pixels = append(pixels, noise(r, o.Width, o.Height).Pix...)
		}
		t, err := tf.NewTensor(pixels, n, h, w, 3)
		if err != nil {
			return nil, err
		}
		f.fixed[to] = t
	}
	rates := c.Train.LearningRates(0, 0)
	for to, v := range map[tensorflow.Output]float64{
		net.LRGenerator: rates.Generator, net.LRDiscriminator: rates.Discriminator, net.LRKPDetector: rates.KPDetector, net.ConsWarmup: 1,
	} {
		t, err := tf.Scalar(float32(v))
		if err != nil {
			return nil, err
		}
		f.fixed[to] = t
	}
	return f, nil
}

// attempt are the feeds of one step, with draws of its own.
func (f *stepFeeds) attempt(i int64) (map[tensorflow.Output]*tensorflow.Tensor, error) {
	draws := train.Draw(f.seed, i, f.o)
	n, points := int64(f.o.Batch), int64(f.o.Transform.PointsTPS)
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	for to, t := range f.fixed {
		feeds[to] = t
	}
	var err error
	put := func(to tensorflow.Output, t *tensorflow.Tensor, failed error) {
		feeds[to] = t
		if err == nil {
			err = failed
		}
	}
	theta, failed := graph.NewTensor(tensorflow.Float, draws.Theta, n, 2, 3)
	put(f.net.Theta, theta, failed)
	params, failed := graph.NewTensor(tensorflow.Float, draws.ControlParams, n, 1, points*points)
	put(f.net.ControlParams, params, failed)
	k, failed := tf.NewTensor(draws.K, n)
	put(f.net.K, k, failed)
	boxes, failed := tf.NewTensor(draws.Boxes, n, 5)
	put(f.net.Boxes, boxes, failed)
	return feeds, err
}
