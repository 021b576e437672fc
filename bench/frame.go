package main

import (
	"context"
	"errors"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// distinctFrames is how many random pictures a driving video repeats.
const distinctFrames = 4

// frame measures the animation of a picture, frame by frame: pictures of bytes
// in, pictures of bytes out, relative motion. The source is encoded once, in
// the warm-up.
func frame(ctx context.Context, job Job, c *config.Config) (_ *Result, err error) {
	a, err := animate.Open(job.Model, infer.Options{Batch: job.Pictures, Session: tf.SessionConfig{Device: c.Run.Device, MemoryGrowth: true}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()

	h, w := a.Size()
	r := random.New(c.Seed)
	source := noise(r, w, h)
	var driving []*video.Frame
	for i := 0; i < distinctFrames; i++ {
		driving = append(driving, noise(r, w, h))
	}
	sink := &lapSink{meter: newMeter(job)}
	open := func(ctx context.Context) (video.Reader, error) {
		return video.Sequence(ctx, sink.total(), func(i int) (*video.Frame, error) { return driving[i%len(driving)], nil }), nil
	}
	if _, err := a.Video(ctx, animate.Job{Source: source, Driving: open}, sink); err != nil {
		return nil, err
	}
	result, err := sink.result()
	if err != nil {
		return nil, err
	}
	s := graph.New(tensorflow.Float)
	c.Family().NewAnimator(s)
	result.Counts = countsOf(s, c)
	return result, s.Err()
}

// lapSink takes frames and the time between them.
type lapSink struct{ *meter }

// Write implements video.Writer.
func (s *lapSink) Write(*video.Frame) error { return s.lap(1) }

// Close implements video.Writer.
func (s *lapSink) Close() error { return nil }

// Abort implements video.Writer.
func (s *lapSink) Abort() {}
