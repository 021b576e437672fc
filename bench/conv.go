package main

import (
	"errors"
	"fmt"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
)

// costliest is how many shapes of convolutions are measured.
const costliest = 20

// conv measures single convolutions, forward and both gradients, of the shapes
// that cost most in the configuration's training step. A repeat is all of them,
// once each.
func conv(job Job, c *config.Config) (_ *Result, err error) {
	shapes, err := convShapes(c)
	if err != nil {
		return nil, err
	}
	shapes = shapes[:min(len(shapes), costliest)]
	s := graph.New(tensorflow.Float)
	s.UseKernels(c.Run.Device)
	var layers []*convLayer
	for i, shape := range shapes {
		layers = append(layers, newConvLayer(s.WithTraining(true).Sub(graph.Numbered("conv", i)), shape))
	}
	sess, err := session(s, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sess.Close()) }()

	result := &Result{Seconds: make([]float64, job.Repeats)}
	r := random.New(c.Seed)
	for _, l := range layers {
		if err := l.measure(sess, r, job, result); err != nil {
			return nil, fmt.Errorf("%s: %w", l.shape, err)
		}
	}
	result.SetupSeconds = time.Since(processStart).Seconds()
	result.PeakBytes, err = peakBytes()
	return result, err
}

// convLayer is a convolution with its gradients.
type convLayer struct {
	shape convShape
	x, dy tensorflow.Output
	all   []*tensorflow.Operation
}

func newConvLayer(s *graph.Scope, shape convShape) *convLayer {
	l := &convLayer{shape: shape}
	layer := graph.NewConv2D(s.Sub("layer"), shape.in, shape.out, shape.kernel, graph.ConvOptions{PadBefore: shape.before, PadAfter: shape.after, Stride: shape.stride})
	l.x = s.Placeholder("x", tensorflow.Float, int64(shape.n), int64(shape.h), int64(shape.w), int64(shape.in))
	var y tensorflow.Output
	if shape.up {
		y = layer.ApplyUp(s, l.x)
	} else {
		y = layer.Apply(s, l.x)
	}
	if s.Err() != nil {
		return l
	}
	var dims []int64
	for _, d := range s.Shape(y) {
		dims = append(dims, int64(d))
	}
	l.dy = s.Placeholder("dy", tensorflow.Float, dims...)
	grads, err := s.Graph().AddGradients(s.Path()+"/gradients", []tensorflow.Output{y},
		[]tensorflow.Output{l.x, layer.Kernel.Value, layer.Bias.Value}, []tensorflow.Output{l.dy})
	if err != nil {
		s.Fail(err)
		return l
	}
	l.all = []*tensorflow.Operation{y.Op}
	for _, g := range grads {
		l.all = append(l.all, g.Op)
	}
	return l
}

// measure adds the layer's times to the result.
func (l *convLayer) measure(sess *tf.Session, r *random.Rand, job Job, result *Result) error {
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	for _, to := range []tensorflow.Output{l.x, l.dy} {
		shape, err := to.Shape().ToSlice()
		if err != nil {
			return err
		}
		total := int64(1)
		for _, d := range shape {
			total *= d
		}
		values := make([]float32, total)
		for i := range values {
			values[i] = float32(r.Float64()) - 0.5
		}
		if feeds[to], err = tf.NewTensor(values, shape...); err != nil {
			return err
		}
	}
	m := newMeter(job)
	for !m.done() {
		if _, err := sess.Run(feeds, nil, l.all); err != nil {
			return err
		}
		if err := m.lap(1); err != nil {
			return err
		}
	}
	for i, s := range m.seconds {
		result.Seconds[i] += s
	}
	result.CPUSeconds += m.cpu.Seconds()
	result.Parts = append(result.Parts, Part{Name: l.shape.String(), Seconds: median(m.seconds), Times: l.shape.times})
	return nil
}
