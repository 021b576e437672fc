// Package random gives streams of random numbers that are derived from a seed
// and labels, so that each draw of a training run is a pure function of where
// it happens (seed, attempt, sample) and of nothing that happened before.
//
// The meaning of a stream never changes: a run that is resumed years later
// with another version of Go has to go on with the same numbers. So only the
// PCG generator itself is taken from the standard library; the mixing of
// labels and every distribution are written out here and pinned by tests.
// Nothing here is fit for cryptography.
package random

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// Rand is one stream of random numbers. It is not safe for concurrent use:
// derive one stream per goroutine by a label instead.
type Rand struct {
	pcg *rand.PCG
}

// New returns the stream of seed and labels. Streams whose seed, labels, order
// of labels or number of labels differ are independent for all practical
// purposes; equal ones are equal for ever.
func New(seed int64, labels ...uint64) *Rand {
	// Two chains with different starts fill the 128 bits of state.
	hi := mix(uint64(seed) ^ 0x9e3779b97f4a7c15)
	lo := mix(uint64(seed) ^ 0xd1b54a32d192ed03)
	for _, label := range labels {
		hi = mix(hi + 0x9e3779b97f4a7c15 ^ mix(label^0xa0761d6478bd642f))
		lo = mix(lo + 0xd1b54a32d192ed03 ^ mix(label^0xe7037ed1a0b428db))
	}
	return &Rand{pcg: rand.NewPCG(hi, lo)}
}

// Label turns a name into a label for New (64-bit FNV-1a).
func Label(name string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := 0; i < len(name); i++ {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	return h
}

// mix is the finaliser of splitmix64: a bijection in which each bit of the
// input moves about half of the bits of the output.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Uint64 returns 64 random bits.
func (r *Rand) Uint64() uint64 { return r.pcg.Uint64() }

// Float64 returns a number in [0, 1): a multiple of 2^-53.
func (r *Rand) Float64() float64 { return float64(r.Uint64()>>11) * 0x1p-53 }

// Uniform returns a number in [lo, hi) (rounding may give hi itself).
func (r *Rand) Uniform(lo, hi float64) float64 {
	// The conversion forbids a fused multiply-add, which some processors would
	// use and others not.
	return lo + float64((hi-lo)*r.Float64())
}

// Normal returns a number of the standard normal distribution (Box-Muller; two
// uniform draws each).
func (r *Rand) Normal() float64 {
	radius := math.Sqrt(-2 * math.Log(1-r.Float64()))
	return radius * math.Cos(2*math.Pi*r.Float64())
}

// IntN returns a whole number in [0, n), each equally likely; 0 if n is below 1.
func (r *Rand) IntN(n int) int {
	if n < 1 {
		return 0
	}
	// The upper half of a 128-bit product, with the draws refused that would
	// make some numbers likelier than others.
	bound := uint64(n)
	hi, lo := bits.Mul64(r.Uint64(), bound)
	if lo < bound {
		for threshold := -bound % bound; lo < threshold; {
			hi, lo = bits.Mul64(r.Uint64(), bound)
		}
	}
	return int(hi)
}

// Perm returns a permutation of 0..n-1, each equally likely; nothing if n is
// below 1.
func (r *Rand) Perm(n int) []int {
	p := make([]int, max(n, 0))
	for i := range p {
		j := r.IntN(i + 1)
		p[i] = p[j]
		p[j] = i
	}
	return p
}

// Bool returns true and false with equal probability.
func (r *Rand) Bool() bool { return r.Uint64()>>63 == 1 }
