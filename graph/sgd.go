package graph

import (
	tensorflow "github.com/wamuir/graft/tensorflow"
)

// SGD is stochastic gradient descent with momentum in PyTorch's form,
//
//	b = momentum * b + g,  w = w - lr * b.
//
// The buffers start at 0, which makes the first one the gradient itself.
type SGD struct {
	// Momentum is the share of the last buffer that is kept, in [0, 1).
	Momentum float64

	vars    []*Variable
	buffers []*Variable
	lr      tensorflow.Output
}

// MomentumSuffix ends the names of the slots that keep a momentum.
const MomentumSuffix = ".momentum_buffer"

// NewSGD makes the slots <variable>.momentum_buffer in scope s. The rate lr is
// a scalar of the graph's dtype.
func NewSGD(s *Scope, vars []*Variable, lr tensorflow.Output, momentum float64) *SGD {
	o := &SGD{Momentum: momentum, vars: vars, lr: lr}
	for _, v := range vars {
		dims := make([]int, len(v.Dims))
		for i, d := range v.Dims {
			dims[i] = int(d)
		}
		o.buffers = append(o.buffers, s.Variable(v.Name+MomentumSuffix, Slot, Zeros, dims...))
	}
	return o
}

// Buffer returns the slot of the i-th variable.
func (o *SGD) Buffer(i int) *Variable { return o.buffers[i] }

// Reads implements Optimiser.
func (o *SGD) Reads() []tensorflow.Output { return []tensorflow.Output{o.lr} }

// Apply implements Optimiser.
func (o *SGD) Apply(s *Scope, grads []tensorflow.Output, barrier *tensorflow.Operation) []*tensorflow.Operation {
	if s.b.err != nil {
		return nil
	}
	if len(grads) != len(o.vars) {
		s.Failf("%d gradients for %d variables", len(grads), len(o.vars))
		return nil
	}
	ops := make([]*tensorflow.Operation, len(o.vars))
	for i, v := range o.vars {
		ops[i] = s.AddOp("ResourceApplyMomentum", nil, []*tensorflow.Operation{barrier},
			v.handle, o.buffers[i].handle, o.lr, grads[i], s.Scalar(o.Momentum))
	}
	return ops
}
