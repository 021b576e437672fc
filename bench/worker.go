package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/train"
	"github.com/prioritycut/prioritycut/video"
)

// work measures one job in this process: our side of the protocol.
func work(ctx context.Context, in io.Reader, out io.Writer) error {
	var job Job
	if err := json.NewDecoder(in).Decode(&job); err != nil {
		return fmt.Errorf("reading the job from standard input: %w", err)
	}
	if job.Warmup < 1 || job.Repeats < 1 || job.Pictures < 1 {
		return fmt.Errorf("a job of %d pictures with %d repeats after %d: each must be at least 1", job.Pictures, job.Repeats, job.Warmup)
	}
	c, err := config.Unmarshal([]byte(job.Resolved), "the job's configuration")
	if err != nil {
		return err
	}
	var r *Result
	switch job.Measure {
	case writeModel:
		return writeModelOf(c, job)
	case exportModel:
		return exportModelOf(ctx, job)
	case measureStep:
		r, err = step(job, c)
	case measureReduce:
		r, err = reduce(job, c)
	case measureFrame:
		r, err = frame(ctx, job, c)
	case measureReconstruction:
		r, err = reconstruction(ctx, job, c)
	case measureMask:
		r, err = mask(job, c)
	case measureConv:
		r, err = conv(job, c)
	case measureStart:
		r, err = start(ctx, job, c)
	case measureFidelity:
		r, err = fidelity(job, c)
	default:
		return fmt.Errorf("nothing known is called %q", job.Measure)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", job.Measure, err)
	}
	r.Engine = "TensorFlow " + tensorflow.Version()
	return json.NewEncoder(out).Encode(r)
}

// sessionConfigOf are the settings of sessions that training and evaluation
// compute in.
func sessionConfigOf(r config.RunParams) tf.SessionConfig {
	return tf.SessionConfig{
		Device: r.Device, Deterministic: r.Deterministic, FullFloat32: r.Deterministic || !r.TF32, MixedPrecision: r.Mixed(), MemoryGrowth: true,
		IntraThreads: r.IntraThreads, InterThreads: r.InterThreads,
	}
}

// session initialises the variables of s and returns a session for it.
func session(s *graph.Scope, c *config.Config) (*tf.Session, error) { return sessionWith(s, c, nil) }

// sessionWith is session in a process that has a server.
func sessionWith(s *graph.Scope, c *config.Config, server *tf.Server) (*tf.Session, error) {
	if err := s.Err(); err != nil {
		return nil, err
	}
	settings := sessionConfigOf(c.Run)
	settings.Server = server
	sess, err := tf.NewSession(s.Graph(), settings)
	if err != nil {
		return nil, err
	}
	if err := graph.Initialize(sess, s.Variables(), c.Seed); err != nil {
		return nil, errors.Join(err, sess.Close())
	}
	return sess, nil
}

func countsOf(s *graph.Scope, c *config.Config) map[string]int64 {
	counts := map[string]int64{}
	for _, c := range train.Counts(s, c.Family().Parts()) {
		counts[c.Network] = c.Parameters
	}
	return counts
}

// noise is a picture of random pixels.
func noise(r *random.Rand, w, h int) *video.Frame {
	f := video.NewFrame(w, h)
	for i := range f.Pix {
		f.Pix[i] = uint8(r.IntN(256))
	}
	return f
}
