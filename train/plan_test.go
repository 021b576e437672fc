package train

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// planning is a run whose length is chosen between two, both long enough to
// measure its speed.
func planning(t *testing.T, seconds int64) *config.Config {
	t.Helper()
	c := tiny(t, "fomm", "deterministic=true", "checkpoint_steps=20")
	p := &c.Train
	p.Steps, p.PlanSeconds, p.PlanSteps, p.PlanFalls = 70, seconds, []int64{70, 74}, []config.Fall{{Share: 0.9, Factor: 0.1}}
	return c
}

// until runs a configuration until it has taken so many steps, and returns what
// it said.
func until(t *testing.T, dir string, c *config.Config, step int64) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out := &stopAt{step: []byte(" step " + string(rune('0'+step/10)) + string(rune('0'+step%10)) + "/"), stop: stop}
	if err := Run(ctx, RunOptions{Config: c, Dir: dir, Out: out}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// stopAt stops a run when it tells of a step.
type stopAt struct {
	bytes.Buffer
	step []byte
	stop func()
}

func (s *stopAt) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, s.step[1:]) {
		s.stop()
	}
	return s.Buffer.Write(p)
}

// A run that was stopped before and after it planned its length ends with the
// very weights of one that went through, and of one that was given that length.
func TestPlannedRunGoesOn(t *testing.T) {
	whole, pieces, given := t.TempDir(), t.TempDir(), t.TempDir()
	said := until(t, whole, planning(t, 1e6), 99)
	if !strings.Contains(said, "the run is 74 steps long") {
		t.Errorf("%s", said)
	}
	until(t, pieces, planning(t, 1e6), 15)
	if said := until(t, pieces, planning(t, 1e6), 72); !strings.Contains(said, "the run is 74 steps long") {
		t.Errorf("gone on: %s", said)
	}
	// What is measured now would choose the shorter one.
	if said := until(t, pieces, planning(t, 1), 99); strings.Contains(said, "steps long") {
		t.Errorf("planned twice: %s", said)
	}
	c := planning(t, 0)
	c.Train.Plan(74)
	until(t, given, c, 99)
	want := finalState(t, whole, 74)
	for _, dir := range []string{pieces, given} {
		if diff := cmp.Diff(want, finalState(t, dir, 74)); diff != "" {
			t.Errorf("%s: other weights", dir)
		}
	}
	config, err := config.Load(string(rundir.Dir(whole).Config()))
	if err != nil || config.Train.Steps != 74 || config.Train.PlanSeconds != 0 {
		t.Errorf("%v, %+v", err, config.Train)
	}
}

// Where no length fits the least is taken.
func TestPlannedRunOnASlowMachine(t *testing.T) {
	if said := until(t, t.TempDir(), planning(t, 1), 99); !strings.Contains(said, "the run is 70 steps long") {
		t.Errorf("%s", said)
	}
}

// The default run fills its five minutes and ends within them, with what was
// measured beside its steps, on a machine that slows down a little.
func TestPlanFitsItsTime(t *testing.T) {
	c, _, err := config.Resolve(config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const beside, end = 0.062, 33 // measured (docs/measured.md)
	for _, perStep := range []float64{0.05, 0.08, 0.094, 0.111, 0.17} {
		for _, begun := range []float64{5, 20} {
			left := float64(c.Train.PlanSeconds) - begun
			takes := func(steps int64) float64 { return planTakes(perStep, steps-60) }
			n := c.Train.Planned(takes, left*(1-planReserve))
			whole := begun + 1.02*perStep*((1+beside)*float64(n-60)+end)
			if whole > 300 || n < 6000 && whole < 265 {
				t.Errorf("at %v s a step, %v s in: %d steps end after %.0f s", perStep, begun, n, whole)
			}
		}
	}
}

// finalState are the weights and slots of a run's newest checkpoint.
func finalState(t *testing.T, dir string, step int64) map[string][]byte {
	t.Helper()
	c := planning(t, 1)
	s, err := begin(t, dir, c)
	if err != nil {
		t.Fatal(err)
	}
	if s.folder.meta.Step != step {
		t.Fatalf("%s ends at step %d", dir, s.folder.meta.Step)
	}
	return state(t, s)
}
