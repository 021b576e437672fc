package metric

import (
	"math"
	"sort"

	"github.com/prioritycut/prioritycut/internal/random"
)

// Moments are mean and spread of numbers that come one by one. The zero value
// has none.
type Moments struct {
	N    int
	Mean float64
	// M2 is the sum of squared differences from the mean.
	M2 float64
}

// MomentsOf are the moments of n numbers with a mean and a sample standard
// deviation, which counts as 0 for fewer than two.
func MomentsOf(n int, mean, sd float64) Moments {
	m := Moments{N: n, Mean: mean}
	if n == 0 {
		m.Mean = 0
	}
	if n > 1 {
		m.M2 = sd * sd * float64(n-1)
	}
	return m
}

// Add adds a number.
func (m *Moments) Add(x float64) {
	m.N++
	d := x - m.Mean
	m.Mean += d / float64(m.N)
	m.M2 += d * (x - m.Mean)
}

// Merge adds the numbers of other moments.
func (m *Moments) Merge(o Moments) {
	if o.N == 0 {
		return
	}
	n := m.N + o.N
	d := o.Mean - m.Mean
	m.Mean += d * float64(o.N) / float64(n)
	m.M2 += o.M2 + d*d*float64(m.N)*float64(o.N)/float64(n)
	m.N = n
}

// SD is the standard deviation of the sample (divided by n-1), NaN for fewer
// than two numbers.
func (m Moments) SD() float64 {
	if m.N < 2 {
		return math.NaN()
	}
	return math.Sqrt(m.M2 / float64(m.N-1))
}

// CI95 is half the width of the 95 % interval of the mean, 1.96 s/sqrt(n), for
// independent numbers; NaN for fewer than two.
func (m Moments) CI95() float64 { return 1.96 * m.SD() / math.Sqrt(float64(m.N)) }

// Draws is how often BootstrapVideos draws.
const Draws = 4000

// BootstrapVideos is the 95 % interval of a mean over all frames, from whole
// videos drawn anew with replacement: frames of one video resemble one another,
// videos do not. Each video has the moments of its frames; those without any
// are left out. The bounds are the 2.5 and 97.5 percentiles of Draws draws that
// follow from the seed alone; NaN for fewer than two videos.
func BootstrapVideos(videos []Moments, seed int64) (low, high float64) {
	var with []Moments
	for _, v := range videos {
		if v.N > 0 {
			with = append(with, v)
		}
	}
	if len(with) < 2 {
		return math.NaN(), math.NaN()
	}
	r := random.New(seed, random.Label("bootstrap over videos"))
	means := make([]float64, Draws)
	for i := range means {
		sum, n := 0.0, 0.0
		for range with {
			v := with[r.IntN(len(with))]
			sum += v.Mean * float64(v.N)
			n += float64(v.N)
		}
		means[i] = sum / n
	}
	sort.Float64s(means)
	return percentile(means, 0.025), percentile(means, 0.975)
}

// percentile of sorted numbers, linear between them.
func percentile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-2)
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
