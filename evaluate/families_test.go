package evaluate

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/model"
)

// TestFamilies evaluates models of the other families, as checkpoints and as
// exports, and asks for a background of those that have none.
func TestFamilies(t *testing.T) {
	for _, v := range []model.Variant{model.MonkeyNet, model.X2Face} {
		run := filepath.Join(t.TempDir(), "run")
		if err := tinymodel.WriteVariant(run, 1, v); err != nil {
			t.Fatal(err)
		}
		q := request(t, run)
		q.NumVideos = 1
		want := mustRun(t, q)
		if want.Run.Variant != string(v) || want.Summary[0].Frames == 0 {
			t.Errorf("%s: %+v", v, want.Run)
		}
		q.Checkpoint, q.SavedModel, q.Out = "", exportModel(t, run), filepath.Join(t.TempDir(), "out")
		got := mustRun(t, q)
		for i, w := range want.Summary {
			if g := got.Summary[i]; g.Frames != w.Frames || w.Mean.Finite() && math.Abs(float64(g.Mean-w.Mean)) > 1e-4*math.Abs(float64(w.Mean)) {
				t.Errorf("%s, %s: %v of %d frames, of the checkpoint %v of %d", v, w.Measure(), g.Mean, g.Frames, w.Mean, w.Frames)
			}
		}
		q.Masks, q.Out = FromModel, filepath.Join(t.TempDir(), "masks")
		_, err := Run(context.Background(), q)
		var refused *RequestError
		if has := v == model.MonkeyNet; has != (err == nil) || !has && (!errors.As(err, &refused) || !strings.Contains(err.Error(), "background")) {
			t.Errorf("%s, masks of the model: %v", v, err)
		}
	}
}
