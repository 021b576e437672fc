package checkpoint

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/tf/finite"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// Weights that are no numbers are refused when they are loaded: a fused ReLU
// would turn them into 0.
func TestCheckpointsOfNoNumbersAreRefused(t *testing.T) {
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		s := OpenStore(filepath.Join(t.TempDir(), "checkpoints"))
		weights := Group{Name: "weights", Tensors: []NamedTensor{{"fine", tftest.Of(t, []float32{1}, 1)}, {"broken", tftest.Of(t, []float32{1, bad}, 2)}}}
		if err := s.Save(3, nil, weights); err != nil {
			t.Fatal(err)
		}
		for _, keep := range [][]string{nil, {"weights"}} {
			c, err := s.Open(3, keep...)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var found *finite.Error
			if _, err := c.Tensors("weights"); !errors.As(err, &found) || !strings.Contains(err.Error(), `"broken"`) {
				t.Errorf("%v: %v", bad, err)
			}
			if _, err := c.Tensor("weights", "broken"); !errors.As(err, &found) {
				t.Errorf("%v, alone: %v", bad, err)
			}
			if _, err := c.Tensor("weights", "fine"); err != nil {
				t.Error(err)
			}
		}
	}
}
