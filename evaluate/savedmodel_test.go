package evaluate

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// TestSavedModel holds the numbers of an exported model to those of its
// checkpoint: with its signature absolute, which alone tells the background, and
// with those that encode a source once.
func TestSavedModel(t *testing.T) {
	checkpoint := testModel(t, 1)
	exported := exportModel(t, checkpoint)
	for _, masks := range []string{FromModel, FromTruth} {
		q := request(t, checkpoint)
		q.NumVideos, q.Masks = 1, masks
		want := mustRun(t, q)
		q.Checkpoint, q.SavedModel, q.Out = "", exported, filepath.Join(t.TempDir(), "out")
		got := mustRun(t, q)
		for i, w := range want.Summary {
			g := got.Summary[i]
			if g.Frames != w.Frames || g.Infinite != w.Infinite || (w.Mean.Finite() && math.Abs(float64(g.Mean-w.Mean)) > 1e-4*math.Abs(float64(w.Mean))) {
				t.Errorf("masks of %s, %s: %v of %d frames, of the checkpoint %v of %d", masks, w.Measure(), g.Mean, g.Frames, w.Mean, w.Frames)
			}
		}
		a, b := want.Run, got.Run
		if b.Kind != result.SavedModel || a.Weights != b.Weights || a.ConfigHash != b.ConfigHash || a.Step != b.Step || a.BGThreshold != b.BGThreshold {
			t.Errorf("it is described as %+v, the checkpoint as %+v", b, a)
		}
		if d := result.ProtocolDifferences(a.Protocol, b.Protocol); len(d) > 0 {
			t.Errorf("the protocols differ: %v", d)
		}
	}
}

// TestSavedModelByEitherKernels: its numbers are those of TensorFlow's own kernels.
func TestSavedModelByEitherKernels(t *testing.T) {
	q := request(t, "")
	q.NumVideos, q.SavedModel = 1, exportModel(t, testModel(t, 1))
	want := mustRun(t, q)
	t.Setenv(tf.KernelsEnv, "off")
	q.Out = filepath.Join(t.TempDir(), "out")
	got := mustRun(t, q)
	if len(got.Summary) == 0 {
		t.Error("nothing was measured")
	}
	for i, w := range want.Summary {
		g := got.Summary[i]
		if g.Frames != w.Frames || (w.Mean.Finite() && math.Abs(float64(g.Mean-w.Mean)) > 1e-4*math.Abs(float64(w.Mean))) {
			t.Errorf("%s: %v of %d frames, by our kernels %v of %d", w.Measure(), g.Mean, g.Frames, w.Mean, w.Frames)
		}
	}
}

func exportModel(t *testing.T, checkpoint string) string {
	t.Helper()
	m, err := infer.Load(checkpoint)
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
	return plan.Dir
}

// TestOtherSavedModels evaluates models that others wrote.
func TestOtherSavedModels(t *testing.T) {
	q := request(t, "")
	q.NumVideos, q.SavedModel, q.Data = 1, testCopier(t), "shapes"
	o := mustRun(t, q)
	if s := o.Summary[1]; s.Infinite != 1 || s.Frames != 23 || s.Step != 0 || s.Weights == "" {
		t.Errorf("of a model that copies the source %+v", s)
	}
	for name, c := range map[string]struct {
		change func(*Request)
		want   string
	}{
		"a detector":    {func(q *Request) { q.SavedModel = testDetector(t) }, `no signature "absolute"`},
		"no background": {func(q *Request) { q.Masks = FromModel }, "gives no background"},
		"another size":  {func(q *Request) { q.Height, q.Width = 64, 64 }, "takes pictures of 32x32 pixels, not 64x64"},
		"no data":       {func(q *Request) { q.Data = "" }, "give `data`"},
	} {
		other := q
		other.Out = filepath.Join(t.TempDir(), "out")
		c.change(&other)
		var refused *RequestError
		if _, err := Run(context.Background(), other); !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, err := os.Stat(other.Out); err == nil {
			t.Errorf("%s: the refused evaluation leaves a folder", name)
		}
	}
}

// testCopier writes a model that predicts the source, whatever drives it.
func testCopier(t *testing.T) string {
	t.Helper()
	s := graph.New(tensorflow.Float)
	source := s.Placeholder("source", tensorflow.Float, -1, testSide, testSide, 3)
	driving := s.Placeholder("driving", tensorflow.Float, -1, testSide, testSide, 3)
	prediction := s.Add(source, s.Scale(driving, 0))
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	def, err := tf.GraphDefOf(s.Graph())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "copier")
	err = savedmodel.Write(dir, savedmodel.Def{Graph: def, Signatures: []savedmodel.SignatureDef{{
		Name:    infer.SigAbsolute,
		Inputs:  map[string]savedmodel.TensorSpec{"source": savedmodel.SpecOf(source), "driving": savedmodel.SpecOf(driving)},
		Outputs: map[string]savedmodel.TensorSpec{"prediction": savedmodel.SpecOf(prediction)},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestReplacedModel: a model that is replaced while it is opened is not measured
// under the other one's name.
func TestReplacedModel(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) error {
		return os.WriteFile(filepath.Join(dir, "saved_model.pb"), []byte(text), 0o644)
	}
	if err := write("one"); err != nil {
		t.Fatal(err)
	}
	first, err := openedDigest(dir, func() error { return nil })
	if want, errWant := modelDigest(dir); err != nil || errWant != nil || first != want {
		t.Errorf("%s, %v, want %s, %v", first, err, want, errWant)
	}
	if _, err := openedDigest(dir, func() error { return write("two") }); err == nil || !strings.Contains(err.Error(), "was replaced while it was opened") {
		t.Errorf("%v", err)
	}
}
