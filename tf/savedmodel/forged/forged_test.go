package forged

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// A forged model is refused for its operation alone: TensorFlow loads it, and
// runs what it initialises.
func TestTrustedTheyWork(t *testing.T) {
	for _, place := range Places {
		dir := t.TempDir()
		model, file := filepath.Join(dir, "model"), filepath.Join(dir, "file")
		if err := Write(model, "WriteFile", place, file); err != nil {
			t.Fatal(err)
		}
		m, err := savedmodel.Open(model, tf.SessionConfig{TrustSavedModel: true})
		if err != nil {
			t.Errorf("%s: %v", place, err)
			continue
		}
		m.Close()
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) == (place == "initialisation") {
			t.Errorf("%s: %v", place, err)
		}
	}
}
