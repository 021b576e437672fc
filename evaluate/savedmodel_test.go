package evaluate

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/trained"
)

// TestSavedModel holds the numbers of an exported model to those of its
// checkpoint.
func TestSavedModel(t *testing.T) {
	checkpoint := testModel(t, 1)
	q := request(t, checkpoint)
	q.NumVideos, q.Masks = 1, FromModel
	want := mustRun(t, q)
	m, err := trained.Open(checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := export.Prepare(m, export.Options{Out: filepath.Join(t.TempDir(), "exported")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	q.Checkpoint, q.SavedModel, q.Out = "", plan.Dir, filepath.Join(t.TempDir(), "out")
	got := mustRun(t, q)
	for i, w := range want.Summary {
		g := got.Summary[i]
		if g.Frames != w.Frames || g.Infinite != w.Infinite || (w.Mean.Finite() && math.Abs(float64(g.Mean-w.Mean)) > 1e-4*math.Abs(float64(w.Mean))) {
			t.Errorf("%s: %v of %d frames, of the checkpoint %v of %d", w.Measure(), g.Mean, g.Frames, w.Mean, w.Frames)
		}
	}
	a, b := want.Run, got.Run
	if b.Kind != result.SavedModel || a.Weights != b.Weights || a.ConfigHash != b.ConfigHash || a.Step != b.Step || a.BGThreshold != b.BGThreshold {
		t.Errorf("it is described as %+v, the checkpoint as %+v", b, a)
	}
	if d := result.ProtocolDifferences(a.Protocol, b.Protocol); len(d) > 0 {
		t.Errorf("the protocols differ: %v", d)
	}
	// A model of something else.
	q.SavedModel, q.Data = testDetector(t), "shapes"
	var refused *RequestError
	if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), `no signature "absolute"`) {
		t.Errorf("a detector gives %v", err)
	}
}
