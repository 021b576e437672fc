package checkpoint

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/tf/tftest"
)

// A tensor of several pieces is kept as it is, and any byte of it counts.
func TestKeepsLargeTensors(t *testing.T) {
	values := make([]float32, 3*pieceBytes/4+7)
	for i := range values {
		values[i] = float32(i) / 3
	}
	s := quickStore(t)
	group := Group{Name: "weights", Tensors: []NamedTensor{{"small", tftest.Of(t, values[:5], 5)}, {"large", tftest.Of(t, values, int64(len(values)))}}}
	noError(t, s.Save(1, nil, group))
	c, err := s.Open(1, "weights")
	noError(t, err)
	defer c.Close()
	noError(t, checkCheckpoint(c, []Group{group}))
	path := filepath.Join(s.Dir(1), "weights.safetensors")
	whole, err := os.ReadFile(path)
	noError(t, err)
	for _, at := range []int{3, 20, len(whole) - 4*len(values), len(whole) - pieceBytes, len(whole) - 1} {
		whole[at] ^= 1
		noError(t, os.WriteFile(path, whole, 0o666))
		if c, err := s.Open(1, "weights"); err == nil {
			c.Close()
			t.Errorf("byte %d is wrong, and it opens", at)
		} else if !isDamage(err) {
			t.Errorf("byte %d: %v", at, err)
		}
		whole[at] ^= 1
	}
}
