package animate

import (
	"testing"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/golden"
)

// TestGoldenRelation relates the keypoints that Monkey-Net's public code found,
// and made-up ones with variances whose product is not positive and means beyond
// the picture, by every setting of its transfer.
func TestGoldenRelation(t *testing.T) {
	var report golden.Report
	for _, name := range []string{"vox", "bair", "single"} {
		f, err := golden.Load(golden.Baselines + "monkey_" + name + "_forward")
		if err != nil {
			t.Fatal(err)
		}
		var settings map[string]struct {
			Move  bool `json:"move_location"`
			Scale bool `json:"movement_mult"`
			Clip  bool `json:"clip_mean"`
			Adapt bool `json:"adapt_variance"`
		}
		if err := golden.BaselineConfig(&settings, "monkey", name, "transfer_settings"); err != nil {
			t.Fatal(err)
		}
		for _, from := range []struct{ source, driving, to string }{
			{"transfer_kp_source_", "transfer_kp_driving_", "transfer_"}, {"normalize_source_", "normalize_driving_", "normalize_"},
		} {
			if len(f.SampleNames(from.source)) == 0 {
				continue // not every configuration has made-up keypoints
			}
			source, driving := goldenKeypoints(t, f, from.source), goldenKeypoints(t, f, from.driving)
			for setting, s := range settings {
				if !s.Move || len(f.SampleNames(from.to+setting+"_mean")) == 0 {
					continue
				}
				r := infer.Relation{Scale: 1, Variance: s.Adapt, Clip: s.Clip}
				if s.Scale {
					r.Scale, _ = movementScale(source.Points(0), driving.Points(0))
				}
				got, err := driving.Relative(source, driving.At(0), r)
				if err != nil {
					t.Fatalf("%s %s: %v", name, setting, err)
				}
				want := goldenKeypoints(t, f, from.to+setting+"_")
				report.Compare(t, name+" "+from.to+setting+"_mean", wide(got.Value), wide(want.Value), golden.MonkeyForward)
				report.Compare(t, name+" "+from.to+setting+"_var", wide(got.Variance), wide(want.Variance), golden.MonkeyForward)
			}
		}
	}
	if report.Len() < 30 {
		t.Errorf("%d comparisons only", report.Len())
	}
	report.Log(t)
}

func goldenKeypoints(t *testing.T, f *golden.File, prefix string) infer.Keypoints {
	t.Helper()
	mean, err := f.Array(prefix + "mean")
	if err != nil {
		t.Fatal(err)
	}
	spread, err := f.Array(prefix + "var")
	if err != nil {
		t.Fatal(err)
	}
	n := len(mean.Data) / (2 * mean.Shape[len(mean.Shape)-2])
	return infer.Keypoints{N: n, K: len(mean.Data) / (2 * n), Value: mean.Float32s(), Variance: spread.Float32s()}
}

func wide(values []float32) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}
