package train

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// checkpointHook saves the state of a run every so many steps, when validation
// was never better, and at the end. The newest few and the best are kept.
type checkpointHook struct {
	store *checkpoint.Store
	scope *graph.Scope
	run   graph.Runner
	// everySteps and everyEpochs say when; 0 does not.
	everySteps, everyEpochs int64
	keep                    int
	// meta are the notes so far; position and best move on.
	meta rundir.Meta

	saved int64 // step of the newest checkpoint, -1 without

	// before makes what the checkpoint needs durable and returns the rows of
	// metrics.csv that could not be; nil without.
	before func() (rows string, err error)
	// after is called once a checkpoint is there; nil without.
	after    func() error
	patience *patience.Patience
	// held returns the state after the last step where that is kept aside,
	// because another step is being computed; nil without.
	held func() []checkpoint.Group
	// owed says that a save has failed, retry at which step it is tried again.
	owed  bool
	retry int64
	// pause is the time between tries at the end of a run.
	pause time.Duration
}

// checkpoints is how messages call them.
const checkpoints = "a checkpoint"

// After implements Hook.
func (h *checkpointHook) After(m *Moment) error {
	best := h.noteBest(m)
	h.meta.ValidationDue = m.ValidationDue
	due := best || m.due(h.everySteps) || m.due(h.everyEpochs*m.PerEpoch)
	if !due && !(h.owed && m.Step >= h.retry) {
		h.note(m.Position)
		return nil
	}
	err := h.save(m.Position)
	if errors.Is(err, patience.ErrGaveUp) {
		return err // of what goes before it
	}
	err = h.patience.Wrote(checkpoints, err)
	n := h.patience.Failures(checkpoints)
	if h.owed = n > 0; h.owed {
		h.retry = m.Step + 1<<min(n-1, 10)
	}
	return err
}

// CatchUp implements latecomer. The checkpoint of the step is there; the next
// one says what its validation found.
func (h *checkpointHook) CatchUp(m *Moment) error {
	h.noteBest(m)
	h.meta.ValidationDue = false
	return nil
}

// End implements Hook. There is no later step to try again after.
func (h *checkpointHook) End(m *Moment) error {
	if m == nil {
		return nil // nothing has moved since the run was begun or resumed
	}
	return h.patience.Insist(checkpoints, h.pause, func() error { return h.save(m.Position) })
}

// noteBest reports whether the validation of this step is the best so far.
func (h *checkpointHook) noteBest(m *Moment) bool {
	if m.Validation == nil {
		return false
	}
	l1 := m.Validation.Whole.L1
	if h.meta.BestStep > 0 && l1 >= h.meta.BestL1 {
		return false
	}
	h.meta.BestStep, h.meta.BestL1 = m.Step, l1
	return true
}

func (h *checkpointHook) note(at Position) { h.meta.Step, h.meta.Attempt = at.Step, at.Attempt }

// save writes a checkpoint, unless there is one of this step.
func (h *checkpointHook) save(at Position) error {
	h.note(at)
	if h.saved == at.Step {
		return nil
	}
	var gaveUp error
	if h.before != nil {
		rows, err := h.before()
		if err != nil && !errors.Is(err, patience.ErrGaveUp) {
			return err
		}
		// A table that cannot be written any more ends the run, but must not cost
		// its state: the rows are in the notes.
		gaveUp, h.meta.MetricsRows = err, rows
	}
	meta, err := h.meta.Encode()
	if err != nil {
		return fmt.Errorf("saving a checkpoint: %w", err)
	}
	groups, err := h.state()
	if err != nil {
		return fmt.Errorf("saving a checkpoint: %w", err)
	}
	if err := h.store.Save(at.Step, meta, groups...); err != nil && !errors.Is(err, checkpoint.ErrExists) {
		// What was written of it takes room that the next try needs.
		return errors.Join(err, h.store.Clean())
	}
	h.saved = at.Step
	// The fetched tensors share the variables' memory: as long as they live,
	// every assignment copies.
	clear(groups)
	tf.Reclaim()
	glog.V(1).Infof("step %d: saved %s", at.Step, h.store.Dir(at.Step))
	if h.after != nil {
		if err := h.after(); err != nil {
			return err
		}
	}
	return errors.Join(gaveUp, h.prune())
}

// state is all that a checkpoint keeps.
func (h *checkpointHook) state() ([]checkpoint.Group, error) {
	if h.held != nil {
		if groups := h.held(); groups != nil {
			return groups, nil
		}
	}
	return snapshot(h.run, h.scope)
}

// prune removes old checkpoints. Those that cannot be read stay; that is told and
// no reason to stop.
func (h *checkpointHook) prune() error {
	var best []int64
	if h.meta.BestStep > 0 {
		best = append(best, h.meta.BestStep)
	}
	if _, err := h.store.Prune(h.keep, best...); err != nil {
		glog.Warning(err)
	}
	return nil
}
