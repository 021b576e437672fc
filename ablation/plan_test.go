package ablation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/prioritycut"
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
		if r.Config.Train.Steps != DefaultSteps || r.Config.Seed != r.Seed || string(r.Config.Variant) != string(r.Row) {
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

// All rows are moved by Adam, unless something else is asked for.
func TestRowsByAdam(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(file, []byte("train_params: {muon_scale: 0.2}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	rows, err := PaperTable.Rows()
	if err != nil {
		t.Fatal(err)
	}
	var names []RowName
	for _, r := range rows {
		names = append(names, r.Name)
	}
	for _, c := range []struct {
		config config.Options
		rows   []RowName
		want   float64
	}{
		{config.Options{}, names, 0},
		{config.Options{Sets: []string{"muon_scale=0.3"}}, names, 0.3},
		{config.Options{ConfigFile: file}, nil, 0.2},
	} {
		for _, r := range plan(t, Options{Config: c.config, Rows: c.rows}).Runs {
			if r.Row != X2Face && r.Config.Train.MuonScale != c.want {
				t.Errorf("%+v: %s has muon_scale %v, want %v", c.config, r.Name, r.Config.Train.MuonScale, c.want)
			}
		}
	}
}

// TestScale holds scaled schedules to numbers worked out by hand.
func TestScale(t *testing.T) {
	of900 := config.TrainParams{Steps: 900, ConsWarmupSteps: 80, StepMilestones: []config.StepMilestone{
		{Step: 660, Factor: 0.3}, {Step: 780, Factor: 0.1}, {Step: 860, Factor: 0.03},
	}}
	for _, c := range []struct {
		train config.TrainParams
		steps int64
		want  []string
	}{
		{of900, 600, []string{"train_params.step_milestones=[{step: 440, factor: 0.3}, {step: 520, factor: 0.1}, {step: 573, factor: 0.03}]", "train_params.cons_warmup_steps=53"}},
		{of900, 1800, []string{"train_params.step_milestones=[{step: 1320, factor: 0.3}, {step: 1560, factor: 0.1}, {step: 1720, factor: 0.03}]", "train_params.cons_warmup_steps=160"}},
		// The falls are at 2.93, 3.47 and 3.82: of two at one step the later wins.
		{of900, 4, []string{"train_params.step_milestones=[{step: 3, factor: 0.1}, {step: 4, factor: 0.03}]", "train_params.cons_warmup_steps=1"}},
		{config.TrainParams{Steps: 900}, 600, nil},
	} {
		got, said := scale(&c.train, c.steps)
		if diff := cmp.Diff(c.want, got); diff != "" || (said == "") != (c.want == nil) {
			t.Errorf("%d steps: %q %s", c.steps, said, diff)
		}
	}
}

// TestLength says how long runs are and when their schedule is scaled.
func TestLength(t *testing.T) {
	preset, _, err := config.Resolve(config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	long := 2 * preset.Train.Steps
	own := "train_params.steps=700"
	for _, c := range []struct {
		name   string
		o      Options
		steps  int64
		scaled bool
	}{
		{"default", Options{}, DefaultSteps, true},
		{"twice", Options{Steps: &long}, long, true},
		{"the preset's own", Options{Steps: &preset.Train.Steps}, preset.Train.Steps, false},
		{"quick", Options{Quick: true}, quickSteps, true},
		{"the user's own", Options{Config: config.Options{Sets: []string{own}}}, 700, false},
	} {
		p := plan(t, c.o)
		got := p.Runs[0].Config.Train
		same := cmp.Equal(got.StepMilestones, preset.Train.StepMilestones) && got.ConsWarmupSteps == preset.Train.ConsWarmupSteps
		if got.Steps != c.steps || same == c.scaled || (p.Schedule != "") != c.scaled {
			t.Errorf("%s: %d steps, milestones %v, %q", c.name, got.Steps, got.StepMilestones, p.Schedule)
		}
	}
	vox := plan(t, Options{Config: config.Options{Preset: "vox-256", AllowMissing: true}})
	if c := vox.Runs[0].Config.Train; c.Steps != 0 || c.NumEpochs != 100 {
		t.Errorf("vox-256: %d steps, %d epochs", c.Steps, c.NumEpochs)
	}
}

func TestParseRows(t *testing.T) {
	got, err := ParseRows(AblationTable, []string{"cutmix", " fomm"})
	if diff := cmp.Diff([]RowName{FOMM, CutMix}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, c := range []struct{ names, want string }{
		{"cutmixx", "did you mean cutmix?"}, {"fomm,fomm", "twice"}, {"", "unknown"},
	} {
		if _, err := ParseRows(AblationTable, strings.Split(c.names, ",")); err == nil || !strings.Contains(err.Error(), c.want) {
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

// The paper's table has a row of each family and either pair of vanilla CutMix;
// settings reach the rows that they mean something to.
func TestPaperRows(t *testing.T) {
	names, err := ParseRows(PaperTable, nil)
	want := []RowName{X2Face, MonkeyNet, FOMM, FOMMAdv, UNet, CutMix, CutMixOther, PriorityCut}
	if diff := cmp.Diff(want, names); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
	if _, err := ParseRows("book", nil); err == nil {
		t.Error("rows of an unknown table")
	}
	p, err := NewPlan(Options{Rows: names, Seeds: 1, Out: t.TempDir(), Config: config.Options{
		Sets: []string{"prioritycut_params.k_max=0.5", "train_params.batch_size=6"}, VGG19: config.RandomVGG19,
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range p.Runs {
		c := r.Config
		if r.Row != want[i] || c.Train.BatchSize != 6 || c.Train.Steps != DefaultSteps {
			t.Errorf("%s: batch %d, %d steps", r.Name, c.Train.BatchSize, c.Train.Steps)
		}
		if other := c.PriorityCut.CutMixPair == prioritycut.OtherPair; other != (r.Row == CutMixOther) {
			t.Errorf("%s: cutmix_pair is %s", r.Name, c.PriorityCut.CutMixPair)
		}
		if r.Row == PriorityCut && c.PriorityCut.KMax != 0.5 {
			t.Errorf("%s: k_max is %v", r.Name, c.PriorityCut.KMax)
		}
	}
}

// Claim (a) is asked where other families are compared.
func TestClaimAboutOtherFamilies(t *testing.T) {
	all, _ := ParseRows(PaperTable, nil)
	five, _ := ParseRows(AblationTable, nil)
	if got := claimsOf(all); len(got) != 5 || got[0].ID != "a" {
		t.Errorf("%d claims", len(got))
	}
	if got := claimsOf(five); len(got) != 4 || got[0].ID != "b" {
		t.Errorf("%d claims of the ablation", len(got))
	}
}
