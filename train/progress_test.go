package train

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/evaluate"
)

func TestPlainProgress(t *testing.T) {
	var out bytes.Buffer
	h := newProgress(&out, []string{"perceptual", "disc_cons"}, 5, 10, 20)
	for step := int64(11); step <= 17; step++ {
		m := exampleMoment(step)
		m.Total = 20
		if step == 12 {
			m.Validation = &evaluate.Result{Videos: 2, Frames: 6, Whole: evaluate.Errors{L1: 0.05, CopySource: 0.1, MeanFrame: 0}}
		}
		if err := h.After(m); err != nil {
			t.Fatal(err)
		}
	}
	m := exampleMoment(17)
	m.Total = 20
	for range 2 {
		if err := h.End(m); err != nil {
			t.Fatal(err)
		}
	}
	// The speed is that of the machine.
	want := regexp.MustCompile(`^step 12: validation L1 0\.0500 on 6 frames of 2 unseen videos \(0\.50 of copying the source, 0\.00 of the mean frame\)
step 15/20  [0-9.e+]+ steps/s  0s left  perceptual 0\.333, disc_cons 1e-30
step 17/20  [0-9.e+]+ steps/s  0s left  perceptual 0\.333, disc_cons 1e-30
$`)
	if !want.MatchString(out.String()) {
		t.Errorf("%s", &out)
	}
}

func TestBarFitsTheTerminal(t *testing.T) {
	names := []string{"perceptual", "gen_gan", "feature_matching", "equivariance_value", "equivariance_jacobian", "disc_enc", "disc_dec", "disc_cons"}
	losses := map[string]float64{}
	for _, name := range names {
		losses[name] = 12.345
		if abbreviations[name] == "" {
			t.Errorf("%s has no abbreviation", name)
		}
	}
	m := exampleMoment(50)
	m.Losses = losses
	for width, want := range map[int]string{40: "", 80: "G 61.7 D 37", 140: "fm 12 eq", 250: "feature_matching 12.3"} {
		h := newProgress(io.Discard, names, 5, 40, 100)
		text := h.describe(m, width)
		if len(text) > max(width-30, 30) || !strings.Contains(text, want) || !strings.Contains(text, "left") {
			t.Errorf("%d columns: %q", width, text)
		}
	}
}
