package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Planned is the greatest length that fits into a time, the least if none does.
// It says how long a length takes by takes, in seconds.
func (t *TrainParams) Planned(takes func(steps int64) float64, seconds float64) int64 {
	chosen := t.PlanSteps[0]
	for _, n := range t.PlanSteps {
		if takes(n) <= seconds {
			chosen = n
		}
	}
	return chosen
}

// Plan gives the run a length, with the falls that belong to it, and ends the
// planning.
func (t *TrainParams) Plan(steps int64) {
	t.Steps, t.StepMilestones, t.PlanSeconds = steps, t.fallsOf(steps), 0
}

func (t *TrainParams) fallsOf(steps int64) []StepMilestone {
	var all []StepMilestone
	for _, f := range t.PlanFalls {
		at := max(1, int64(math.Round(f.Share*float64(steps))))
		if n := len(all); n > 0 && all[n-1].Step >= at {
			all = all[:n-1] // a run so short falls deeper at once
		}
		all = append(all, StepMilestone{Step: at, Factor: f.Factor})
	}
	return all
}

// laterFalls is the setting by which the rates of this run fall where those of a
// planned one would, in words for a user.
func (t *TrainParams) laterFalls() string {
	var falls []string
	for _, m := range t.fallsOf(t.Steps) {
		falls = append(falls, fmt.Sprintf("{step: %d, factor: %v}", m.Step, m.Factor))
	}
	if len(falls) == 0 {
		return "later milestones (or [] for none)"
	}
	return fmt.Sprintf("`set` 'step_milestones=[%s]'", strings.Join(falls, ", "))
}

// isPlanned reports whether a run's falls are those that belong to its length.
func (t *TrainParams) isPlanned() bool {
	return t.PlanSeconds == 0 && len(t.PlanFalls) > 0 && slices.Equal(t.StepMilestones, t.fallsOf(t.Steps))
}

// fallByPlan reports whether the milestones are those of some length, if not of
// this run's: one that was made longer falls where it would have.
func (t *TrainParams) fallByPlan() bool {
	if len(t.PlanFalls) == 0 || len(t.StepMilestones) == 0 {
		return false
	}
	share := t.PlanFalls[len(t.PlanFalls)-1].Share
	step := float64(t.StepMilestones[len(t.StepMilestones)-1].Step)
	for n := int64((step - 1) / share); float64(n) <= (step+1)/share; n++ {
		if slices.Equal(t.StepMilestones, t.fallsOf(n)) {
			return true
		}
	}
	return false
}

// TakePlan takes over what a run that goes on has planned: its length, where no
// other is asked for, and its falls, where none were asked for either. A run
// whose length was given is not planned later.
func TakePlan(run, asked *Config) {
	was, is := &run.Train, &asked.Train
	if was.PlanSeconds > 0 {
		return // it was stopped before it had measured
	}
	if is.PlanSeconds > 0 {
		is.PlanSeconds = 0
		if was.isPlanned() {
			is.Steps, is.StepMilestones = was.Steps, was.StepMilestones
			return
		}
	}
	preset, _, err := base(asked.Preset, asked.FamilyName(), asked.InitFrom != "")
	if err != nil {
		return
	}
	usual := func(t *TrainParams) bool {
		return slices.Equal(t.StepMilestones, preset.Train.StepMilestones) || t.fallByPlan()
	}
	if usual(was) && usual(is) {
		is.StepMilestones = was.StepMilestones
	}
}
