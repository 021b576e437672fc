package graph

import (
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
)

// Stage is a part of the forward pass whose maps are kept for the backward pass: all
// that is computed from its entries. Stages that do not need each other take turns
// (InTurn), so that one's maps are gone before the next one's are made.
type Stage struct {
	entries []tensorflow.Output
}

// Enter hands x on into the stage.
func (t *Stage) Enter(s *Scope, x tensorflow.Output) tensorflow.Output {
	y := s.Identity("entry", x)
	if y.Op != nil {
		t.entries = append(t.entries, y)
	}
	return y
}

// InTurn lets each stage begin when the one before it has been differentiated: when
// every operation of the given gradients that reads its maps has run. Operations
// that need a later stage are not waited for. Values stay what they are.
func (s *Scope) InTurn(gradients []tensorflow.Output, stages ...*Stage) {
	if s.b.err != nil || len(gradients) == 0 {
		return
	}
	var used []*Stage
	for _, t := range stages {
		if len(t.entries) > 0 {
			used = append(used, t)
		}
	}
	if len(used) < 2 {
		return
	}
	needed := s.needed(gradients)
	for i, next := range used[1:] {
		var later []tensorflow.Output
		for _, t := range used[i+1:] {
			later = append(later, t.entries...)
		}
		done := s.Barrier(s.readers(used[i], needed, reached(later, ""))...)
		if s.b.err != nil {
			return
		}
		for _, entry := range next.entries {
			if err := tf.RunAfter(entry.Op, done); err != nil {
				s.Fail(err)
				return
			}
		}
	}
}

// readers are outputs of the gradients' operations that read what a stage computes
// on the way forward, without those behind later stages, in the order in which they
// were built.
func (s *Scope) readers(t *Stage, needed, behind map[string]bool) []tensorflow.Output {
	read := map[string]bool{}
	members, stack := map[string]bool{}, append([]tensorflow.Output(nil), t.entries...)
	for len(stack) > 0 {
		o := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, c := range o.Consumers() {
			name := c.Op.Name()
			switch {
			case !needed[name]:
			case s.differentiates(name):
				read[name] = true
			case !members[name]:
				members[name] = true
				stack = append(stack, outputsOf(c.Op)...)
			}
		}
	}
	var list []tensorflow.Output
	for _, op := range s.b.graph.Operations() {
		if name := op.Name(); read[name] && !behind[name] && op.NumOutputs() > 0 {
			list = append(list, op.Output(0))
		}
	}
	return list
}

// differentiates reports whether an operation is one of the gradients'.
func (s *Scope) differentiates(name string) bool {
	return strings.HasPrefix(name, s.b.replicas.prefix()+gradientScope)
}

// needed are the names of the operations that the outputs are computed from.
func (s *Scope) needed(outputs []tensorflow.Output) map[string]bool {
	from := map[string][]string{} // the inputs of each operation
	for _, op := range s.b.graph.Operations() {
		name := op.Name()
		for _, o := range outputsOf(&op) {
			for _, c := range o.Consumers() {
				consumer := c.Op.Name()
				from[consumer] = append(from[consumer], name)
			}
		}
	}
	needed := map[string]bool{}
	var stack []string
	for _, o := range outputs {
		if o.Op != nil {
			stack = append(stack, o.Op.Name())
		}
	}
	for len(stack) > 0 {
		name := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !needed[name] {
			needed[name] = true
			stack = append(stack, from[name]...)
		}
	}
	return needed
}
