package prioritycut

import (
	"math"

	"github.com/prioritycut/prioritycut/internal/random"
)

// DrawK draws k for n samples by p.KLaw, each in [p.KMin, p.KMax] and rounded to
// float32, the dtype that Mask takes.
func DrawK(r *random.Rand, n int, p Params) []float32 {
	k := make([]float32, n)
	for i := range k {
		if i > 0 && p.KPer == PerBatch {
			k[i] = k[0]
			continue
		}
		k[i] = float32(drawK(r, p))
	}
	return k
}

func drawK(r *random.Rand, p Params) float64 {
	switch p.KLaw {
	case FixedLaw:
		return p.KMax
	case BetaLaw:
		// The conversions keep processors from fusing products and sums.
		share := drawBeta(r, p.KAlpha, p.KBeta)
		return math.Min(p.KMin+float64((p.KMax-p.KMin)*share), p.KMax)
	}
	return r.Uniform(p.KMin, p.KMax)
}

// drawBeta draws from Beta(a, b): x / (x + y) of two Gamma draws.
func drawBeta(r *random.Rand, a, b float64) float64 {
	x, y := drawLogGamma(r, a), drawLogGamma(r, b)
	return 1 / (1 + math.Exp(y-x))
}

// drawLogGamma draws the logarithm of Gamma(a, 1) (Marsaglia and Tsang, "A
// simple method for generating gamma variables", 2000). Small a give draws that
// only their logarithm can hold.
func drawLogGamma(r *random.Rand, a float64) float64 {
	boost := 0.0
	if a < 1 {
		boost = math.Log(1-r.Float64()) / a
		a++
	}
	d := a - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.Normal()
		v := 1 + float64(c*x)
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float64()) < float64(x*x/2)+d-float64(d*v)+float64(d*math.Log(v)) {
			return math.Log(d*v) + boost
		}
	}
}
