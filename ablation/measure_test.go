package ablation

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSettle: evaluations stay while they are asked for alike, and go, those of
// every run, when they are asked for otherwise.
func TestSettle(t *testing.T) {
	out := t.TempDir()
	evaluations := []string{filepath.Join(out, "fomm-seed0", "evaluation"), filepath.Join(out, "unet-seed0", "evaluation")}
	there := func() (n int) {
		for _, dir := range evaluations {
			if _, err := os.Stat(dir); err == nil {
				n++
			}
		}
		return n
	}
	for i, c := range []struct {
		o    Options
		want int
	}{
		{Options{}, 0}, // nobody knows how they were made
		{Options{}, 2},
		{Options{Rows: []RowName{FOMM}}, 2},
		{Options{Rows: []RowName{FOMM}, Detectors: Detectors{KeypointModel: "other"}}, 0},
		{Options{Detectors: Detectors{KeypointModel: "other"}}, 2},
		{Options{Detectors: Detectors{KeypointModel: "other", Masks: "none"}}, 0},
		{Options{Detectors: Detectors{KeypointModel: "other", Masks: "none"}, Quick: true}, 0},
	} {
		for _, dir := range evaluations {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		c.o.Out = out
		// Detectors that are not there are refused before; here only their names matter.
		detectors := c.o.Detectors
		c.o.Detectors = Detectors{}
		p := plan(t, c.o)
		p.detectors = detectors
		if err := p.settle(); err != nil || there() != c.want {
			t.Errorf("case %d: %d evaluations are left, want %d, %v", i, there(), c.want, err)
		}
	}
}
