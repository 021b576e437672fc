package train

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// TestScaledLossesGiveTheSameGradients compares a step whose losses are scaled with
// one whose losses are not, in float64: everything is the same to the bit, also
// over micro-batches.
func TestScaledLossesGiveTheSameGradients(t *testing.T) {
	for _, variant := range []model.Variant{model.PriorityCut, model.MonkeyNet} {
		for _, parts := range []string{"accumulate_steps=0", "accumulate_steps=2"} {
			c := smallOf(t, variant, "batch_size=4", parts)
			o := OptionsOf(c)
			plain := newStepper(t, o)
			o.Mixed = tf.MixedFloat16
			scaled := newStepper(t, o)
			v := attempts(t, c, o)(0)
			var losses [2][]float64
			var gradients, after [2]map[string][]float64
			for i, p := range []*stepper{plain, scaled} {
				all, err := p.step.AllFeeds(p.o, v)
				if err != nil {
					t.Fatal(err)
				}
				losses[i], gradients[i] = p.take(all)
				after[i] = fetchAll(t, p.session, p.s)
			}
			if !slices.Equal(losses[0], losses[1]) {
				t.Errorf("%s, %s: losses %v, scaled %v", variant, parts, losses[0], losses[1])
			}
			for name, g := range gradients[0] {
				if !slices.Equal(g, gradients[1][name]) {
					t.Errorf("%s, %s: the gradient of %s differs", variant, parts, name)
				}
			}
			for name, w := range after[0] {
				if !slices.Equal(w, after[1][name]) {
					t.Errorf("%s, %s: %s moves otherwise", variant, parts, name)
				}
			}
		}
	}
}

