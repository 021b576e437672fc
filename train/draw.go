package train

import (
	"github.com/prioritycut/prioritycut/internal/random"
)

// Draws are the random numbers of one attempt at a step by the names of the
// family's random inputs, but for those that choose and vary the pictures, which
// are the data set's.
type Draws map[string]any

// Draw draws the numbers of an attempt. They are a pure function of seed,
// attempt and options: each kind has a stream of its own, named
// (seed, "step", attempt, kind), and samples follow each other in it. This must
// never change: resumed runs would go on with other numbers.
func Draw(seed, attempt int64, o StepOptions) Draws {
	draws := Draws{}
	for _, d := range o.Family.Draws(o.Batch, o.Height, o.Width) {
		draws[d.Name] = d.Values(random.New(seed, random.Label("step"), uint64(attempt), random.Label(d.Name)))
	}
	return draws
}
