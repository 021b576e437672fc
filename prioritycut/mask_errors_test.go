package prioritycut

import (
	"math"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// TestBadValuesMakeTheSampleNaN expects all outputs of the sample to be NaN, and
// those of the others to be numbers.
func TestBadValuesMakeTheSampleNaN(t *testing.T) {
	const n, h, w = 3, 4, 5
	at := func(sample, y, x int) int { return (sample*h+y)*w + x }
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		name                  string
		occlusion, background map[int]float64 // pixels that differ from 0.5
		k                     []float32
		spoilt                []bool
	}{
		{"nothing", nil, nil, []float32{0, 0.5, 1}, []bool{false, false, false}},
		{"NaN occlusion", map[int]float64{at(1, 2, 3): nan}, nil, nil, []bool{false, true, false}},
		{"NaN background", nil, map[int]float64{at(2, 3, 4): nan}, nil, []bool{false, false, true}},
		{"NaN under a background pixel", map[int]float64{at(0, 0, 1): nan}, map[int]float64{at(0, 0, 1): 1}, nil, []bool{true, false, false}},
		{"two samples", map[int]float64{at(0, 1, 1): inf, at(2, 0, 0): nan}, nil, nil, []bool{true, false, true}},
		{"infinite background", nil, map[int]float64{at(0, 0, 0): -inf}, nil, []bool{true, false, false}},
		{"NaN k", nil, nil, []float32{0, float32(nan), 0}, []bool{false, true, false}},
		{"negative k", nil, nil, []float32{0, 0, -0.25}, []bool{false, false, true}},
		{"k above 1", nil, nil, []float32{1.5, 0, 0}, []bool{true, false, false}},
	}
	for _, dtype := range []tensorflow.DataType{tensorflow.Float, tensorflow.Double} {
		m := newMasker(t, dtype, DefaultParams())
		for _, test := range tests {
			fill := func(odd map[int]float64) *tensorflow.Tensor {
				values := make([]float64, n*h*w)
				for i := range values {
					values[i] = 0.5
					if v, ok := odd[i]; ok {
						values[i] = v
					}
				}
				return tftest.Tensor(t, dtype, values, n, h, w, 1)
			}
			k := test.k
			if k == nil {
				k = make([]float32, n)
			}
			out, err := m.run(map[tensorflow.Output]*tensorflow.Tensor{
				m.occlusion: fill(test.occlusion), m.background: fill(test.background), m.k: tftest.Of(t, k, n),
			})
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			for _, tensor := range out {
				values := tftest.Values(t, tensor)
				for i, v := range values {
					if sample := i * n / len(values); math.IsNaN(v) != test.spoilt[sample] {
						t.Fatalf("%s: value %d of sample %d is %v", test.name, i, sample, v)
					}
				}
			}
		}
	}
}

// TestMaskRefusesShapes feeds shapes that were open while the graph was built.
func TestMaskRefusesShapes(t *testing.T) {
	m := newMasker(t, tensorflow.Float, DefaultParams())
	zeros := func(dims ...int64) *tensorflow.Tensor {
		size := int64(1)
		for _, d := range dims {
			size *= d
		}
		return tftest.Of(t, make([]float32, size), dims...)
	}
	tests := []struct {
		name                     string
		occlusion, background, k *tensorflow.Tensor
		parts                    []string
	}{
		{"two channels", zeros(2, 3, 4, 2), zeros(2, 3, 4, 2), zeros(2), []string{"occlusion", "[2,3,4,2]"}},
		{"other height", zeros(2, 3, 4, 1), zeros(2, 5, 4, 1), zeros(2), []string{"background", "[2,3,4,1]", "[2,5,4,1]"}},
		{"other batch", zeros(2, 3, 4, 1), zeros(1, 3, 4, 1), zeros(2), []string{"background", "[1,3,4,1]"}},
		{"too few k", zeros(2, 3, 4, 1), zeros(2, 3, 4, 1), zeros(1), []string{"k must have one value", "2 samples", "[1]"}},
		{"no pixels", zeros(2, 0, 4, 1), zeros(2, 0, 4, 1), zeros(2), []string{"occlusion", "[2,0,4,1]", "0 pixels"}},
	}
	for _, test := range tests {
		_, err := m.run(map[tensorflow.Output]*tensorflow.Tensor{
			m.occlusion: test.occlusion, m.background: test.background, m.k: test.k,
		})
		expectInvalid(t, test.name, err, test.parts)
	}
}

func expectInvalid(t *testing.T, name string, err error, parts []string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
		return
	}
	if tf.Code(err) != tf.InvalidArgument {
		t.Errorf("%s: the code is %v, want InvalidArgument", name, tf.Code(err))
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %q lacks %q", name, err, part)
		}
	}
}

