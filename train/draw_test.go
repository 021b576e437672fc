package train

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/prioritycut"
)

func drawOptions() StepOptions {
	return StepOptions{Batch: 3, Height: 40, Width: 60, Family: &fomm.Family{Train: fomm.TrainParams{
		Cut:       prioritycut.DefaultParams(),
		Transform: fomm.TransformParams{SigmaAffine: .05, SigmaTPS: .005, PointsTPS: 5},
	}}}
}

// drawn are the numbers of an attempt with their types.
type drawn struct {
	Theta, ControlParams []float64
	K                    []float32
	Boxes                []int32
}

func drawFor(seed, attempt int64, o StepOptions) drawn {
	d := Draw(seed, attempt, o)
	return drawn{d["theta"].([]float64), d["control_params"].([]float64), d["k"].([]float32), d["boxes"].([]int32)}
}

func TestDrawIsAFunctionOfSeedAndAttempt(t *testing.T) {
	o := drawOptions()
	one := drawFor(7, 11, o)
	if diff := cmp.Diff(one, drawFor(7, 11, o)); diff != "" {
		t.Errorf("the same attempt draws other numbers:\n%s", diff)
	}
	if len(one.Theta) != 18 || len(one.ControlParams) != 75 || len(one.K) != 3 || len(one.Boxes) != 15 {
		t.Errorf("sizes %d, %d, %d, %d", len(one.Theta), len(one.ControlParams), len(one.K), len(one.Boxes))
	}
	for _, other := range []drawn{drawFor(7, 12, o), drawFor(8, 11, o)} {
		for i := range one.Theta {
			if one.Theta[i] == other.Theta[i] {
				t.Errorf("theta %d is the same in another draw", i)
			}
		}
		if one.ControlParams[0] == other.ControlParams[0] || one.K[0] == other.K[0] || cmp.Equal(one.Boxes, other.Boxes) {
			t.Error("another draw gives the same numbers")
		}
	}
	// A key of one kind leaves the other kinds as they are.
	p := &o.Family.(*fomm.Family).Train
	p.Transform.SigmaAffine, p.Cut.KMax = 0, 0.5
	changed := drawFor(7, 11, o)
	if !cmp.Equal(one.ControlParams, changed.ControlParams) || !cmp.Equal(one.Boxes, changed.Boxes) {
		t.Error("the affine part or the range of k decides the rest")
	}
	if diff := cmp.Diff([]float64{1, 0, 0, 0, 1, 0}, changed.Theta[6:12]); diff != "" {
		t.Errorf("without noise theta is no identity:\n%s", diff)
	}
	for i, k := range changed.K {
		if math.Abs(float64(k-one.K[i]/2)) > 1e-7 {
			t.Errorf("k %d is %v of half the range and %v of the whole", i, k, one.K[i])
		}
	}
}

// TestDrawsArePinned fails when runs of the past could not be resumed exactly.
func TestDrawsArePinned(t *testing.T) {
	d := drawFor(1, 2, drawOptions())
	got := []float64{d.Theta[0], d.Theta[17], d.ControlParams[0], d.ControlParams[74], float64(d.K[0]), float64(d.K[2]), float64(d.Boxes[0]), float64(d.Boxes[7])}
	want := []float64{
		1.0272889384129638, -0.022694803830910753, 0.0031396404016443462, 0.004912550624656159,
		0.6357874870300293, 0.9458317756652832, 0, 18,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDrawsHaveTheirLaws compares means and deviations over many attempts with
// those of the laws, within five standard errors.
func TestDrawsHaveTheirLaws(t *testing.T) {
	o := drawOptions()
	var noise, control, k []float64
	for attempt := int64(0); attempt < 2000; attempt++ {
		d := drawFor(0, attempt, o)
		for i, v := range d.Theta {
			noise = append(noise, v-[6]float64{1, 0, 0, 0, 1, 0}[i%6])
		}
		control = append(control, d.ControlParams...)
		for _, v := range d.K {
			k = append(k, float64(v))
		}
	}
	for _, c := range []struct {
		name            string
		values          []float64
		mean, deviation float64
	}{
		{"theta", noise, 0, 0.05}, {"control parameters", control, 0, 0.005}, {"k", k, 0.5, math.Sqrt(1. / 12)},
	} {
		n := float64(len(c.values))
		sum, squares := 0.0, 0.0
		for _, v := range c.values {
			sum += v
			squares += (v - c.mean) * (v - c.mean)
		}
		if mean := sum / n; math.Abs(mean-c.mean) > 5*c.deviation/math.Sqrt(n) {
			t.Errorf("%s have mean %v, want %v", c.name, mean, c.mean)
		}
		if deviation := math.Sqrt(squares / n); math.Abs(deviation/c.deviation-1) > 5/math.Sqrt(2*n) {
			t.Errorf("%s have deviation %v, want %v", c.name, deviation, c.deviation)
		}
	}
}
