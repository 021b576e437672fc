package ablation

import (
	"math"

	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// Effect is how much one variant differs from another, paired: runs of the same
// seed, the same frames of the same videos.
type Effect struct {
	// Difference is averaged over seeds; its interval Low to High is over videos,
	// the seeds being those that were trained.
	compare.Difference
	// BySeed are the differences of each seed.
	BySeed []float64
	// SeedLow and SeedHigh bound the 95 % interval over seeds (Student's t), the
	// videos being those that were measured; absent for a single seed.
	SeedLow, SeedHigh result.Value
	// Verdict is better or worse where both intervals say so (of one seed, where
	// that over videos does), else undecided.
	Verdict compare.Verdict
}

// noEffect is that of what was not measured.
func noEffect() Effect {
	none := result.Absent()
	return Effect{
		Difference: compare.Difference{Mean: none, CI95: none, Low: none, High: none},
		SeedLow:    none, SeedHigh: none, Verdict: compare.Unknown,
	}
}

// effectOf pairs runs of two variants, seed by seed.
func effectOf(a, b []*compare.Values, m result.Measure) (Effect, error) {
	e := noEffect()
	var err error
	if e.Difference, err = compare.Pair(a, b, m); err != nil {
		return e, err
	}
	if !e.Mean.Known() {
		return e, nil
	}
	e.Verdict = compare.Judge(m, e.Low, e.High)
	for k := range a {
		one, err := compare.Pair(a[k:k+1], b[k:k+1], m)
		if err != nil {
			return e, err
		}
		if one.Mean.Finite() {
			e.BySeed = append(e.BySeed, float64(one.Mean))
		}
	}
	if len(e.BySeed) < 2 {
		return e, nil
	}
	mean, half := overSeeds(e.BySeed)
	e.SeedLow, e.SeedHigh = result.Value(mean-half), result.Value(mean+half)
	if compare.Judge(m, e.SeedLow, e.SeedHigh) != e.Verdict {
		e.Verdict = compare.Undecided
	}
	return e, nil
}

// overSeeds is the mean of values, one per seed, and half the width of its 95 %
// interval after Student; NaN for fewer than two.
func overSeeds(values []float64) (mean, half float64) {
	var m metric.Moments
	for _, v := range values {
		m.Add(v)
	}
	return m.Mean, studentQuantile(m.N-1) * m.SD() / math.Sqrt(float64(m.N))
}

// student are the 97.5 % quantiles of Student's t from 1 degree of freedom on.
var student = []float64{
	12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
	2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
}

// studentQuantile is the 97.5 % quantile for a number of degrees of freedom,
// beyond the table by the first terms of Cornish and Fisher's expansion, which
// are right to four digits there.
func studentQuantile(degrees int) float64 {
	switch {
	case degrees < 1:
		return math.NaN()
	case degrees <= len(student):
		return student[degrees-1]
	}
	const z = 1.959964
	const z3 = z * z * z
	const z5 = z3 * z * z
	const z7 = z5 * z * z
	n := float64(degrees)
	return z + (z3+z)/(4*n) + (5*z5+16*z3+3*z)/(96*n*n) + (3*z7+19*z5+17*z3-15*z)/(384*n*n*n)
}