// TestMaskRefusesWhileBuilding has what is known before the first run.
func TestMaskRefusesWhileBuilding(t *testing.T) {
	build := func(change func(p *Params), occlusion, background []int64, k int64) error {
		p := DefaultParams()
		change(&p)
		s := graph.New(tensorflow.Float)
		Mask(s, s.Placeholder("occlusion", tensorflow.Float, occlusion...),
			s.Placeholder("background", tensorflow.Float, background...), s.Placeholder("k", tensorflow.Float, k), p)
		return s.Err()
	}
	keep := func(*Params) {}
	tests := []struct {
		name string
		err  error
		part string
	}{
		{"channels", build(keep, []int64{2, 3, 4, 2}, []int64{2, 3, 4, 1}, 2), "occlusion map"},
		{"rank", build(keep, []int64{2, 3, 4, 1}, []int64{2, 3, 4}, 2), "background alpha"},
		{"height", build(keep, []int64{2, 3, 4, 1}, []int64{2, 5, 4, 1}, 2), "3 and 5"},
		{"batch", build(keep, []int64{2, 3, 4, 1}, []int64{2, 3, 4, 1}, 3), "2 and 3"},
		{"threshold", build(func(p *Params) { p.BGThreshold = math.NaN() }, []int64{2, 3, 4, 1}, []int64{2, 3, 4, 1}, 2), "bg_threshold"},
		{"base", build(func(p *Params) { p.KOf = "picture" }, []int64{2, 3, 4, 1}, []int64{2, 3, 4, 1}, 2), "k_of"},
		{"polarity", build(func(p *Params) { p.Polarity = "" }, []int64{2, 3, 4, 1}, []int64{2, 3, 4, 1}, 2), "polarity"},
	}
	for _, test := range tests {
		if test.err == nil || !strings.Contains(test.err.Error(), test.part) {
			t.Errorf("%s: %v lacks %q", test.name, test.err, test.part)
		}
	}
	if err := build(keep, []int64{2, 3, 4, 1}, []int64{-1, 3, -1, 1}, -1); err != nil {
		t.Errorf("open sizes that agree are refused: %v", err)
	}
}

// TestMaskShapesAreInferred merges what each input knows.
func TestMaskShapesAreInferred(t *testing.T) {
	s := graph.New(tensorflow.Float)
	m := Mask(s, s.Placeholder("occlusion", tensorflow.Float, -1, 3, -1, 1),
		s.Placeholder("background", tensorflow.Float, -1, -1, 4, -1), s.Placeholder("k", tensorflow.Float, 2), DefaultParams())
	s.Want("mask", m.Mask, 2, 3, 4, 1)
	s.Want("foreground", m.Foreground, 2, 3, 4, 1)
	s.Want("background fraction", m.BackgroundFraction, 2)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	for i, size := range []int64{2, 3, 4, 1} {
		if got := m.Mask.Shape().Size(i); got != size {
			t.Errorf("axis %d of the mask is %d while building, want %d", i, got, size)
		}
	}
}

// TestThresholdMustBeADouble hands the op what only other programs would.
func TestThresholdMustBeADouble(t *testing.T) {
	newMasker(t, tensorflow.Float, DefaultParams()) // loads the library
	for name, threshold := range map[string]*tensorflow.Tensor{
		"float": tftest.Of(t, []float32{0.9}), "vector": tftest.Of(t, []float64{0.9, 0.9}, 2), "NaN": tftest.Of(t, []float64{math.NaN()}),
	} {
		s := graph.New(tensorflow.Float)
		one := s.Values([]float64{1}, 1, 1, 1, 1)
		op := s.Op("PriorityCutMask", graph.Attrs{"bg_threshold": threshold}, one, one, s.Const([]float32{1}))
		_, err := tftest.NewSession(t, s).Run(nil, []tensorflow.Output{op}, nil)
		expectInvalid(t, name, err, []string{"bg_threshold"})
	}
}

// TestMaskIsAConstant differentiates a mix whose mask depends on x: only the
// path beside the mask counts.
func TestMaskIsAConstant(t *testing.T) {
	s := graph.New(tensorflow.Double)
	x := s.Values([]float64{0.1, 0.4, 0.3, 0.2}, 1, 2, 2, 1)
	m := Mask(s, x, s.Values(make([]float64, 4), 1, 2, 2, 1), s.Const([]float32{0.5}), DefaultParams())
	alone := s.GradientsOf(s.Sum(m.Mask), []tensorflow.Output{x})
	foreground := s.GradientsOf(s.Sum(m.Foreground), []tensorflow.Output{x})
	mixed := s.GradientsOf(s.Sum(Mix(s, s.Scale(x, 3), s.Scale(x, 5), m.Mask)), []tensorflow.Output{x})
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if alone[0].Index >= 0 || foreground[0].Index >= 0 {
		t.Errorf("gradients through the mask: %v, %v", alone[0], foreground[0])
	}
	got := tftest.Evaluate(t, s, mixed[0])[0]
	if want := []float64{5, 3, 3, 5}; firstDifference(got, want) >= 0 {
		t.Errorf("the gradient of the mix is %v, want %v", got, want)
	}
}
