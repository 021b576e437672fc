package train

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// parts is the number of micro-batches of a batch.
func (o StepOptions) parts() int { return max(o.Accumulate, 1) }

// own is the number of pairs of this replica's part of a batch or, where a batch is
// taken in micro-batches, of one of those.
func (o StepOptions) own() int { return o.Batch / max(o.Replicas.Size, 1) / o.parts() }

// checkShares refuses a batch that cannot be shared alike.
func (o StepOptions) checkShares() error {
	n, m := max(o.Replicas.Size, 1), o.parts()
	switch {
	case n > 1 && o.Batch%n != 0:
		return fmt.Errorf("batch_size is %d, which %v cannot share alike: make it a multiple of %d", o.Batch, o.Replicas, n)
	case o.Batch%(n*m) != 0:
		return fmt.Errorf("batch_size is %d, which %v cannot share alike in %d micro-batches (accumulate_steps): make it a multiple of %d",
			o.Batch, o.Replicas, m, n*m)
	}
	return nil
}

// part is this replica's part, in micro-batch micro, of numbers that are drawn for
// a whole batch. Replicas share every micro-batch, so that its pairs do not depend
// on their number.
func part[T any](o StepOptions, micro int, whole []T) []T {
	row := len(whole) / o.Batch
	from := (micro*max(o.Replicas.Size, 1) + o.Replicas.Rank) * o.own() * row
	return whole[from : from+o.own()*row]
}

// partOfDrawn is part of what a model.Draw gave.
func partOfDrawn(o StepOptions, micro int, values any) any {
	switch v := values.(type) {
	case []float64:
		return part(o, micro, v)
	case []float32:
		return part(o, micro, v)
	case []int32:
		return part(o, micro, v)
	}
	return values
}

// pixels are this replica's pictures of a micro-batch. Devices of one session are
// given those of the whole batch, processes read their part alone.
func pixels(o StepOptions, micro int, given []byte) []byte {
	if o.Replicas.InSession {
		return part(o, micro, given)
	}
	size := o.own() * o.Height * o.Width * 3
	return given[micro*size:][:size]
}

// reduce makes every player's gradients those of all replicas: each minimises
// its share of the mean, and gradients add up.
func reduce(s *graph.Scope, players []*player) {
	if s.Replicas().Size < 2 || s.Err() != nil {
		return
	}
	for _, p := range players {
		shaped := make([]tensorflow.Output, len(p.grads))
		for i, g := range p.grads {
			dims := make([]int, len(p.vars[i].Dims))
			for k, d := range p.vars[i].Dims {
				dims[k] = int(d)
			}
			shaped[i] = s.Reshape(g, dims...) // a graph does not know every gradient's
		}
		p.grads = s.AllReduceAll(shaped)
	}
}

// What replicas tell each other with every step.
const (
	signalStop  = iota // asked to stop
	signalPause        // the chief will be busy after this step
	numSignals
)

// agree reduces what each replica finds of the step, last of all: once its result
// is there nobody waits for anybody, and all have the same one. Whose samples were
// not finite cannot be told: batch norm hands it on to all.
func (step *Step) agree(s *graph.Scope, finite tensorflow.Output) tensorflow.Output {
	refuses := s.OneMinus(s.Cast(finite, s.DType()))
	step.Verdict = s.AllReduce(s.Reduced(s.Concat(0, step.Signals, s.Reshape(refuses, 1))))
	return s.Op("Equal", nil, s.Sum(s.Slice(step.Verdict, []int{numSignals}, []int{1})), s.Scalar(0))
}
