package graph

import tensorflow "github.com/wamuir/graft/tensorflow"

// Accumulator adds up, over several runs of a part of a graph, what a later run
// needs of all of them. Its sums are Scratch variables: no other variable moves
// in those runs.
type Accumulator struct {
	s     *Scope
	parts int
	// Part is to be fed with the number of parts gathered before, 0 for the first.
	Part tensorflow.Output

	clear, gather []*tensorflow.Operation
}

// NewAccumulator makes one of so many parts, whose variables begin with the name
// of scope s.
func NewAccumulator(s *Scope, parts int) *Accumulator {
	if parts < 1 {
		s.Failf("an accumulator of %d parts", parts)
	}
	return &Accumulator{s: s, parts: parts, Part: s.Placeholder("part", s.b.dtype)}
}

// Sum is the sum of x, of the given sizes, over all parts.
func (a *Accumulator) Sum(name string, x tensorflow.Output, dims ...int) tensorflow.Output {
	v := a.variable(name, dims)
	a.gather = append(a.gather, a.s.AddOp("AssignAddVariableOp", Attrs{"dtype": v.DType}, nil, v.handle, x))
	return v.Value
}

// Mean is the mean of x, of the given sizes, over all parts: x itself, to the
// bit, where it is the same in all of them.
func (a *Accumulator) Mean(name string, x tensorflow.Output, dims ...int) tensorflow.Output {
	v := a.variable(name, dims)
	more := a.s.Div(a.s.Minus(x, v.Value), a.s.Shift(a.Part, 1))
	a.gather = append(a.gather, a.s.Assignment(v, a.s.Add(v.Value, more)))
	return v.Value
}

func (a *Accumulator) variable(name string, dims []int) *Variable {
	v := a.s.Variable(name, Scratch, Zeros, dims...)
	a.clear = append(a.clear, a.s.Assignment(v, a.s.Zeros(v.DType, dims...)))
	return v
}

// Updates lets every update that waits for Commit give its variable the mean of
// what the parts would give it, each from the value that it has now.
func (a *Accumulator) Updates() {
	for _, v := range a.s.b.order {
		a.s.b.pending[v] = a.Mean(v.Name, a.s.b.pending[v], v.sizes()...)
	}
}

// Clear begins anew: all sums are zero behind it.
func (a *Accumulator) Clear() *tensorflow.Operation { return a.s.AddOp("NoOp", nil, a.clear) }

// Gather takes a part. What is built behind it belongs to the later run:
// reductions too.
func (a *Accumulator) Gather() *tensorflow.Operation {
	a.s.b.settled = len(a.s.b.reductions)
	return a.s.AddOp("NoOp", nil, a.gather)
}
