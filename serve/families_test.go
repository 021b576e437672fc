package serve

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// TestFamilies serves checkpoints of the other families: a client that makes no
// choice gets a film, and the signatures are those of the family.
func TestFamilies(t *testing.T) {
	for v, c := range map[model.Variant]struct {
		relative bool
		poses    string
	}{
		model.MonkeyNet: {true, infer.SigKeypoints}, model.X2Face: {false, infer.SigPose},
	} {
		run := filepath.Join(t.TempDir(), "run")
		if err := tinymodel.WriteVariant(run, 1, v); err != nil {
			t.Fatal(err)
		}
		m, err := OpenCheckpoint(run, infer.Options{Session: tf.SessionConfig{Device: "cpu"}})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if d := m.Animator.Defaults(); d.Relative != c.relative {
			t.Errorf("%s: defaults are %+v", v, d)
		}
		if _, ok := m.Model.Signatures()[c.poses]; !ok || len(m.Model.Signatures()) != 6 {
			t.Errorf("%s: signatures are %v", v, m.Model.Signatures())
		}
		job := film(t)
		job.Choices = m.Animator.Defaults()
		quiet := Report{Progress: func(int, int) {}, Warn: func(string) {}}
		if err := m.Animator.Animate(context.Background(), job, quiet); err != nil {
			t.Errorf("%s: %v", v, err)
		}
		if info, err := os.Stat(job.Result); err != nil || info.Size() == 0 {
			t.Errorf("%s: no film: %v", v, err)
		}
	}
}
