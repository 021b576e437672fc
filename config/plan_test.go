package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Only who says nothing of the length has it planned.
func TestWhoPlans(t *testing.T) {
	yes, steps := true, int64(50)
	for i, o := range []Options{
		{Steps: &steps}, {Deterministic: &yes}, {Sets: []string{"num_epochs=3"}}, {Sets: []string{"step_milestones=[]"}},
		{Sets: []string{"plan_seconds=0"}}, {Preset: "vox-256", Data: "shapes", VGG19: "random"},
	} {
		if c, _ := resolve(t, o); c.Train.PlanSeconds != 0 {
			t.Errorf("%d: a length is planned", i)
		}
	}
	for i, o := range []Options{{Steps: &steps}, {Deterministic: &yes}, {}} {
		o.Sets = []string{"plan_seconds=-4"}
		if _, _, err := Resolve(o); err == nil || !strings.Contains(err.Error(), "plan_seconds") {
			t.Errorf("%d: a negative time to plan for: %v", i, err)
		}
	}
	if c, _ := resolve(t, Options{}); c.Train.PlanSeconds != 300 || c.Train.Steps != c.Train.PlanSteps[0] {
		t.Errorf("the default: %+v", c.Train)
	}
}

func TestPlan(t *testing.T) {
	c, _ := resolve(t, Options{})
	p := &c.Train
	p.PlanSteps = []int64{100, 200, 400}
	p.PlanFalls = []Fall{{0.6, 0.5}, {0.97, 0.03}}
	takes := func(n int64) float64 { return float64(n) }
	for seconds, want := range map[float64]int64{-5: 100, 99: 100, 200: 200, 399: 200, 1e6: 400} {
		if got := p.Planned(takes, seconds); got != want {
			t.Errorf("in %v s %d steps, want %d", seconds, got, want)
		}
	}
	p.Plan(200)
	if diff := cmp.Diff([]StepMilestone{{120, 0.5}, {194, 0.03}}, p.StepMilestones); diff != "" || p.Steps != 200 || p.PlanSeconds != 0 {
		t.Errorf("%+v: %s", p, diff)
	}
	if got := p.fallsOf(1); len(got) != 1 || got[0].Factor != 0.03 {
		t.Errorf("a run of one step falls %v", got)
	}
}

// Between two lengths of the default run lies little time that nobody learns in.
func TestPlannedLengthsLieClose(t *testing.T) {
	c, _ := resolve(t, Options{})
	all := c.Train.PlanSteps
	for i, n := range all[1:] {
		if more := float64(n)/float64(all[i]) - 1; more > 0.08 {
			t.Errorf("%d steps after %d: %.3f more", n, all[i], more)
		}
	}
}

// A run that goes on has the length that it planned, unless another is asked
// for, and its rates fall where they would have.
func TestTakePlan(t *testing.T) {
	planned, _ := resolve(t, Options{})
	planned.Train.Plan(1900)
	unplanned, _ := resolve(t, Options{})
	six := int64(6000)
	for name, c := range map[string]struct {
		run     func(*Config)
		asked   Options
		steps   int64
		seconds int64
		fall    int64
	}{
		"the same command": {nil, Options{}, 1900, 0, 808},
		"more steps":       {nil, Options{Steps: &six}, 6000, 0, 808},
		"more steps again": {func(r *Config) { r.Train.Steps = 4000 }, Options{Steps: &six}, 6000, 0, 808},
		"falls of its own": {func(r *Config) { r.Train.StepMilestones = []StepMilestone{{7, 0.5}} },
			Options{Steps: &six}, 6000, 0, 480},
		"other falls asked for": {nil, Options{Steps: &six, Sets: []string{"step_milestones=[{step: 9, factor: 0.5}]"}}, 6000, 0, 9},
		"of a given length": {func(r *Config) { r.Train.Steps, r.Train.StepMilestones = 500, r.Train.StepMilestones[:1] },
			Options{}, 1080, 0, 480},
		"stopped early": {func(r *Config) { r.Train = unplanned.Train }, Options{}, 1080, 300, 480},
	} {
		text, err := planned.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		run, err := Unmarshal(text, "run")
		if err != nil {
			t.Fatal(err)
		}
		if c.run != nil {
			c.run(run)
		}
		asked, _ := resolve(t, c.asked)
		TakePlan(run, asked)
		got := asked.Train
		if got.Steps != c.steps || got.PlanSeconds != c.seconds || got.StepMilestones[0].Step != c.fall {
			t.Errorf("%s: %d steps, first fall %v, %d s", name, got.Steps, got.StepMilestones[0], got.PlanSeconds)
		}
		refused := RefuseOnResume(DiffForResume(run, asked)) != nil
		if want := got.StepMilestones[0].Step != run.Train.StepMilestones[0].Step; refused != want {
			t.Errorf("%s: refused: %v", name, refused)
		}
	}
}
