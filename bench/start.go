package main

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// start measures how long after its start a process has animated its first
// frame: libraries and weights are loaded, graph and session made, the source
// encoded.
func start(ctx context.Context, job Job, c *config.Config) (_ *Result, err error) {
	a, err := animate.Open(job.Model, infer.Options{Batch: 1, Session: tf.SessionConfig{Device: c.Run.Device, MemoryGrowth: true}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	h, w := a.Size()
	r := random.New(c.Seed)
	source, driving := noise(r, w, h), noise(r, w, h)
	sink := &clockSink{}
	open := func(ctx context.Context) (video.Reader, error) {
		return video.Sequence(ctx, 1, func(int) (*video.Frame, error) { return driving, nil }), nil
	}
	if _, err := a.Video(ctx, animate.Job{Source: source, Driving: open}, sink); err != nil {
		return nil, err
	}
	seconds := sink.at - job.Started
	used, err := cpuTime()
	if err != nil {
		return nil, err
	}
	peak, err := peakBytes()
	return &Result{Seconds: []float64{seconds}, CPUSeconds: used.Seconds(), SetupSeconds: seconds, PeakBytes: peak}, err
}

// clockSink remembers when the last frame came.
type clockSink struct{ at float64 }

// Write implements video.Writer.
func (s *clockSink) Write(*video.Frame) (err error) {
	s.at, err = monotonic()
	return err
}

// Close implements video.Writer.
func (s *clockSink) Close() error { return nil }

// Abort implements video.Writer.
func (s *clockSink) Abort() {}

// monotonic are the seconds of a clock that all processes of the machine share
// and nobody sets.
func monotonic() (float64, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return float64(t.Sec) + float64(t.Nsec)/1e9, err
}
