package prioritycut

import (
	"fmt"
	"math"
	"slices"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// sample is one map of each kind, row-major, exact in the dtype it is meant for.
type sample struct {
	occlusion, background []float64
	k                     float32
}

// want is what Mask must give for a sample, by a stable sort.
type want struct {
	mask, foreground []float64
	fraction         float64
	saturated        bool
}

func referenceMask(in sample, p Params) want {
	out := want{mask: make([]float64, len(in.occlusion)), foreground: make([]float64, len(in.occlusion))}
	cutValue, restValue := 0.0, 1.0
	if p.Polarity == RealAtOccluded {
		cutValue, restValue = 1, 0
	}
	var order []int
	for i, alpha := range in.background {
		out.mask[i] = restValue
		if alpha > p.BGThreshold {
			out.foreground[i] = 1
			continue
		}
		out.foreground[i] = in.occlusion[i]
		order = append(order, i)
	}
	base := len(order)
	if p.KOf == OfImage {
		base = len(in.occlusion)
	}
	n := min(int(math.Floor(float64(in.k)*float64(base))), len(order))
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case in.occlusion[a] < in.occlusion[b]:
			return -1
		case in.occlusion[a] > in.occlusion[b]:
			return 1
		}
		return 0
	})
	for _, i := range order[:n] {
		out.mask[i] = cutValue
	}
	out.fraction = float64(len(in.occlusion)-len(order)) / float64(len(in.occlusion))
	out.saturated = n == len(order)
	return out
}

// masker is a graph with one mask for maps of any size.
type masker struct {
	dtype                    tensorflow.DataType
	params                   Params
	occlusion, background, k tensorflow.Output
	out                      MaskOutputs
	session                  interface {
		Run(map[tensorflow.Output]*tensorflow.Tensor, []tensorflow.Output, []*tensorflow.Operation) ([]*tensorflow.Tensor, error)
	}
}

func newMasker(tb testing.TB, dtype tensorflow.DataType, p Params) *masker {
	tb.Helper()
	s := graph.New(dtype)
	m := &masker{dtype: dtype, params: p}
	m.occlusion = s.Placeholder("occlusion", dtype, -1, -1, -1, -1)
	m.background = s.Placeholder("background", dtype, -1, -1, -1, -1)
	m.k = s.Placeholder("k", tensorflow.Float, -1)
	m.out = Mask(s, m.occlusion, m.background, m.k, p)
	m.session = tftest.NewSession(tb, s)
	return m
}

func (m *masker) run(feeds map[tensorflow.Output]*tensorflow.Tensor) ([]*tensorflow.Tensor, error) {
	return m.session.Run(feeds, []tensorflow.Output{m.out.Mask, m.out.Foreground, m.out.BackgroundFraction}, nil)
}

// check runs samples of h x w pixels as one batch and compares every element.
func (m *masker) check(t *testing.T, what string, h, w int, batch []sample) {
	t.Helper()
	var occlusion, background []float64
	var k []float32
	for _, in := range batch {
		occlusion, background, k = append(occlusion, in.occlusion...), append(background, in.background...), append(k, in.k)
	}
	dims := []int64{int64(len(batch)), int64(h), int64(w), 1}
	out, err := m.run(map[tensorflow.Output]*tensorflow.Tensor{
		m.occlusion:  tftest.Tensor(t, m.dtype, occlusion, dims...),
		m.background: tftest.Tensor(t, m.dtype, background, dims...),
		m.k:          tftest.Of(t, k, dims[0]),
	})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	mask, foreground, fraction := tftest.Values(t, out[0]), tftest.Values(t, out[1]), tftest.Values(t, out[2])
	for n, in := range batch {
		want := referenceMask(in, m.params)
		from, to := n*h*w, (n+1)*h*w
		if at := firstDifference(mask[from:to], want.mask); at >= 0 {
			t.Fatalf("%s, sample %d of %dx%d, k %v: mask is %v at pixel %d, want %v", what, n, h, w, in.k, mask[from+at], at, want.mask[at])
		}
		if at := firstDifference(foreground[from:to], want.foreground); at >= 0 {
			t.Fatalf("%s, sample %d of %dx%d: foreground is %v at pixel %d, want %v", what, n, h, w, foreground[from+at], at, want.foreground[at])
		}
		if math.Abs(fraction[n]-want.fraction) > 1e-7 {
			t.Fatalf("%s, sample %d of %dx%d: background fraction is %v, want %v", what, n, h, w, fraction[n], want.fraction)
		}
	}
}

func firstDifference(got, want []float64) int {
	for i := range want {
		if got[i] != want[i] {
			return i
		}
	}
	return -1
}

