package fomm

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/prioritycut"
)

// The random inputs of a step.
const (
	drawTheta         = "theta"
	drawControlParams = "control_params"
	drawK             = "k"
	drawBoxes         = "boxes"
)

// Draws implements model.Family. All kinds are drawn whatever the variant, so
// that variants differ in nothing else.
func (f *Family) Draws(n, h, w int) []model.Draw {
	t, cut := f.Train.Transform, f.Train.Cut
	points := t.PointsTPS * t.PointsTPS
	batch := int64(n)
	return []model.Draw{
		// The affine part of the random warp, [I|0] plus noise.
		{Name: drawTheta, Dims: []int64{batch, 2, 3}, Values: func(r *random.Rand) any { return affine(r, n, t.SigmaAffine) }},
		// The weights of its control points.
		{Name: drawControlParams, Dims: []int64{batch, 1, int64(points)}, Values: func(r *random.Rand) any { return normal(r, n*points, t.SigmaTPS) }},
		// The fractions of PriorityCut's masks.
		{Name: drawK, DType: tensorflow.Float, Dims: []int64{batch}, Values: func(r *random.Rand) any { return prioritycut.DrawK(r, n, cut) }},
		// The boxes of vanilla CutMix.
		{Name: drawBoxes, DType: tensorflow.Int32, Dims: []int64{batch, 5}, Values: func(r *random.Rand) any { return prioritycut.DrawBoxes(r, n, h, w, cut) }},
	}
}

// affine draws n matrices [I|0] + N(0, sigma^2), row by row.
func affine(r *random.Rand, n int, sigma float64) []float64 {
	identity := [6]float64{1, 0, 0, 0, 1, 0}
	theta := normal(r, len(identity)*n, sigma)
	for i := range theta {
		theta[i] += identity[i%len(identity)]
	}
	return theta
}

// normal draws n numbers from N(0, sigma^2).
func normal(r *random.Rand, n int, sigma float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		// The conversion keeps processors from fusing it with a later addition.
		values[i] = float64(sigma * r.Normal())
	}
	return values
}
