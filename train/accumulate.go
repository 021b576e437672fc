package train

import (
	"context"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// accumulateScope is where a step keeps the sums over its micro-batches.
const accumulateScope = "accumulated"

// Micro are the runs of a step that takes its batch in micro-batches: Clear once,
// Gather with the feeds of each, and at last the step's Train. Nothing but the sums
// moves before Train, so that an attempt may end at any time and nothing is lost or
// half done. Batch norm takes its statistics over each micro-batch; running averages
// move by the mean over all of what each would have them be, from the same start.
// What depends on no picture (spectral vectors) is the same in all.
type Micro struct {
	// Clear and Gather begin an attempt and take a micro-batch.
	Clear, Gather *tensorflow.Operation
	// Losses, Stats and GradientNorms are those of one micro-batch, for whoever
	// looks for what was not finite.
	Losses, Stats, GradientNorms tensorflow.Output
}

// accumulate puts the sums over all micro-batches in the place of gradients,
// losses, measurements and updates.
func (step *Step) accumulate(sums, s *graph.Scope, o StepOptions, players []*player) {
	if s.Err() != nil {
		return
	}
	step.Micro = &Micro{Losses: s.AllMean(step.Losses), Stats: allMean(s, step.Stats), GradientNorms: normsOf(s, players)}
	a := graph.NewAccumulator(sums, o.parts())
	step.Part = a.Part
	for _, p := range players {
		for i, g := range p.grads {
			dims := make([]int, len(p.vars[i].Dims))
			for k, d := range p.vars[i].Dims {
				dims[k] = int(d)
			}
			p.grads[i] = a.Sum(p.vars[i].Name+".gradient", g, dims...)
		}
	}
	a.Updates()
	step.Losses = a.Mean("losses", step.Losses, len(step.LossNames))
	if len(step.StatNames) > 0 {
		step.Stats = a.Mean("stats", step.Stats, len(step.StatNames))
	}
	step.Micro.Clear, step.Micro.Gather = a.Clear(), a.Gather()
}

// Take makes an attempt at a step and returns the fetches. Where the step
// accumulates, an attempt whose ctx ends between two micro-batches has moved
// nothing; its error is that of ctx.
func (step *Step) Take(ctx context.Context, run graph.Runner, all []map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output) ([]*tensorflow.Tensor, error) {
	if step.Micro != nil {
		if _, err := run.Run(nil, nil, []*tensorflow.Operation{step.Micro.Clear}); err != nil {
			return nil, err
		}
		for _, f := range all {
			if _, err := run.Run(f, nil, []*tensorflow.Operation{step.Micro.Gather}); err != nil {
				return nil, err
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	return run.Run(all[len(all)-1], fetches, []*tensorflow.Operation{step.Train})
}