// valueLaws draw occlusion maps, from common ones to those that are hard on
// selection: ties, few distinct values, huge ranges, neighbouring numbers.
var valueLaws = map[string]func(r *random.Rand, i, pixels int) float64{
	"uniform":     func(r *random.Rand, i, pixels int) float64 { return r.Float64() },
	"ties":        func(r *random.Rand, i, pixels int) float64 { return float64(r.IntN(4)) / 4 },
	"constant":    func(r *random.Rand, i, pixels int) float64 { return 0.25 },
	"ascending":   func(r *random.Rand, i, pixels int) float64 { return float64(i) / float64(pixels) },
	"descending":  func(r *random.Rand, i, pixels int) float64 { return 1 - float64(i)/float64(pixels) },
	"zeros":       func(r *random.Rand, i, pixels int) float64 { return math.Copysign(0, r.Float64()-0.5) },
	"signed":      func(r *random.Rand, i, pixels int) float64 { return r.Normal() },
	"exponential": func(r *random.Rand, i, pixels int) float64 { return math.Ldexp(1+r.Float64(), r.IntN(250)-126) },
	"extreme": func(r *random.Rand, i, pixels int) float64 {
		return []float64{-math.MaxFloat32, math.MaxFloat32, 0, math.Copysign(0, -1), 1}[r.IntN(5)]
	},
	"denormal":   func(r *random.Rand, i, pixels int) float64 { return math.Ldexp(float64(r.IntN(9)-4), -149) },
	"neighbours": func(r *random.Rand, i, pixels int) float64 { return 0.5 + math.Ldexp(float64(r.IntN(3)), -24) },
	"one outlier": func(r *random.Rand, i, pixels int) float64 {
		if i == pixels/2 {
			return -1e30
		}
		return 0.5 + r.Float64()*1e-3
	},
	"saturated sigmoid": func(r *random.Rand, i, pixels int) float64 { return 1 / (1 + math.Exp(-20*r.Normal())) },
}

// alphaLaws draw background alphas around the threshold.
var alphaLaws = map[string]func(r *random.Rand, threshold float64) float64{
	"mixed":    func(r *random.Rand, threshold float64) float64 { return r.Float64() },
	"none":     func(r *random.Rand, threshold float64) float64 { return 0 },
	"all":      func(r *random.Rand, threshold float64) float64 { return 1 },
	"at it":    func(r *random.Rand, threshold float64) float64 { return threshold },
	"around":   func(r *random.Rand, threshold float64) float64 { return threshold + float64(r.IntN(3)-1)*1e-9 },
	"few left": func(r *random.Rand, threshold float64) float64 { return min(1, 0.02+r.Float64()*50) },
}

func drawSample(r *random.Rand, dtype tensorflow.DataType, pixels int, p Params, value func(*random.Rand, int, int) float64, alpha func(*random.Rand, float64) float64) sample {
	in := sample{k: drawTestK(r, pixels)}
	exact := func(v float64) float64 { return v }
	if dtype == tensorflow.Float {
		exact = func(v float64) float64 { return float64(float32(v)) }
	}
	for i := 0; i < pixels; i++ {
		in.occlusion = append(in.occlusion, exact(value(r, i, pixels)))
		in.background = append(in.background, exact(alpha(r, p.BGThreshold)))
	}
	return in
}

// drawTestK draws a k, often one where the floor of the product is at stake.
func drawTestK(r *random.Rand, pixels int) float32 {
	switch r.IntN(5) {
	case 0:
		return 0
	case 1:
		return 1
	case 2:
		k := float32(r.IntN(pixels+1)) / float32(pixels)
		return min(max(math.Nextafter32(k, float32(r.IntN(2))), 0), 1)
	default:
		return float32(r.Float64())
	}
}

// allParams are both bases and polarities, with thresholds that float32 cannot
// hold rounded in either direction.
func allParams() []Params {
	var all []Params
	for _, base := range []Base{OfForeground, OfImage} {
		for i, polarity := range []Polarity{FakeAtOccluded, RealAtOccluded} {
			p := DefaultParams()
			p.KOf, p.Polarity, p.BGThreshold = base, polarity, []float64{0.9, 0.05}[i]
			all = append(all, p)
		}
	}
	return all
}

// TestMaskAgainstSort compares thousands of maps with a stable sort.
func TestMaskAgainstSort(t *testing.T) {
	sizes := [][2]int{{1, 1}, {1, 7}, {5, 1}, {3, 4}, {8, 8}, {7, 9}, {1, 65}, {16, 8}, {20, 31}, {40, 40}}
	compared := 0
	for _, dtype := range []tensorflow.DataType{tensorflow.Float, tensorflow.Double} {
		for _, p := range allParams() {
			m := newMasker(t, dtype, p)
			r := random.New(3, uint64(dtype))
			for _, size := range sizes {
				var batch []sample
				for _, valueLaw := range sortedKeys(valueLaws) {
					for _, alphaLaw := range sortedKeys(alphaLaws) {
						batch = append(batch, drawSample(r, dtype, size[0]*size[1], p, valueLaws[valueLaw], alphaLaws[alphaLaw]))
					}
				}
				m.check(t, fmt.Sprintf("%s, k of %s, %s", dtypeNames[dtype], p.KOf, p.Polarity), size[0], size[1], batch)
				compared += len(batch)
			}
		}
	}
	if compared < 5000 {
		t.Errorf("only %d maps were compared", compared)
	}
}

