package train

import (
	"math"

	"github.com/golang/glog"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

const (
	// firstScale multiplies the losses of a run in float16 at its start, largestScale
	// at most.
	firstScale, largestScale = 1 << 15, 1 << 24
	// growAfter is the number of steps in a row after which the scale is doubled.
	growAfter = 2000
)

// LossScale multiplies losses before they are differentiated, and gradients are
// divided by it: powers of two, which round nothing. In float16 a gradient would be
// zero below 6e-8 without it. It is halved when gradients grow too large for
// float16 and doubled after many steps without; both are part of a checkpoint.
type LossScale struct {
	// Value is the scale, Taken the number of steps since it last changed.
	Value, Taken *graph.Variable
	// Lower halves the scale and moves nothing else.
	Lower *tensorflow.Operation

	inverse tensorflow.Output
}

// scaleScope begins the names of a scale's variables.
const scaleScope = "loss_scale"

func newLossScale(s *graph.Scope) *LossScale {
	s = s.Sub(scaleScope)
	l := &LossScale{
		Value: s.Variable("value", graph.Slot, graph.Repeat(firstScale)),
		Taken: s.VariableOf(tensorflow.Int64, "taken", graph.Slot, graph.Zeros),
	}
	l.inverse = s.Div(s.Scalar(1), l.Value.Value)
	halved := s.Op("Maximum", nil, s.Scale(l.Value.Value, 0.5), s.Scalar(1))
	l.Lower = s.AddOp("NoOp", nil, []*tensorflow.Operation{
		s.Assignment(l.Value, halved), s.Assignment(l.Taken, s.ScalarOf(tensorflow.Int64, 0)),
	})
	return l
}

// scale multiplies what is differentiated; it does nothing without a scale.
func (l *LossScale) scale(s *graph.Scope, loss tensorflow.Output) tensorflow.Output {
	if l == nil {
		return loss
	}
	return s.Mul(loss, l.Value.Value)
}

// unscale divides gradients, in place.
func (l *LossScale) unscale(s *graph.Scope, grads []tensorflow.Output) {
	if l == nil {
		return
	}
	for i, g := range grads {
		grads[i] = s.Mul(g, l.inverse)
	}
}

// grow doubles the scale, with the step's other updates, when it is time.
func (l *LossScale) grow(s *graph.Scope) {
	if l == nil {
		return
	}
	taken := s.Add(l.Taken.Value, s.ScalarOf(tensorflow.Int64, 1))
	due := s.Op("GreaterEqual", nil, taken, s.ScalarOf(tensorflow.Int64, growAfter))
	doubled := s.Op("Minimum", nil, s.Scale(l.Value.Value, 2), s.Scalar(largestScale))
	s.Update(l.Value, s.Op("SelectV2", nil, due, doubled, l.Value.Value))
	s.Update(l.Taken, s.Op("SelectV2", nil, due, s.ScalarOf(tensorflow.Int64, 0), taken))
}

// lowerScale halves the scale where that is why an attempt was refused: losses and
// measurements are numbers, gradients are not, and the scale is above 1. Then
// nothing is wrong with the attempt, and it is not counted as refused.
func (t *trainer) lowerScale(all []feeds) (bool, error) {
	l := t.step.Scale
	if l == nil {
		return false, nil
	}
	losses, stats := t.step.Losses, t.step.Stats
	if m := t.step.Micro; m != nil {
		losses, stats = m.Losses, m.Stats
	}
	fetches := []tensorflow.Output{l.Value.Value, losses}
	if stats.Op != nil {
		fetches = append(fetches, stats)
	}
	scale := 0.0
	for _, f := range all { // by all workers alike
		fetched, err := t.run.Run(f, fetches, nil)
		if err != nil {
			return false, err
		}
		for i, tensor := range fetched {
			numbers, err := floats(tensor)
			if err != nil {
				return false, err
			}
			for _, x := range numbers {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					return false, nil
				}
			}
			if i == 0 {
				scale = numbers[0]
			}
		}
	}
	if scale <= 1 {
		return false, nil
	}
	if _, err := t.run.Run(nil, nil, []*tensorflow.Operation{l.Lower}); err != nil {
		return false, err
	}
	glog.Infof("step %d: attempt %d changes nothing: gradients of losses scaled by %g do not fit float16; the scale is halved", t.at.Step+1, t.at.Attempt-1, scale)
	return true, nil
}