// scaled is a run with scaled losses, which computes in float32.
func scaled(t *testing.T, dir string, mixed tf.MixedPrecision, sets ...string) *session {
	t.Helper()
	c := tiny(t, model.PriorityCut, sets...)
	f, err := openFolder(rundir.Dir(dir), c, durable.OS{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	s := &session{config: c, folder: f, out: &bytes.Buffer{}, options: OptionsOf(c)}
	s.options.Mixed = mixed
	if err := s.openData(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	return s
}

// scaleOf are the scale and the steps since it changed.
func scaleOf(t *testing.T, s *session) (scale float64, taken int64) {
	t.Helper()
	l := s.step.Scale
	values, err := graph.Fetch(s.session, []*graph.Variable{l.Value, l.Taken})
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := floats(values[l.Value])
	if err != nil {
		t.Fatal(err)
	}
	steps, err := tf.Values[int64](values[l.Taken])
	if err != nil {
		t.Fatal(err)
	}
	return numbers[0], steps[0]
}

func setScale(t *testing.T, s *session, scale float64, taken int64) {
	t.Helper()
	l := s.step.Scale
	value, err := graph.NewTensor(tensorflow.Float, []float64{scale})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := graph.NewTensor(tensorflow.Int64, []float64{float64(taken)})
	if err != nil {
		t.Fatal(err)
	}
	if err := graph.Assign(s.session, map[*graph.Variable]*tensorflow.Tensor{l.Value: value, l.Taken: steps}); err != nil {
		t.Fatal(err)
	}
}

// TestLossScale lets scaled gradients overflow: the scale is halved and nothing else
// moves, nor is the attempt counted as refused. After enough steps it is doubled. A
// loss that is no number is refused as ever.
func TestLossScale(t *testing.T) {
	for _, parts := range []string{"accumulate_steps=0", "accumulate_steps=2"} {
		s := scaled(t, t.TempDir(), tf.MixedFloat16, "batch_size=4", parts)
		tr := s.trainer()
		batches := s.loader.Prefetch(context.Background(), 0)
		defer batches.Close()
		tr.batches = batches
		if scale, taken := scaleOf(t, s); scale != 1<<15 || taken != 0 {
			t.Errorf("a run begins with a scale of %g, after %d steps", scale, taken)
		}
		const huge = 1 << 126
		setScale(t, s, huge, 7)
		before := state(t, s)
		if m, err := tr.try(context.Background(), true); m != nil || err != nil {
			t.Fatalf("%s: %+v, %v", parts, m, err)
		}
		if scale, taken := scaleOf(t, s); scale != huge/2 || taken != 0 || tr.guard.total != 0 || tr.at != (Position{Attempt: 1}) {
			t.Errorf("%s: the scale is %g after %d steps, %d refused, at %+v", parts, scale, taken, tr.guard.total, tr.at)
		}
		for name, now := range state(t, s) {
			if !ofScale(name) && !bytes.Equal(now, before[name]) {
				t.Errorf("%s: an overflow moves %s", parts, name)
			}
		}
		setScale(t, s, 1<<23, growAfter-1)
		for _, want := range []float64{1 << 24, 1 << 24} {
			if m, err := tr.try(context.Background(), true); m == nil || err != nil {
				t.Fatalf("%s: %+v, %v", parts, m, err)
			}
			if scale, taken := scaleOf(t, s); scale != want || taken > 1 {
				t.Errorf("%s: the scale is %g after %d steps, not %g", parts, scale, taken, want)
			}
			// Not beyond the largest.
			setScale(t, s, 1<<24, growAfter-1)
		}
		spoil := &warmupSpoiler{Runner: tr.run, step: s.step}
		tr.run, tr.guard.run = spoil, spoil
		if m, err := tr.try(context.Background(), true); m != nil || err != nil || tr.guard.total != 1 {
			t.Fatalf("%s: %+v, %v, %d refused", parts, m, err, tr.guard.total)
		}
		if scale, _ := scaleOf(t, s); scale != 1<<24 {
			t.Errorf("%s: a spoilt loss changes the scale to %g", parts, scale)
		}
	}
}

// warmupSpoiler feeds pictures that are no numbers.
type warmupSpoiler struct {
	graph.Runner
	step *Step
}

func (w *warmupSpoiler) Run(f map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output, targets []*tensorflow.Operation) ([]*tensorflow.Tensor, error) {
	if theta := w.step.Draws["theta"]; f[theta] != nil {
		values := make([]float64, 6*f[theta].Shape()[0])
		values[0] = 1e38
		values[0] *= 10
		nan, err := graph.NewTensor(tensorflow.Float, values, f[theta].Shape()...)
		if err != nil {
			return nil, err
		}
		f[theta] = nan
	}
	return w.Runner.Run(f, fetches, targets)
}

// TestLossScaleIsKept saves a run with scaled losses and goes on with it, without
// them, and with them again.
func TestLossScaleIsKept(t *testing.T) {
	dir := t.TempDir()
	save := func(s *session, step int64) {
		t.Helper()
		tr := s.trainer()
		s.checkpoints = s.newCheckpoints(tr)
		if err := s.begin(tr); err != nil {
			t.Fatal(err)
		}
		if err := s.checkpoints.save(Position{Step: step, Attempt: step}); err != nil {
			t.Fatal(err)
		}
		s.close()
		s.session = nil
		s.folder.close()
	}
	s := scaled(t, filepath.Join(dir, "run"), tf.MixedFloat16)
	setScale(t, s, 1<<12, 77)
	save(s, 1)
	s = scaled(t, filepath.Join(dir, "run"), tf.MixedFloat16)
	if scale, taken := scaleOf(t, s); scale != 1<<12 || taken != 77 {
		t.Errorf("it goes on with a scale of %g after %d steps", scale, taken)
	}
	s.close()
	s.session = nil
	s.folder.close()
	save(scaled(t, filepath.Join(dir, "run"), tf.NoMixedPrecision), 2)
	s = scaled(t, filepath.Join(dir, "run"), tf.MixedFloat16)
	if scale, taken := scaleOf(t, s); scale != firstScale || taken != 0 {
		t.Errorf("after steps without it begins anew with %g after %d steps", scale, taken)
	}
}
