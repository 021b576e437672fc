package train

import (
	"fmt"
	"time"

	"github.com/golang/glog"
)

// What a plan is made by: the first steps of a process are slow, for TensorFlow
// prepares its graph and caches are cold; the ones after them tell the speed.
const (
	planWarmup = 20 // steps
	planSteps  = 40 // steps that are measured, with all that happens between
	// planBeside is the share that validations, pictures and checkpoints add to the
	// steps: 0.05 to 0.062 were measured.
	planBeside = 0.06
	// planEnd is how many steps' time the last pictures and measuring the result
	// take: 15 to 33 were measured.
	planEnd = 40
	// planReserve is the share of the time left that a machine which slows down may
	// take besides.
	planReserve = 0.03
)

// planHook chooses the run's length once its speed is known. It comes before
// all other hooks, which then see the new length.
type planHook struct {
	session *session
	trainer *trainer
	say     func(string)
	now     func() time.Time

	begun time.Time // of the run, its preparations among it
	steps int       // seen
	from  time.Time // when the warm-up ended
}

// After implements Hook.
func (h *planHook) After(m *Moment) error {
	t := &h.session.config.Train
	if t.PlanSeconds == 0 {
		return nil
	}
	h.steps++
	if h.steps <= planWarmup {
		h.from = h.now()
		return nil
	}
	measured := h.steps - planWarmup
	// The least length must be chosen before its rates fall, whichever process
	// comes to it.
	if measured < planSteps && m.Step < t.PlanSteps[0]/4 {
		return nil
	}
	perStep := h.now().Sub(h.from).Seconds() / float64(measured)
	takes := func(steps int64) float64 { return planTakes(perStep, steps-m.Step) }
	left := (float64(t.PlanSeconds) - h.now().Sub(h.begun).Seconds()) * (1 - planReserve)
	before := *t
	t.Plan(t.Planned(takes, left))
	if err := h.session.replan(); err != nil {
		*t = before
		glog.Warningf("the run's length is planned later: %v", err)
		return nil
	}
	h.trainer.total, m.Total = t.Steps, t.Steps
	whole := time.Duration((takes(t.Steps) + h.now().Sub(h.begun).Seconds()) * float64(time.Second))
	h.say(fmt.Sprintf("at %.3g s a step the run is %d steps long and takes about %v in all (`steps`=N chooses another length)",
		perStep, t.Steps, whole.Round(time.Second)))
	return nil
}

// planTakes is how many seconds a run takes yet that has so many steps to go.
func planTakes(perStep float64, steps int64) float64 {
	return perStep * ((1+planBeside)*float64(steps) + planEnd)
}

// End implements Hook.
func (h *planHook) End(*Moment) error { return nil }

// replan writes the configuration, which has changed, where the run and its
// checkpoints keep it.
func (s *session) replan() error {
	if err := s.folder.note(s.config); err != nil {
		return err
	}
	if err := s.folder.writeConfig(); err != nil {
		return err
	}
	s.checkpoints.meta.Config, s.checkpoints.meta.ConfigHash = s.folder.meta.Config, s.folder.meta.ConfigHash
	return nil
}
