package main

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/train"
)

// step measures whole optimisation steps, as training takes them: the same
// graph, the same draws, the same numbers fetched. Pictures are random and stay
// the same; no data set is read and nothing is saved.
func step(job Job, c *config.Config) (_ *Result, err error) {
	with, err := joinOthers(job, c.Run)
	if err != nil {
		return nil, err
	}
	defer with.leave()
	o := train.OptionsOf(c)
	o.Replicas = with.replicas
	s := graph.New(tensorflow.Float)
	net, err := train.BuildStep(s, o)
	if err != nil {
		return nil, err
	}
	sess, err := sessionWith(s, c, with.server)
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
	values := newValues(o, c, with.ownPart(o))
	m := newMeter(job)
	var losses []float32
	for !m.done() {
		values.Draws = train.Draw(c.Seed, int64(m.laps), o)
		feeds, err := net.Feeds(o, values)
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
	if with.server != nil {
		r.Exchange = exchange(s)
	}
	r.Counts, r.Losses = countsOf(s, c), map[string]float64{}
	for i, name := range net.LossNames {
		r.Losses[name] = float64(losses[i])
	}
	return r, nil
}

// newValues makes so many pictures, and rates, of a step, which stay the same;
// every attempt has draws of its own.
func newValues(o train.StepOptions, c *config.Config, pairs int) train.StepValues {
	r := random.New(c.Seed)
	pictures := func() []uint8 {
		pixels := make([]uint8, 0, pairs*o.Height*o.Width*3)
		for i := 0; i < pairs; i++ {
			pixels = append(pixels, noise(r, o.Width, o.Height).Pix...)
		}
		return pixels
	}
	b := &dataset.Batch{N: pairs, H: o.Height, W: o.Width, Source: pictures()}
	b.Driving = pictures()
	return train.StepValues{Batch: b, Rates: c.LearningRates(0, 0), Warmup: 1}
}
