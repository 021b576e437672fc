package graph

import (
	"math"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

const (
	// muonMomentum is the share of the last momentum that is kept.
	muonMomentum = 0.9
	// muonIterations make a matrix nearly orthogonal.
	muonIterations = 5
	// muonLeast is the least number of rows and columns that make a kernel a matrix
	// worth it.
	muonLeast = 8
	// muonTiny keeps a gradient of nothing from being divided by its norm.
	muonTiny = 1e-30
)

// muonPolynomial are the coefficients of the iteration: steep at 0, so that small
// singular values grow fast, and between 0.68 and 1.14 in the end. Those that the
// method was published with.
var muonPolynomial = [3]float64{3.4445, -4.7750, 2.0315}

// Muon moves the kernels of convolutions by their momentum made orthogonal (Jordan
// and others, 2024): with a gradient g as a matrix of R = height*width*in rows and
// C = out columns,
//
//	m = b m + (1-b) g,  u = b m + (1-b) g,
//	X = u / |u|, five times X = p X + (q A + r A^2) X with A = X X',
//	w = w - lr * scale * sqrt(max(R, C)) * X.
//
// All singular values of X end near 1, whatever those of u were, so that no
// direction of a kernel waits for the others; by the factor the entries of a step
// are of about lr * scale (root of the mean square) whatever the kernel's sizes. Vectors,
// and kernels of fewer than eight outputs, are moved by Adam.
type Muon struct {
	// Adam moves what is no such kernel.
	Adam *Adam
	// Scale is the size of a step in learning rates.
	Scale float64

	vars    []*Variable
	buffers []*Variable // nil for Adam's
	others  []int       // place among Adam's variables
	lr      tensorflow.Output
}

// NewMuon makes the slots <variable>.momentum_buffer of the kernels in scope s; adam
// makes the optimiser of all others. The rate lr is a scalar of the graph's dtype.
func NewMuon(s *Scope, vars []*Variable, lr tensorflow.Output, scale float64, adam func(rest []*Variable) *Adam) *Muon {
	o := &Muon{Scale: scale, vars: vars, buffers: make([]*Variable, len(vars)), others: make([]int, len(vars)), lr: lr}
	var rest []*Variable
	for i, v := range vars {
		if v.isKernelMatrix() {
			o.buffers[i] = s.Variable(v.Name+MomentumSuffix, Slot, Zeros, v.sizes()...)
			continue
		}
		o.others[i] = len(rest)
		rest = append(rest, v)
	}
	o.Adam = adam(rest)
	return o
}

// isKernelMatrix reports whether Muon moves v.
func (v *Variable) isKernelMatrix() bool {
	return len(v.Dims) == 4 && min(v.Dims[0]*v.Dims[1]*v.Dims[2], v.Dims[3]) >= muonLeast
}

// Slots are what is kept of the i-th variable: its momentum, or Adam's moments.
func (o *Muon) Slots(i int) []*Variable {
	if b := o.buffers[i]; b != nil {
		return []*Variable{b}
	}
	first, second := o.Adam.Slots(o.others[i])
	return []*Variable{first, second}
}

// Reads implements Optimiser.
func (o *Muon) Reads() []tensorflow.Output {
	reads := append(o.Adam.Reads(), o.lr)
	for _, b := range o.buffers {
		if b != nil {
			reads = append(reads, b.Value)
		}
	}
	return reads
}

// Apply implements Optimiser.
func (o *Muon) Apply(s *Scope, grads []tensorflow.Output, barrier *tensorflow.Operation) []*tensorflow.Operation {
	if s.b.err != nil {
		return nil
	}
	if len(grads) != len(o.vars) {
		s.Failf("%d gradients for %d variables", len(grads), len(o.vars))
		return nil
	}
	var ops []*tensorflow.Operation
	var rest []tensorflow.Output
	behind := []*tensorflow.Operation{barrier}
	for i, v := range o.vars {
		if o.buffers[i] == nil {
			rest = append(rest, grads[i])
			continue
		}
		momentum, step := o.step(s, v, o.buffers[i], grads[i])
		assign := func(v *Variable, value tensorflow.Output) {
			ops = append(ops, s.AddOp("AssignVariableOp", Attrs{"dtype": v.DType}, behind, v.handle, value))
		}
		assign(o.buffers[i], momentum)
		assign(v, s.Minus(v.Value, step))
	}
	return append(ops, o.Adam.Apply(s, rest, barrier)...)
}

// step is the new momentum of a kernel and what is to be taken from its weights.
func (o *Muon) step(s *Scope, v, buffer *Variable, g tensorflow.Output) (momentum, step tensorflow.Output) {
	blend := func(m tensorflow.Output) tensorflow.Output {
		return s.Add(s.Scale(m, muonMomentum), s.Scale(g, 1-muonMomentum))
	}
	momentum = blend(buffer.Value)
	d := v.sizes()
	rows, columns := d[0]*d[1]*d[2], d[3]
	x := s.orthogonal(s.Reshape(blend(momentum), rows, columns), rows, columns)
	size := o.Scale * math.Sqrt(float64(max(rows, columns)))
	return momentum, s.Reshape(s.Mul(s.Scale(x, size), o.lr), d...)
}

// orthogonal is x [rows, columns] with its singular values brought near 1: those
// of a quarter of a thousandth of its norm and more, smaller ones grow.
func (s *Scope) orthogonal(x tensorflow.Output, rows, columns int) tensorflow.Output {
	p, q, r := muonPolynomial[0], muonPolynomial[1], muonPolynomial[2]
	product := func(a, b tensorflow.Output, ta, tb bool) tensorflow.Output {
		return s.Op("MatMul", Attrs{"transpose_a": ta, "transpose_b": tb}, a, b)
	}
	tall := rows >= columns // the smaller of both squares is made
	x = s.Div(x, s.Shift(s.Sqrt(s.Sum(s.Square(x), 0, 1)), muonTiny))
	for range muonIterations {
		a := product(x, x, tall, !tall)
		b := s.Add(s.Scale(a, q), s.Scale(product(a, a, false, false), r))
		if tall {
			x = s.Add(s.Scale(x, p), product(x, b, false, false))
		} else {
			x = s.Add(s.Scale(x, p), product(b, x, false, false))
		}
	}
	return x
}
