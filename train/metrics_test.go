package train

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gocarina/gocsv"
	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/internal/durable"
)

// noneMissing finds no gap.
func noneMissing(int64) ([]Row, error) { return nil, nil }

func exampleMoment(step int64) *Moment {
	return &Moment{
		Position: Position{Step: step, Attempt: step + 2}, Total: 100, PerEpoch: 10, Epoch: step / 10,
		Losses:        map[string]float64{"perceptual": float64(float32(1. / 3)), "disc_cons": 1e-30},
		Stats:         map[string]float64{"real_fraction": 0.25},
		GradientNorms: map[string]float64{"generator": 3, "discriminator": 4},
		Rates:         config.Rates{"generator": 6e-4, "discriminator": 5e-4, "kp_detector": 4e-4},
		Warmup:        0.5,
		Took:          2e9, Waited: 1e9,
	}
}

func TestMetricsAreReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.csv")
	rows, err := rowsUntil(0, path, noneMissing)
	if err == nil {
		err = writeMetrics(durable.OS{}, path, rows)
	}
	if err != nil {
		t.Fatal(err)
	}
	h := &metricsHook{files: durable.OS{}, path: path, every: 2, vgg: "sha256:abc"}
	for step := int64(1); step <= 5; step++ {
		m := exampleMoment(step)
		if step == 3 {
			m.Validation = &evaluate.Result{Whole: evaluate.Errors{L1: 0.1, CopySource: 0.2, MeanFrame: 0.15}}
		}
		if err := h.After(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.End(exampleMoment(5)); err != nil {
		t.Fatal(err)
	}
	rows, err = ReadMetrics(path)
	if err != nil {
		t.Fatal(err)
	}
	var steps []int64
	for _, r := range rows {
		steps = append(steps, r.Step)
	}
	if diff := cmp.Diff([]int64{2, 3, 4, 5}, steps); diff != "" {
		t.Fatalf("steps (-want +got):\n%s", diff)
	}
	want := Row{
		FormatVersion: 1, Step: 4, Attempt: 6,
		Perceptual: known(float64(float32(1. / 3))), DiscCons: known(1e-30), ConsWarmup: known(0.5), RealFraction: known(0.25),
		LRGenerator: known(6e-4), LRDiscriminator: known(5e-4), GradGenerator: known(3), GradDiscriminator: known(4),
		SecondsPerStep: known(2), DataWaitShare: known(0.5), VGG19: "sha256:abc",
	}
	if diff := cmp.Diff(want, rows[2], cmp.Comparer(func(a, b Number) bool {
		return a.Known == b.Known && float32(a.Value) == float32(b.Value)
	})); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if v := rows[1]; !v.ValL1.Known || v.ValForeground.Known || math.Abs(v.ValL1Copy.Value-0.2) > 1e-7 {
		t.Errorf("the validation is read back as %+v", v)
	}
}

func TestMetricsOfOtherVersions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.csv")
	text, err := gocsv.MarshalString([]Row{{FormatVersion: 2, Step: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadMetrics(path); err == nil || !strings.Contains(err.Error(), "format_version 2") {
		t.Errorf("a newer table gives %v", err)
	}
	if _, err := ReadMetrics(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing table gives %v", err)
	}
	if err := os.WriteFile(path, []byte("format_version,step\n1,x\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := rowsUntil(0, path, noneMissing); err == nil || !strings.Contains(err.Error(), "move the file away") {
		t.Errorf("a damaged table gives %v", err)
	}
}

func TestEveryTermHasAColumn(t *testing.T) {
	if err := checkColumns(&Step{LossNames: []string{"perceptual"}, StatNames: []string{"no_such"}}); err == nil {
		t.Error("a term without a column passes")
	}
}

// FuzzReadMetrics reads any bytes as a metrics.csv.
func FuzzReadMetrics(f *testing.F) {
	row, err := gocsv.MarshalBytes([]Row{{FormatVersion: 1, Step: 3}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(row)
	f.Add(row[:len(row)-2])
	f.Add([]byte("format_version,step\n1,\"\n"))
	path := filepath.Join(f.TempDir(), "metrics.csv")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		_, _ = ReadMetrics(path) // rows, or an error
	})
}
