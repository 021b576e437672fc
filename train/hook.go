package train

import (
	"time"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/evaluate"
)

// Hook is what happens beside the steps: checkpoints, tables, pictures,
// validation, progress. Hooks run in the order in which they were added, and
// what an early one finds out (Moment.Validation) the later ones can use.
type Hook interface {
	// After is called after every step that was taken.
	After(m *Moment) error
	// End is called once when the loop ends without an error: at the run's
	// last step, or earlier when it was asked to stop. m is the last moment,
	// nil when no step was taken.
	End(m *Moment) error
}

// Position says how far a run has come: all that its random numbers and
// schedules depend on.
type Position struct {
	// Step counts the steps taken.
	Step int64
	// Attempt counts the steps tried, refused ones too.
	Attempt int64
}

// Moment is the state of a run right after a step.
type Moment struct {
	Position
	// Total is the run's number of steps, PerEpoch that of an epoch.
	Total, PerEpoch int64
	// Epoch counts the finished epochs.
	Epoch int64
	// Losses, Stats and GradientNorms are this step's, by name: losses are
	// weighted, the norms are those of each player's whole gradient.
	Losses, Stats, GradientNorms map[string]float64
	// Rates and Warmup are what the step was computed with.
	Rates  config.Rates
	Warmup float64
	// Took is the time of the step as a whole, Waited its share for data.
	Took, Waited time.Duration
	// Refused counts the refused attempts since this process started.
	Refused int64
	// Validation is what the validation after this step found; nil without.
	Validation *evaluate.Result
	// ValidationDue says that it was cut short: the run was asked to stop.
	ValidationDue bool

	// values are what the step was fed, for hooks that look closer.
	values StepValues
}

// Last reports whether the run's last step has been taken.
func (m *Moment) Last() bool { return m.Step >= m.Total }

// due reports whether something that happens every so many steps happens now;
// every 0 steps is never.
func (m *Moment) due(every int64) bool { return every > 0 && m.Step%every == 0 }
