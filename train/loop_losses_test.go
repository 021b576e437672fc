package train

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
)

const (
	lossesFile = "testdata/loop_losses.json"
	// The stored run is as long, up to mostLossSteps, as weights that are
	// perturbed by perturbation change no loss by more than mostEffect.
	leastLossSteps, mostLossSteps = 3, 30
	perturbation, mostEffect      = 1e-12, 1e-6
)

// storedLosses are the losses of a run in float64.
type storedLosses struct {
	Names []string
	Steps []storedStep
}

// storedStep is one step of it. Effect is the largest relative change of a loss
// up to here when the weights were perturbed.
type storedStep struct {
	Losses []float64
	Effect float64
}

// TestLoopLosses runs the loop itself with a small model in float64 and compares
// every loss with what it was when the file was written, as closely as a run
// can be followed.
func TestLoopLosses(t *testing.T) {
	if *update {
		storeLosses(t)
	}
	data, err := os.ReadFile(lossesFile)
	if err != nil {
		t.Fatal(err)
	}
	var want storedLosses
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if n := len(want.Steps); n < leastLossSteps || n > mostLossSteps {
		t.Fatalf("%s has %d steps", lossesFile, n)
	}
	names, got := loopLosses(t, len(want.Steps), 0)
	if diff := cmp.Diff(want.Names, names); diff != "" {
		t.Fatalf("losses (-want +got):\n%s", diff)
	}
	for i, step := range want.Steps {
		effect, worst := change(got[i], step.Losses)
		t.Logf("step %d: largest relative difference %.1e (%s), tolerance %.1e", i+1, effect, names[worst], 10*step.Effect)
		if !(effect <= 10*step.Effect) {
			t.Errorf("step %d: %s is %v, want %v: training no longer means what it did", i+1, names[worst], got[i][worst], step.Losses[worst])
		}
	}
}

// storeLosses writes the losses anew and how far they can be trusted.
func storeLosses(t *testing.T) {
	t.Helper()
	names, base := loopLosses(t, mostLossSteps, 0)
	_, other := loopLosses(t, mostLossSteps, perturbation)
	stored := storedLosses{Names: names}
	most := 0.0
	for i := range base {
		effect, _ := change(other[i], base[i])
		if most = max(most, effect); !(most < mostEffect) {
			break
		}
		stored.Steps = append(stored.Steps, storedStep{base[i], most})
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "\t")
	if err := encoder.Encode(stored); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lossesFile, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// change is the largest difference of losses relative to their size, and whose
// it is.
func change(got, want []float64) (largest float64, at int) {
	for i, w := range want {
		d := math.Abs(got[i]-w) / math.Abs(w)
		if got[i] == w {
			d = 0
		}
		if !(d <= largest) {
			largest, at = d, i
		}
	}
	return largest, at
}

// loopLosses takes steps in float64 and returns their losses. The weights are
// multiplied by 1 plus or minus perturb first.
func loopLosses(t *testing.T, steps int, perturb float64) ([]string, [][]float64) {
	t.Helper()
	// The warm-up and a milestone lie within the first steps. All is moved by Adam;
	// TestAccumulatedSteps has Muon's moves.
	c := loopConfig(t, "muon_scale=0", "sn=true", "cons_warmup_steps=3", "step_milestones=[{step: 5, factor: 0.1}]")
	s := loopSession(t, c, Position{})
	s.scope = graph.New(tensorflow.Double)
	var err error
	if s.step, err = BuildStep(s.scope, s.options); err != nil {
		t.Fatal(err)
	}
	if s.session, err = tf.NewSession(s.scope.Graph(), tf.SessionConfig{Device: "cpu", Deterministic: true}); err != nil {
		t.Fatal(err)
	}
	defer s.session.Close()
	all := values{}
	for i, v := range s.scope.Variables(graph.Trainable) {
		weights := v.Initial(c.Seed)
		r := random.New(c.Seed, random.Label("perturbation"), uint64(i))
		for j := range weights {
			factor := 1 + perturb
			if r.Bool() {
				factor = 1 - perturb
			}
			weights[j] *= factor
		}
		if all[v], err = graph.NewTensor(v.DType, weights, v.Dims...); err != nil {
			t.Fatal(err)
		}
	}
	if err := graph.InitializeWith(s.session, s.scope.Variables(), c.Seed, all); err != nil {
		t.Fatal(err)
	}
	tr := trainerOf(t, s)
	recorder := &lossRecorder{names: s.step.LossNames}
	tr.total, tr.hooks = int64(steps), []Hook{recorder}
	if err := tr.loop(context.Background()); err != nil {
		t.Fatal(err)
	}
	return recorder.names, recorder.losses
}

// lossRecorder is a hook that remembers every loss.
type lossRecorder struct {
	names  []string
	losses [][]float64
}

func (r *lossRecorder) After(m *Moment) error {
	var one []float64
	for _, name := range r.names {
		one = append(one, m.Losses[name])
	}
	r.losses = append(r.losses, one)
	return nil
}

func (r *lossRecorder) End(*Moment) error { return nil }
