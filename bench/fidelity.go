package main

import (
	"errors"
	"math"
	"os"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// mostPSNR stands for pictures without a difference, whose PSNR has no number.
const mostPSNR = 200

// fidelity measures how far frames are from those of the graph of TensorFlow's
// own operations: the PSNR over all pictures, in decibels, of values in [0, 1].
func fidelity(job Job, c *config.Config) (*Result, error) {
	h, w := c.Dataset.FrameShape[0], c.Dataset.FrameShape[1]
	r := random.New(c.Seed)
	source := noise(r, w, h)
	var driving []*video.Frame
	for i := 0; i < job.Pictures; i++ {
		driving = append(driving, noise(r, w, h))
	}
	m := newMeter(Job{Warmup: 1, Repeats: 1})
	own, err := reconstructed(job, source, driving)
	if err != nil {
		return nil, err
	}
	if err := m.lap(1); err != nil {
		return nil, err
	}
	level, limited := os.LookupEnv(tf.KernelsEnv)
	if err := os.Setenv(tf.KernelsEnv, "off"); err != nil {
		return nil, err
	}
	plain, err := reconstructed(job, source, driving)
	if limited {
		err = errors.Join(err, os.Setenv(tf.KernelsEnv, level))
	} else {
		err = errors.Join(err, os.Unsetenv(tf.KernelsEnv))
	}
	if err != nil {
		return nil, err
	}
	if err := m.lap(1); err != nil {
		return nil, err
	}
	result, err := m.result()
	if err != nil {
		return nil, err
	}
	result.PSNR = psnr(own, plain)
	return result, nil
}

// reconstructed are the predictions of a new engine.
func reconstructed(job Job, source *video.Frame, driving []*video.Frame) (_ []float32, err error) {
	e, err := infer.Open(job.Model, infer.Options{Batch: 1, Session: tf.SessionConfig{Device: "cpu"}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	encoded, err := e.Encode(source)
	if err != nil {
		return nil, err
	}
	var all []float32
	for _, d := range driving {
		frames, err := e.Reconstruct(encoded, []*video.Frame{d})
		if err != nil {
			return nil, err
		}
		all = append(all, frames[infer.Prediction]...)
	}
	return all, nil
}

func psnr(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return min(mostPSNR, -10*math.Log10(sum/float64(len(a))))
}
