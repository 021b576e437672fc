package config

import (
	"math"
	"slices"
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

// isPlanned reports whether a run's length was chosen by its plan.
func (t *TrainParams) isPlanned() bool {
	return t.PlanSeconds == 0 && slices.Contains(t.PlanSteps, t.Steps) && slices.Equal(t.StepMilestones, t.fallsOf(t.Steps))
}

// TakePlan takes over what a run that goes on has planned: its length, where no
// other is asked for, and its milestones, where the preset's are. A run whose
// length was given is not planned later.
func TakePlan(run, asked *Config) {
	was, is := &run.Train, &asked.Train
	switch {
	case was.PlanSeconds > 0: // it was stopped before it had measured
	case !was.isPlanned():
		is.PlanSeconds = 0
	case is.PlanSeconds > 0:
		is.Steps, is.StepMilestones, is.PlanSeconds = was.Steps, was.StepMilestones, 0
	default:
		preset, _, err := base(asked.Preset, asked.FamilyName(), asked.InitFrom != "")
		if err == nil && slices.Equal(is.StepMilestones, preset.Train.StepMilestones) {
			is.StepMilestones = was.StepMilestones
		}
	}
}
