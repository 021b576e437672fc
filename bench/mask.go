package main

import (
	"errors"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/prioritycut"
	"github.com/prioritycut/prioritycut/tf"
)

// mask measures PriorityCut's mask op alone, on maps at the size of pictures:
// all maps of a batch at once, a k of its own for each.
func mask(job Job, c *config.Config) (_ *Result, err error) {
	n, h, w := int64(job.Pictures), int64(c.Dataset.FrameShape[0]), int64(c.Dataset.FrameShape[1])
	s := graph.New(tensorflow.Float)
	occlusion := s.Placeholder("occlusion", tensorflow.Float, n, h, w, 1)
	background := s.Placeholder("background", tensorflow.Float, n, h, w, 1)
	k := s.Placeholder("k", tensorflow.Float, n)
	op := prioritycut.Mask(s, occlusion, background, k, c.PriorityCut)
	if err := s.Err(); err != nil {
		return nil, err
	}
	sess, err := tf.NewSession(s.Graph(), sessionConfigOf(c.Run))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sess.Close()) }()

	r := random.New(c.Seed)
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	for _, to := range []tensorflow.Output{occlusion, background} {
		values := make([]float32, n*h*w)
		for i := range values {
			values[i] = float32(r.Float64())
		}
		if feeds[to], err = tf.NewTensor(values, n, h, w, 1); err != nil {
			return nil, err
		}
	}
	if feeds[k], err = tf.NewTensor(prioritycut.DrawK(r, int(n), c.PriorityCut), n); err != nil {
		return nil, err
	}
	m := newMeter(job)
	for !m.done() {
		if _, err := sess.Run(feeds, nil, []*tensorflow.Operation{op.Mask.Op}); err != nil {
			return nil, err
		}
		if err := m.lap(1); err != nil {
			return nil, err
		}
	}
	return m.result()
}
