package graph

import tensorflow "github.com/wamuir/graft/tensorflow"

// maxInputs bounds the inputs of operations that are differentiated. Beyond it
// TF_AddGradients (TensorFlow 2.18) walks an operation's inputs in the order of
// their addresses: every process then adds up gradients in another order, and
// the last bits of a run depend on where its graph lay in memory. Joins of more
// are made in groups, and GradientsOf refuses what is wider.
const maxInputs = 8

// AddN sums outputs of one shape.
func (s *Scope) AddN(list ...tensorflow.Output) tensorflow.Output {
	return s.grouped("AddN", list, maxInputs, func(group []tensorflow.Output) tensorflow.Output {
		return s.Op("AddN", nil, tensorflow.OutputList(group))
	})
}

// Concat joins along axis.
func (s *Scope) Concat(axis int, list ...tensorflow.Output) tensorflow.Output {
	// The axis is an input too.
	return s.grouped("ConcatV2", list, maxInputs-1, func(group []tensorflow.Output) tensorflow.Output {
		return s.Op("ConcatV2", nil, tensorflow.OutputList(group), s.ScalarOf(tensorflow.Int32, float64(axis)))
	})
}

// Stack joins outputs of one shape along a new axis.
func (s *Scope) Stack(axis int, list ...tensorflow.Output) tensorflow.Output {
	if len(list) == 0 {
		s.Failf("Pack of nothing")
		return tensorflow.Output{}
	}
	var stacks []tensorflow.Output
	for len(list) > 0 {
		n := min(len(list), maxInputs)
		stacks = append(stacks, s.Op("Pack", Attrs{"axis": int64(axis)}, tensorflow.OutputList(list[:n])))
		list = list[n:]
	}
	return s.Concat(axis, stacks...)
}

// grouped joins a list by operations of at most width inputs each, in a tree:
// neighbours stay neighbours.
func (s *Scope) grouped(opType string, list []tensorflow.Output, width int, join func([]tensorflow.Output) tensorflow.Output) tensorflow.Output {
	if len(list) == 0 {
		s.Failf("%s of nothing", opType)
		return tensorflow.Output{}
	}
	for len(list) > 1 {
		var next []tensorflow.Output
		for len(list) > 0 {
			n := min(len(list), width)
			if n == 1 {
				next = append(next, list[0])
			} else {
				next = append(next, join(list[:n:n]))
			}
			list = list[n:]
		}
		list = next
	}
	return list[0]
}

// narrow fails for an operation between x and y that has too many inputs to be
// differentiated alike in every process.
func (s *Scope) narrow(y tensorflow.Output, x []tensorflow.Output) {
	if len(s.b.wide) == 0 {
		return
	}
	behind := reached(x, "")
	for _, op := range s.b.wide {
		if behind[op.Name()] && (op.Name() == y.Op.Name() || reached(outputsOf(op), y.Op.Name())[y.Op.Name()]) {
			s.Failf("%s (%s) has more than %d inputs: its gradient would differ from process to process; join in groups (AddN, Concat, Stack do)",
				op.Name(), op.Type(), maxInputs)
			return
		}
	}
}

// reached are the names of the operations that depend on any of the outputs;
// the walk ends early at the operation called until.
func reached(from []tensorflow.Output, until string) map[string]bool {
	seen := map[string]bool{}
	for len(from) > 0 && !seen[until] {
		last := from[len(from)-1]
		from = from[:len(from)-1]
		for _, c := range last.Consumers() {
			if name := c.Op.Name(); !seen[name] {
				seen[name] = true
				from = append(from, outputsOf(c.Op)...)
			}
		}
	}
	return seen
}

func outputsOf(op *tensorflow.Operation) []tensorflow.Output {
	list := make([]tensorflow.Output, op.NumOutputs())
	for i := range list {
		list[i] = op.Output(i)
	}
	return list
}
