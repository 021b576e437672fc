package random

import (
	"math"
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The numbers below must never be edited: runs on disc depend on them.
func TestStreamsNeverChange(t *testing.T) {
	r := New(1, 2, 3)
	bits := []uint64{r.Uint64(), r.Uint64(), r.Uint64()}
	r = New(-7)
	reals := []float64{r.Float64(), r.Float64(), r.Uniform(-3, 5)}
	r = New(0, 0)
	reals = append(reals, r.Normal(), r.Normal())
	r = New(0)
	small, large, perm := r.IntN(10), r.IntN(1<<62), r.Perm(8)

	check := func(name string, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s changed (-want +got):\n%s", name, diff)
		}
	}
	check("Uint64", []uint64{0x78af197c58f90c3b, 0x573212e1e9e5fe67, 0x2e76919743bbaf1f}, bits)
	check("reals", []float64{0.8239321242111768, 0.4368604504643183, -2.9635718605425163,
		1.1466430708462272, 0.7162051026524797}, reals)
	check("IntN(10)", 1, small)
	check("IntN(1<<62)", 3637744094617072976, large)
	check("Perm", []int{2, 6, 7, 1, 3, 4, 0, 5}, perm)
	check("Label", uint64(6274014667240787150), Label("tps"))
}

func TestLabelsAreTold(t *testing.T) {
	seen := map[uint64][]uint64{}
	add := func(seed int64, labels ...uint64) {
		first := New(seed, labels...).Uint64()
		if other, ok := seen[first]; ok {
			t.Errorf("seed %d labels %v and %v give the same stream", seed, labels, other)
		}
		seen[first] = append([]uint64{uint64(seed)}, labels...)
	}
	for seed := int64(-4); seed < 4; seed++ {
		add(seed)
		for a := uint64(0); a < 20; a++ {
			add(seed, a)
			for b := uint64(0); b < 20; b++ {
				add(seed, a, b)
			}
		}
	}
	add(0, 0, 0, 0)
}

// Neighbouring labels are what a training run uses: the first draws over them
// have to look independent.
func TestNeighbouringStreamsAreUniform(t *testing.T) {
	const n, bins = 100000, 64
	var counts [bins]float64
	var product float64
	for i := uint64(0); i < n; i++ {
		x, y := New(5, i).Float64(), New(5, i+1).Float64()
		counts[int(x*bins)]++
		product += (x - 0.5) * (y - 0.5) * 12
	}
	var chi2 float64
	for _, c := range counts {
		chi2 += (c - n/bins) * (c - n/bins) / (n / bins)
	}
	// 63 degrees of freedom: mean 63, standard deviation 11.2.
	if chi2 < 25 || chi2 > 120 {
		t.Errorf("chi square over neighbouring streams is %.1f, far from 63", chi2)
	}
	if c := product / n; math.Abs(c) > 5/math.Sqrt(n) {
		t.Errorf("neighbouring streams are correlated by %.4f", c)
	}
}

func TestDistributions(t *testing.T) {
	const n = 200000
	r := New(11)
	var mean, square, fourth, heads float64
	for i := 0; i < n; i++ {
		x := r.Normal()
		mean += x / n
		square += x * x / n
		fourth += x * x * x * x / n
		if r.Bool() {
			heads += 1.0 / n
		}
		if u := r.Uniform(-2, 3); u < -2 || u > 3 {
			t.Fatalf("Uniform(-2, 3) gave %v", u)
		}
	}
	near := func(name string, got, want, tolerance float64) {
		t.Helper()
		if math.Abs(got-want) > tolerance {
			t.Errorf("%s is %.4f, want %.4f", name, got, want)
		}
	}
	near("mean of Normal", mean, 0, 0.012)
	near("variance of Normal", square, 1, 0.017)
	near("fourth moment of Normal", fourth, 3, 0.12)
	near("share of true", heads, 0.5, 0.006)
}

func TestIntNIsUniformAndInRange(t *testing.T) {
	r := New(3)
	var counts [7]int
	for i := 0; i < 70000; i++ {
		counts[r.IntN(7)]++
	}
	for i, c := range counts {
		if c < 9500 || c > 10500 {
			t.Errorf("IntN(7) gave %d %d times of 70000", i, c)
		}
	}
	for _, n := range []int{0, -5} {
		if got := r.IntN(n); got != 0 {
			t.Errorf("IntN(%d) = %d, want 0", n, got)
		}
	}
	// A bound that refuses nearly half of the draws.
	for i := 0; i < 100; i++ {
		if got := r.IntN(math.MaxInt64/2 + 2); got < 0 || got > math.MaxInt64/2+1 {
			t.Fatalf("IntN gave %d", got)
		}
	}
}

func TestPermIsUniform(t *testing.T) {
	r := New(4)
	counts := map[[4]int]int{}
	for i := 0; i < 48000; i++ {
		counts[[4]int(r.Perm(4))]++
	}
	if len(counts) != 24 {
		t.Fatalf("%d of 24 permutations seen", len(counts))
	}
	for p, c := range counts {
		sorted := p
		sort.Ints(sorted[:])
		if sorted != [4]int{0, 1, 2, 3} {
			t.Errorf("%v is no permutation", p)
		}
		if c < 1750 || c > 2250 {
			t.Errorf("%v was seen %d times of 48000, want about 2000", p, c)
		}
	}
	if p := r.Perm(-1); len(p) != 0 {
		t.Errorf("Perm(-1) = %v", p)
	}
}