// TestMaskOfLargeMaps takes maps large enough for several passes of selection.
func TestMaskOfLargeMaps(t *testing.T) {
	p := DefaultParams()
	for _, dtype := range []tensorflow.DataType{tensorflow.Float, tensorflow.Double} {
		m := newMasker(t, dtype, p)
		r := random.New(4)
		for _, law := range sortedKeys(valueLaws) {
			in := drawSample(r, dtype, 200*330, p, valueLaws[law], alphaLaws["mixed"])
			in.k = float32(r.Float64())
			m.check(t, law, 200, 330, []sample{in})
		}
	}
}

func TestMaskOfLargeBatch(t *testing.T) {
	p := DefaultParams()
	m := newMasker(t, tensorflow.Float, p)
	r := random.New(5)
	var batch []sample
	for i := 0; i < 1500; i++ {
		batch = append(batch, drawSample(r, tensorflow.Float, 9*11, p, valueLaws["ties"], alphaLaws["mixed"]))
	}
	m.check(t, "batch of 1500", 9, 11, batch)
	m.check(t, "batch of none", 9, 11, nil)
}

// TestMaskCutsTheLeastFirst is a map small enough to see.
func TestMaskCutsTheLeastFirst(t *testing.T) {
	in := sample{
		occlusion:  []float64{0.5, 0.25, 0.25, 0.125, 0, 0.25},
		background: []float64{0, 0, 0, 0, 1, 0.5},
		k:          0.5, // of five foreground pixels, or of six: 2 and 3
	}
	for base, mask := range map[Base][]float64{
		OfForeground: {1, 0, 1, 0, 1, 1},
		OfImage:      {1, 0, 0, 0, 1, 1},
	} {
		p := DefaultParams()
		p.KOf = base
		if got := referenceMask(in, p).mask; !slices.Equal(got, mask) {
			t.Errorf("k of %s: the reference cuts %v, want %v", base, got, mask)
		}
		newMasker(t, tensorflow.Float, p).check(t, string(base), 2, 3, []sample{in})
	}
}

// TestThresholdIsExact holds float32's neighbours of a decimal against it:
// float32(0.05) is above 0.05 and so background, float32(0.9) is below 0.9.
func TestThresholdIsExact(t *testing.T) {
	for threshold, background := range map[float64]float64{0.05: 1, 0.9: 0} {
		p := DefaultParams()
		p.BGThreshold = threshold
		in := sample{occlusion: []float64{0.5}, background: []float64{float64(float32(threshold))}, k: 1}
		if got := referenceMask(in, p).fraction; got != background {
			t.Fatalf("the reference gives background fraction %v for %v, want %v", got, threshold, background)
		}
		newMasker(t, tensorflow.Float, p).check(t, "float", 1, 1, []sample{in})
		in.background[0] = math.Nextafter(threshold, 1)
		newMasker(t, tensorflow.Double, p).check(t, "double", 1, 1, []sample{in})
		in.background[0] = threshold
		newMasker(t, tensorflow.Double, p).check(t, "double", 1, 1, []sample{in})
	}
}

func TestSaturated(t *testing.T) {
	r := random.New(6)
	for _, p := range allParams() {
		var occlusion, background []float64
		var k []float32
		count := 0
		for i := 0; i < 40; i++ {
			in := drawSample(r, tensorflow.Float, 12, p, valueLaws["uniform"], alphaLaws["mixed"])
			occlusion, background, k = append(occlusion, in.occlusion...), append(background, in.background...), append(k, in.k)
			if referenceMask(in, p).saturated {
				count++
			}
		}
		s := graph.New(tensorflow.Float)
		m := Mask(s, s.Values(occlusion, 40, 3, 4, 1), s.Values(background, 40, 3, 4, 1), s.Const(k), p)
		got := tftest.Evaluate(t, s, Saturated(s, m, p))[0][0]
		if math.Abs(got-float64(count)/40) > 1e-6 {
			t.Errorf("k of %s, %s: %v are saturated, want %v", p.KOf, p.Polarity, got, float64(count)/40)
		}
		if count == 0 || count == 40 {
			t.Errorf("k of %s: %d of 40 shows nothing", p.KOf, count)
		}
	}
}

func TestDrawK(t *testing.T) {
	p := DefaultParams()
	p.KMin, p.KMax = 0.1, 0.3
	k := DrawK(random.New(7), 4000, p)
	mean := 0.0
	for _, v := range k {
		if v < float32(p.KMin) || v > float32(p.KMax) {
			t.Fatalf("k is %v, outside [%v, %v]", v, p.KMin, p.KMax)
		}
		mean += float64(v) / float64(len(k))
	}
	if math.Abs(mean-0.2) > 0.005 || slices.Min(k) > 0.101 || slices.Max(k) < 0.299 {
		t.Errorf("mean %v, least %v, greatest %v: not uniform on [0.1, 0.3]", mean, slices.Min(k), slices.Max(k))
	}
	if again := DrawK(random.New(7), 4000, p); !slices.Equal(k, again) {
		t.Error("one stream gives two draws")
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
