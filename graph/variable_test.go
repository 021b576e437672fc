package graph

import (
	"math"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf/tftest"
)

func TestInitializers(t *testing.T) {
	s := New(tensorflow.Float)
	uniform := s.Variable("uniform", Trainable, UniformFanIn(100), 40, 250)
	unitVector := s.Variable("unit", State, UnitNormal, 50)
	pattern := s.Variable("pattern", Trainable, Repeat(1, 0, 0, 1), 6)
	values := uniform.Initial(1)
	sum, squares, lo, hi := 0.0, 0.0, 1.0, -1.0
	for _, v := range values {
		sum, squares = sum+v, squares+v*v
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	n := float64(len(values))
	// U(-0.1, 0.1): standard deviation 0.1/sqrt(3).
	if lo < -0.1 || hi > 0.1 || lo > -0.0999 || hi < 0.0999 {
		t.Errorf("values from %v to %v, want all of [-0.1, 0.1]", lo, hi)
	}
	if mean, deviation := sum/n, math.Sqrt(squares/n); math.Abs(mean) > 0.002 || math.Abs(deviation-0.1/math.Sqrt(3)) > 0.001 {
		t.Errorf("mean %v and deviation %v, want 0 and %v", mean, deviation, 0.1/math.Sqrt(3))
	}
	direction := unitVector.Initial(1)
	if length := math.Sqrt(dot(direction, direction)); math.Abs(length-1) > 1e-15 {
		t.Errorf("a direction of length %v", length)
	}
	near(t, "pattern", pattern.Initial(1), []float64{1, 0, 0, 1, 1, 0}, 0)
}

// TestInitialValuesAreIndependent: first values depend on seed and name alone.
func TestInitialValuesAreIndependent(t *testing.T) {
	draw := func(before int, name string, seed int64) []float64 {
		s := New(tensorflow.Float)
		for i := 0; i < before; i++ {
			s.Variable("other"+string(rune('a'+i)), Trainable, UniformFanIn(4), 3)
		}
		return s.Sub("net").Variable(name, Trainable, UniformFanIn(4), 8).Initial(seed)
	}
	want := draw(0, "weight", 1)
	near(t, "with more variables in front", draw(3, "weight", 1), want, 0)
	for what, other := range map[string][]float64{"another name": draw(0, "bias", 1), "another seed": draw(0, "weight", 2)} {
		same := 0
		for i := range want {
			if other[i] == want[i] {
				same++
			}
		}
		if same > 0 {
			t.Errorf("%s: %d of %d values are the same", what, same, len(want))
		}
	}
}

func TestInitializeAssignFetch(t *testing.T) {
	for name, dtype := range dtypes {
		s := New(dtype)
		drawn := s.Sub("net").Variable("weight", Trainable, UniformFanIn(4), 2, 3)
		ones := s.Sub("norm").Variable("weight", Trainable, Ones, 4)
		slot := s.VariableOf(tensorflow.Int64, "step", Slot, Zeros)
		session := tftest.NewSession(t, s)
		if err := Initialize(session, s.Variables(), 7); err != nil {
			t.Fatal(err)
		}
		fetched, err := Fetch(session, s.Variables())
		if err != nil {
			t.Fatal(err)
		}
		near(t, name+": drawn", tftest.Values(t, fetched[drawn]), drawn.Initial(7), 1e-7)
		near(t, name+": ones", tftest.Values(t, fetched[ones]), ones.Initial(7), 0)
		near(t, name+": counter", tftest.Values(t, fetched[slot]), []float64{0}, 0)

		want := []float64{1, 2, 3, 4, 5, 6}
		if err := Assign(session, map[*Variable]*tensorflow.Tensor{
			drawn: tftest.Tensor(t, dtype, want, 2, 3), slot: tftest.Tensor(t, tensorflow.Int64, []float64{9}),
		}); err != nil {
			t.Fatal(err)
		}
		got := tftest.Run(t, session, nil, drawn.Value, slot.Value, ones.Value)
		near(t, name+": assigned", got[0], want, 0)
		near(t, name+": assigned counter", got[1], []float64{9}, 0)
		near(t, name+": left alone", got[2], []float64{1, 1, 1, 1}, 0)
	}
}

func TestAssignRefuses(t *testing.T) {
	s := New(tensorflow.Float)
	v := s.Sub("net").Variable("weight", Trainable, Ones, 2, 3)
	session := tftest.NewSession(t, s)
	for what, value := range map[string]*tensorflow.Tensor{
		"another shape": tftest.Tensor(t, tensorflow.Float, make([]float64, 6), 3, 2),
		"another rank":  tftest.Tensor(t, tensorflow.Float, make([]float64, 6), 6),
		"another dtype": tftest.Tensor(t, tensorflow.Double, make([]float64, 6), 2, 3),
	} {
		err := Assign(session, map[*Variable]*tensorflow.Tensor{v: value})
		if err == nil || !strings.Contains(err.Error(), "net.weight") {
			t.Errorf("%s: error is %v, want one that names net.weight", what, err)
		}
	}
	if err := Assign(session, nil); err != nil {
		t.Errorf("assigning nothing: %v", err)
	}
	if _, err := Fetch(session, []*Variable{v}); err == nil {
		t.Error("a variable without a value is fetched")
	}
}

func TestVariables(t *testing.T) {
	s := New(tensorflow.Double)
	a := s.Sub("a")
	conv := NewConv2D(a.Sub("conv"), 3, 4, 5, ConvOptions{SpectralNorm: true})
	norm := NewBatchNorm(a.Sub("norm"), 4)
	frozen := NewConv2D(a.Sub("vgg"), 1, 1, 3, ConvOptions{Frozen: true})
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	want := map[string]Kind{
		"a.conv.weight_orig": Trainable, "a.conv.weight_u": State, "a.conv.weight_v": State, "a.conv.bias": Trainable,
		"a.norm.weight": Trainable, "a.norm.bias": Trainable, "a.norm.running_mean": State, "a.norm.running_var": State,
		"a.vgg.weight": Frozen, "a.vgg.bias": Frozen,
	}
	if got := s.Variables(); len(got) != len(want) {
		t.Errorf("%d variables, want %d", len(got), len(want))
	}
	for name, kind := range want {
		v := s.VariableNamed(name)
		if v == nil || v.Kind != kind || v.DType != tensorflow.Double {
			t.Errorf("variable %s is %+v, want one of kind %d", name, v, kind)
		}
	}
	if len(s.Variables(Trainable)) != 4 || len(s.Variables(State, Frozen)) != 6 || s.VariableNamed("b") != nil {
		t.Error("variables are not told apart by kind or name")
	}
	if got := conv.Kernel.Size(); got != 5*5*3*4 {
		t.Errorf("a 5x5 kernel of 3 to 4 channels has %d elements", got)
	}
	if norm.Weight.Dims[0] != 4 || frozen.Bias.Size() != 1 {
		t.Error("sizes of norm or frozen convolution are off")
	}
}

// TestVariableErrors: what cannot be a variable is an error of the scope.
func TestVariableErrors(t *testing.T) {
	for what, c := range map[string]struct {
		build func(s *Scope)
		want  string
	}{
		"a size of 0": {func(s *Scope) { s.Sub("net").Variable("w", Trainable, Ones, 3, 0) }, "net.w: size 0"},
		"the name is taken": {func(s *Scope) {
			net := s.Sub("net")
			net.Variable("w", Trainable, Ones, 1)
			net.Variable("w", Trainable, Ones, 1)
		}, "net.w exists already"},
		"no such dtype": {func(s *Scope) { s.VariableOf(tensorflow.String, "w", Trainable, Ones, 1) }, "dtype"},
	} {
		s := New(tensorflow.Float)
		c.build(s)
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", what, err, c.want)
		}
	}
}
