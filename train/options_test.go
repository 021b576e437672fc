package train

import (
	"testing"

	"github.com/prioritycut/prioritycut/config"
)

// Who asks for equal runs gets float32 in full.
func TestFullFloat32(t *testing.T) {
	for _, c := range []struct{ deterministic, tf32, full bool }{
		{false, true, false}, {false, false, true}, {true, true, true}, {true, false, true},
	} {
		r := config.RunParams{Device: "auto", Deterministic: c.deterministic, TF32: c.tf32}
		if got := sessionConfigOf(r).FullFloat32; got != c.full {
			t.Errorf("deterministic %v, tf32 %v: full float32 %v", c.deterministic, c.tf32, got)
		}
	}
}
