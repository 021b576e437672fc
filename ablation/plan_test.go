package ablation

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/model"
)

func plan(t *testing.T, o Options) *Plan {
	t.Helper()
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPlan goes seed by seed through all rows, which differ in nothing but what
// the variant decides.
func TestPlan(t *testing.T) {
	p := plan(t, Options{})
	if len(p.Runs) != 15 || p.Runs[0].Name != "fomm-seed0" || p.Runs[4].Name != "prioritycut-seed0" || p.Runs[5].Name != "fomm-seed1" {
		t.Errorf("runs %v ...", p.Runs[0].Name)
	}
	base := p.Runs[0].Config
	for _, r := range p.Runs {
		if r.Config.Train.Steps != DefaultSteps || r.Config.Seed != r.Seed || r.Config.Variant != r.Variant {
			t.Errorf("%s: %d steps, seed %d, variant %s", r.Name, r.Config.Train.Steps, r.Config.Seed, r.Config.Variant)
		}
		for _, d := range config.DiffForResume(base, r.Config) {
			switch d.Key {
			case "seed", "variant", "train_params.loss_weights.generator_gan", "train_params.loss_weights.consistency",
				"model_params.discriminator_params.kind", "train_params.loss_weights.discriminator_gan":
			default:
				t.Errorf("%s differs from the baseline in %v", r.Name, d)
			}
		}
	}
}

// TestSchedule holds the scaled schedule to numbers worked out by hand.
func TestSchedule(t *testing.T) {
	long, chosen := int64(1800), int64(900)
	for _, c := range []struct {
		name   string
		o      Options
		steps  int64
		at     []int64
		warmup int64
	}{
		{"default", Options{}, 600, []int64{440, 520, 573}, 53},
		{"twice", Options{Steps: &long}, 1800, []int64{1320, 1560, 1720}, 160},
		{"the preset's own", Options{Steps: &chosen}, 900, []int64{660, 780, 860}, 80},
		// Of 4 steps the falls are at 2.93, 3.47 and 3.82: 3, 3 and 4.
		{"quick", Options{Quick: true}, 4, []int64{3, 4}, 1},
		{"the user's own", Options{Config: config.Options{Sets: []string{"train_params.steps=700"}}}, 700, []int64{660, 780, 860}, 80},
	} {
		got := plan(t, c.o).Runs[0].Config.Train
		var at []int64
		for _, m := range got.StepMilestones {
			at = append(at, m.Step)
		}
		if diff := cmp.Diff(c.at, at); diff != "" || got.Steps != c.steps || got.ConsWarmupSteps != c.warmup {
			t.Errorf("%s: %d steps, warm-up %d, milestones %s", c.name, got.Steps, got.ConsWarmupSteps, diff)
		}
	}
	quick := plan(t, Options{Quick: true}).Runs[0].Config.Train.StepMilestones
	if quick[0].Factor != 0.1 {
		t.Errorf("of two falls at one step the first wins: %v", quick)
	}
	vox := plan(t, Options{Config: config.Options{Preset: "vox-256", AllowMissing: true}})
	if c := vox.Runs[0].Config.Train; c.Steps != 0 || c.NumEpochs != 100 {
		t.Errorf("vox-256: %d steps, %d epochs", c.Steps, c.NumEpochs)
	}
}

func TestParseVariants(t *testing.T) {
	got, err := ParseVariants([]string{"cutmix", " fomm"})
	if diff := cmp.Diff([]model.Variant{model.FOMM, model.CutMix}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, c := range []struct{ names, want string }{
		{"cutmixx", "did you mean cutmix?"}, {"fomm,fomm", "twice"}, {"", "unknown"},
	} {
		if _, err := ParseVariants(strings.Split(c.names, ",")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.names, err)
		}
	}
}

func TestLogSteps(t *testing.T) {
	lines := []string{"training shapes", "step 10/600  3.1 steps/s", "step 20/600  3.1 steps/s", "step 20: validation L1 0.04"}
	if step, found := steps(lines); step != 20 || !found {
		t.Errorf("step %d, %v", step, found)
	}
	if _, found := steps(lines[:1]); found {
		t.Error("a step where there is none")
	}
}
