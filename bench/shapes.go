package main

import (
	"fmt"
	"slices"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/train"
)

// convShape is a convolution as a training step has it.
type convShape struct {
	// n maps of h by w pixels; up says that the pixels are repeated to twice the
	// sides first.
	n, h, w, in, out                    int
	kernel, stride, before, after, rows int
	up                                  bool
	// times that the step has it.
	times int
}

func (c convShape) String() string {
	text := fmt.Sprintf("%dx%d %d->%d @%dx%d", c.kernel, c.kernel, c.in, c.out, c.h, c.w)
	if c.up {
		text += " x2"
	}
	if c.stride > 1 {
		text += fmt.Sprintf(" /%d", c.stride)
	}
	if c.n > 1 {
		text += fmt.Sprintf(", batch %d", c.n)
	}
	return text
}

// products of the forward direction, in all its places.
func (c convShape) products() int64 {
	out := int64(c.rows) * int64(c.rows) * int64(c.w) / int64(c.h) // sides in proportion
	return int64(c.times) * int64(c.n) * out * int64(c.kernel*c.kernel) * int64(c.in) * int64(c.out)
}

// convShapes reads the shapes off the graph of a training step of TensorFlow's
// own operations, which of the two it is in float64: those that multiply most
// come first.
func convShapes(c *config.Config) ([]convShape, error) {
	s := graph.New(tensorflow.Double)
	if _, err := train.BuildStep(s, train.OptionsOf(c)); err != nil {
		return nil, err
	}
	times := map[convShape]int{}
	for _, op := range s.Graph().Operations() {
		if op.Type() == "Conv2D" {
			shape, err := convShapeOf(s, &op)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", op.Name(), err)
			}
			times[shape]++
		}
	}
	var list []convShape
	for shape, n := range times {
		shape.times = n
		list = append(list, shape)
	}
	slices.SortFunc(list, func(a, b convShape) int {
		if d := b.products() - a.products(); d != 0 {
			return int(max(-1, min(1, d)))
		}
		return strings.Compare(a.String(), b.String())
	})
	return list, s.Err()
}

// convShapeOf sees through padding and repeated pixels before the convolution.
func convShapeOf(s *graph.Scope, op *tensorflow.Operation) (convShape, error) {
	x, kernel := producer(op, 0), producer(op, 1)
	out, k := s.Shape(op.Output(0)), s.Shape(kernel)
	c := convShape{kernel: k[0], in: k[2], out: k[3], rows: out[1]}
	steps, err := op.Attr("strides")
	if err != nil {
		return c, err
	}
	strides, ok := steps.([]int64)
	if !ok || len(strides) != 4 {
		return c, fmt.Errorf("strides of %v", steps)
	}
	c.stride = int(strides[1])
	for {
		switch before := x.Op.Type(); before {
		case "Pad":
			x = producer(x.Op, 0)
			continue
		case "ResizeNearestNeighbor":
			c.up = true
			x = producer(x.Op, 0)
		}
		break
	}
	d := s.Shape(x)
	c.n, c.h, c.w = d[0], d[1], d[2]
	side := c.h
	if c.up {
		side *= 2
	}
	padding := (out[1]-1)*c.stride + c.kernel - side
	c.before = padding / 2
	c.after = padding - c.before
	if padding < 0 || slices.Min(append(slices.Clone(d), out...)) < 1 {
		return c, fmt.Errorf("a convolution from %v to %v", d, out)
	}
	return c, nil
}

// producer is what an operation's input comes from.
func producer(op *tensorflow.Operation, input int) tensorflow.Output {
	return tensorflow.Consumer{Op: op, Index: input}.Producer()
}
