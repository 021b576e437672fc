package train

import (
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/prioritycut"
)

// Draws are the random numbers of one attempt at a step, but for those that
// choose and vary the pictures, which are the data set's. N is the batch.
type Draws struct {
	// Theta [N, 2, 3] is the affine part of the random warp, [I|0] plus noise.
	Theta []float64
	// ControlParams [N, 1, P*P] are the weights of its P*P control points.
	ControlParams []float64
	// K [N] are the fractions of PriorityCut's masks.
	K []float32
	// Boxes [N, 5] are the boxes of vanilla CutMix.
	Boxes []int32
}

// Draw draws the numbers of an attempt. They are a pure function of seed,
// attempt and options: each kind has a stream of its own, named
// (seed, "step", attempt, kind), and samples follow each other in it. All kinds
// are drawn whatever the variant, so that variants differ in nothing else. This
// must never change: resumed runs would go on with other numbers.
func Draw(seed, attempt int64, o StepOptions) Draws {
	stream := func(kind string) *random.Rand {
		return random.New(seed, random.Label("step"), uint64(attempt), random.Label(kind))
	}
	points := o.Transform.PointsTPS
	return Draws{
		Theta:         drawTheta(stream("theta"), o.Batch, o.Transform.SigmaAffine),
		ControlParams: drawNormal(stream("control_params"), o.Batch*points*points, o.Transform.SigmaTPS),
		K:             prioritycut.DrawK(stream("k"), o.Batch, o.Cut),
		Boxes:         prioritycut.DrawBoxes(stream("boxes"), o.Batch, o.Height, o.Width, o.Cut),
	}
}

// drawTheta draws n matrices [I|0] + N(0, sigma^2), row by row.
func drawTheta(r *random.Rand, n int, sigma float64) []float64 {
	identity := [6]float64{1, 0, 0, 0, 1, 0}
	theta := drawNormal(r, len(identity)*n, sigma)
	for i := range theta {
		theta[i] += identity[i%len(identity)]
	}
	return theta
}

// drawNormal draws n numbers from N(0, sigma^2).
func drawNormal(r *random.Rand, n int, sigma float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		// The conversion keeps processors from fusing it with a later addition.
		values[i] = float64(sigma * r.Normal())
	}
	return values
}
