package graph

import (
	"fmt"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// Gradients returns d(y)/d(v) for the scalar y and each variable. A variable
// that y does not depend on is an error that names it.
func (s *Scope) Gradients(y tensorflow.Output, vars []*Variable) []tensorflow.Output {
	x := make([]tensorflow.Output, len(vars))
	for i, v := range vars {
		x[i] = v.Value
	}
	out := s.GradientsOf(y, x)
	if s.b.err != nil {
		return nil
	}
	var cut []string
	for i, o := range out {
		if o.Op == nil || o.Index < 0 {
			cut = append(cut, vars[i].Name)
		}
	}
	if len(cut) > 0 {
		s.Failf("the loss %s does not depend on %s", y.Op.Name(), strings.Join(cut, ", "))
		return nil
	}
	return out
}

// gradientScope begins the names of the gradients' operations.
const gradientScope = "gradients_"

// GradientsOf returns d(y)/d(x) of the scalar y for each x. TensorFlow reports a gradient that
// is cut off not as an error but as an output with index -1.
func (s *Scope) GradientsOf(y tensorflow.Output, x []tensorflow.Output) []tensorflow.Output {
	if s.b.err != nil || y.Op == nil {
		return nil
	}
	if len(x) == 0 {
		return nil
	}
	if s.narrow(y, x); s.b.err != nil {
		return nil
	}
	prefix := fmt.Sprintf("%s%s%d", s.b.replicas.prefix(), gradientScope, s.b.gradients)
	s.b.gradients++
	// Left to itself TensorFlow makes the first gradient in the form of y, so that
	// nothing is differentiated before all of y is known.
	one := s.ScalarOf(y.DataType(), 1)
	if s.b.err != nil {
		return nil
	}
	out, err := s.b.graph.AddGradients(prefix, []tensorflow.Output{y}, x, []tensorflow.Output{one})
	if err != nil {
		s.Failf("gradients of %s: %w", y.Op.Name(), err)
		return nil
	}
	return out
}

// Optimiser moves variables against their gradients.
type Optimiser interface {
	// Reads lists what Apply needs besides the gradients; a barrier in front of
	// the updates must wait for it.
	Reads() []tensorflow.Output
	// Apply moves the variables, behind barrier.
	Apply(s *Scope, grads []tensorflow.Output, barrier *tensorflow.Operation) []*tensorflow.Operation
}

// Adam is PyTorch's form of the optimiser,
//
//	m = b1 m + (1-b1) g,  v = b2 v + (1-b2) g^2,
//	w = w - lr * m/(1-b1^t) / (sqrt(v/(1-b2^t)) + epsilon).
//
// TensorFlow adds epsilon before the correction of v, so its kernel is handed
// epsilon * sqrt(1-b2^t): the same number. In float32 the kernel rounds 1-b2,
// which makes steps differ from PyTorch's by some 6e-6 of their size.
type Adam struct {
	// Beta1 and Beta2 are the decay rates, Epsilon the smallest divisor.
	Beta1, Beta2, Epsilon float64
	// Step counts the steps taken, t-1 of the formula.
	Step *Variable

	vars         []*Variable
	first        []*Variable
	second       []*Variable
	lr           tensorflow.Output
	beta1, beta2 tensorflow.Output
	eps          tensorflow.Output
}

// NewAdam makes the slots <variable>.exp_avg and <variable>.exp_avg_sq and the
// count of steps, <name>.step, in scope s. The rate lr is a scalar of the
// graph's dtype.
func NewAdam(s *Scope, name string, vars []*Variable, lr tensorflow.Output, beta1, beta2, epsilon float64) *Adam {
	a := &Adam{Beta1: beta1, Beta2: beta2, Epsilon: epsilon, vars: vars, lr: lr}
	a.Step = s.VariableOf(tensorflow.Int64, name+".step", Slot, Zeros)
	for _, v := range vars {
		dims := v.sizes()
		a.first = append(a.first, s.Variable(v.Name+".exp_avg", Slot, Zeros, dims...))
		a.second = append(a.second, s.Variable(v.Name+".exp_avg_sq", Slot, Zeros, dims...))
	}

	// Powers in float64: 0.999^t in float32 drifts over a long run.
	next := s.Add(a.Step.Value, s.ScalarOf(tensorflow.Int64, 1))
	t := s.Cast(next, tensorflow.Double)
	power := func(beta float64) tensorflow.Output {
		return s.Op("Pow", nil, s.ScalarOf(tensorflow.Double, beta), t)
	}
	beta1Power, beta2Power := power(beta1), power(beta2)
	a.beta1, a.beta2 = s.Cast(beta1Power, s.b.dtype), s.Cast(beta2Power, s.b.dtype)
	correction := s.Sqrt(s.OneMinus(beta2Power))
	a.eps = s.Cast(s.Scale(correction, epsilon), s.b.dtype)
	s.Update(a.Step, next)
	return a
}

// Reads implements Optimiser.
func (a *Adam) Reads() []tensorflow.Output {
	return []tensorflow.Output{a.beta1, a.beta2, a.eps, a.lr}
}

// Apply implements Optimiser.
func (a *Adam) Apply(s *Scope, grads []tensorflow.Output, barrier *tensorflow.Operation) []*tensorflow.Operation {
	if s.b.err != nil {
		return nil
	}
	if len(grads) != len(a.vars) {
		s.Failf("%d gradients for %d variables", len(grads), len(a.vars))
		return nil
	}
	ops := make([]*tensorflow.Operation, len(a.vars))
	for i, v := range a.vars {
		ops[i] = s.AddOp("ResourceApplyAdam", nil, []*tensorflow.Operation{barrier},
			v.handle, a.first[i].handle, a.second[i].handle,
			a.beta1, a.beta2, a.lr, s.Scalar(a.Beta1), s.Scalar(a.Beta2), a.eps, grads[i])
	}
	return ops
}

// Slots returns the first and second moment of the i-th variable.
func (a *Adam) Slots(i int) (first, second *Variable) { return a.first[i], a.second[i] }

// Barrier is an operation that runs when all of the given outputs exist. One
// between N values and N updates makes 2N edges instead of N^2.
func (s *Scope) Barrier(after ...tensorflow.Output) *tensorflow.Operation {
	seen := map[string]bool{}
	var control []*tensorflow.Operation
	for _, o := range after {
		if o.Op == nil || seen[o.Op.Name()] {
			continue
		}
		seen[o.Op.Name()] = true
		control = append(control, o.Op)
	}
	return s.AddOp("NoOp", nil, control)
}

// BarrierIf is a Barrier behind which nothing runs unless the scalar flag is
// true: what waits for it is left out of the step, and is no error.
func (s *Scope) BarrierIf(flag tensorflow.Output, after ...tensorflow.Output) *tensorflow.Operation {
	chosen := s.AddOp("Switch", nil, nil, flag, flag)
	if chosen == nil {
		return nil
	}
	return s.AddOp("NoOp", nil, []*tensorflow.Operation{s.Barrier(after...), s.AddOp("Identity", nil, nil, chosen.Output(1))})
}

// After is x, handed on once op has run.
func (s *Scope) After(op *tensorflow.Operation, x tensorflow.Output) tensorflow.Output {
	if op == nil {
		return tensorflow.Output{}
	}
	after := s.AddOp("Identity", nil, []*tensorflow.Operation{op}, x)
	if after == nil {
		return tensorflow.Output{}
	}
	return after.Output(0)
}
