package main

import (
	"context"
	"errors"
	"math"
	"strconv"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/video"
)

// reconstruction measures how evaluation rebuilds a video from its first frame,
// the mean absolute error included; a repeat is a video, a unit a frame.
func reconstruction(ctx context.Context, job Job, c *config.Config) (_ *Result, err error) {
	h, w := c.Dataset.FrameShape[0], c.Dataset.FrameShape[1]
	film, err := randomFilm(c, job.Pictures, h, w)
	if err != nil {
		return nil, err
	}
	s := graph.New(tensorflow.Float)
	s.UseKernels(c.Run.Device)
	rebuild, err := evaluate.NewReconstructor(s, c.Family().NewAnimator(s), h, w)
	if err != nil {
		return nil, err
	}
	sess, err := session(s, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sess.Close()) }()

	indices := make([]int, job.Pictures)
	for i := range indices {
		indices[i] = i
	}
	m := newMeter(job)
	var sum float64
	for !m.done() {
		sum = 0
		err := rebuild.Video(ctx, sess, film, indices, func(r evaluate.Reconstruction) error {
			for i, v := range r.Driving.Pix {
				sum += math.Abs(float64(r.Prediction[i]) - float64(v)/255)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if err := m.lap(job.Pictures); err != nil {
			return nil, err
		}
	}
	r, err := m.result()
	if err != nil {
		return nil, err
	}
	r.Counts = countsOf(s, c)
	r.Losses = map[string]float64{"l1": sum / float64(job.Pictures*3*h*w)}
	return r, nil
}

// randomFilm is a test video of random pictures.
func randomFilm(c *config.Config, n, h, w int) (dataset.TestVideo, error) {
	r := random.New(c.Seed)
	var frames noiseFilm
	for i := 0; i < n; i++ {
		frames = append(frames, noise(r, w, h))
	}
	data, err := dataset.FromSource(frames, c.Dataset)
	if err != nil {
		return dataset.TestVideo{}, err
	}
	return data.Test()[0], nil
}

// noiseFilm is a data set of one video, and that video.
type noiseFilm []*video.Frame

// Train implements dataset.Source.
func (f noiseFilm) Train() []dataset.Video { return []dataset.Video{f} }

// Test implements dataset.Source.
func (f noiseFilm) Test() []dataset.Video { return []dataset.Video{f} }

// Name implements dataset.Video.
func (f noiseFilm) Name() string { return "noise" + strconv.Itoa(len(f)) }

// Len implements dataset.Video.
func (f noiseFilm) Len() int { return len(f) }

// Frame implements dataset.Video.
func (f noiseFilm) Frame(i int) (*video.Frame, error) { return f[i], nil }
