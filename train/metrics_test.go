package train

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/internal/durable"
)

// exampleColumns are those of a run that has exampleMoments.
var exampleColumns = columnsOf(&Step{
	LossNames: []string{"perceptual", "disc_cons"}, Warmed: true, StatNames: []string{"real_fraction"}, PlayerNames: []string{"generator", "discriminator"},
})

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
		err = writeMetrics(durable.OS{}, path, exampleColumns, rows)
	}
	if err != nil {
		t.Fatal(err)
	}
	h := &metricsHook{files: durable.OS{}, path: path, columns: exampleColumns, every: 2, vgg: "sha256:abc"}
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
	want := Row{FormatVersion: 1, Step: 4, Attempt: 6, VGG19: "sha256:abc", Values: map[string]float64{
		"perceptual": float64(float32(1. / 3)), "disc_cons": 1e-30, "cons_warmup": 0.5, "real_fraction": 0.25,
		"lr_generator": 6e-4, "lr_discriminator": 5e-4, "grad_generator": 3, "grad_discriminator": 4,
		"seconds_per_step": 2, "data_wait_share": 0.5,
	}}
	if diff := cmp.Diff(want, rows[2], cmp.Comparer(func(a, b float64) bool { return float32(a) == float32(b) })); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if v := rows[1]; !v.Value(valL1).Known || v.Value(valForeground).Known || math.Abs(v.Value(valL1Copy).Value-0.2) > 1e-7 {
		t.Errorf("the validation is read back as %+v", v)
	}
}

func TestMetricsOfOtherVersions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.csv")
	text, err := exampleColumns.encode([]Row{{FormatVersion: 2, Step: 1}}, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o666); err != nil {
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

// A run has columns for its own terms, in an order that stays, and for those that
// an earlier version wrote numbers into.
func TestColumns(t *testing.T) {
	step := &Step{LossNames: []string{"b", "a"}, StatNames: []string{"share"}, PlayerNames: []string{"generator", "critic"}}
	const head, tail = "format_version,step,attempt,epoch,b,a,", "share,lr_generator,lr_critic,grad_generator,grad_critic,seconds_per_step,data_wait_share," +
		"val_l1,val_l1_copy_source,val_l1_mean_frame,val_foreground_l1,val_foreground_l1_copy_source,val_foreground_l1_frozen,val_background_iou,vgg19"
	if got := strings.Join(columnsOf(step), ","); got != head+tail {
		t.Error(got)
	}
	step.Warmed = true
	if got := strings.Join(columnsOf(step), ","); got != head+"cons_warmup,"+tail {
		t.Error(got)
	}
	if got := columnsOf(step).with([]Row{{Values: map[string]float64{"z": 1, "a": 2}}, {Values: map[string]float64{"c": 1}}}); !slices.Equal(got[len(got)-2:], []string{"c", "z"}) {
		t.Error(got)
	}
	if _, err := columnsOf(step).encode([]Row{{Step: 7, Values: map[string]float64{"perceptual": 1}}}, false); err == nil || !strings.Contains(err.Error(), "step 7") {
		t.Errorf("a number without a column: %v", err)
	}
}

// Tables, and rows in checkpoints, of earlier versions have columns for all
// families' terms, and the latter no names above them.
func TestOldRows(t *testing.T) {
	names := strings.Split(strings.TrimSpace(oldColumns), ",")
	fields := make([]string, len(names))
	for name, text := range map[string]string{"format_version": "1", "step": "20", "attempt": "20", "epoch": "1", "perceptual": "3.5", "lr_generator": "2e-4", "vgg19": "random"} {
		fields[slices.Index(names, name)] = text
	}
	line := strings.Join(fields, ",") + "\n"
	want := []Row{{FormatVersion: 1, Step: 20, Attempt: 20, Epoch: 1, VGG19: "random", Values: map[string]float64{"perceptual": 3.5, "lr_generator": 2e-4}}}
	rows, err := rowsOf(line, 10)
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Errorf("in a checkpoint: %v\n%s", err, diff)
	}
	if rows, err := rowsOf(line, 20); len(rows) > 0 || err != nil {
		t.Errorf("not behind the step: %v, %v", rows, err)
	}
	path := filepath.Join(t.TempDir(), "metrics.csv")
	if err := os.WriteFile(path, []byte(oldColumns+line), 0o644); err != nil {
		t.Fatal(err)
	}
	rows, err = rowsUntil(20, path, noneMissing)
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Errorf("in a table: %v\n%s", err, diff)
	}
	text, err := exampleColumns.with(rows).encode(rows, true)
	if err != nil || !strings.HasPrefix(string(text), "format_version,step,attempt,epoch,perceptual,disc_cons,") {
		t.Errorf("it goes on as %s (%v)", text, err)
	}
	if again, err := rowsOf(string(text), 0); cmp.Diff(want, again) != "" || err != nil {
		t.Errorf("with names: %v, %v", again, err)
	}
}

// FuzzReadMetrics reads any bytes as a metrics.csv.
func FuzzReadMetrics(f *testing.F) {
	row, err := exampleColumns.encode([]Row{{FormatVersion: 1, Step: 3}}, true)
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
