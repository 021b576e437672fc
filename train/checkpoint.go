package train

import (
	"errors"
	"fmt"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf"
)

// checkpointHook saves the state of a run every so many steps, when validation
// was never better, and at the end. The newest few and the best are kept.
type checkpointHook struct {
	store *tf.Store
	scope *graph.Scope
	run   graph.Runner
	// everySteps and everyEpochs say when; 0 does not.
	everySteps, everyEpochs int64
	keep                    int
	// meta are the notes so far; position and best move on.
	meta rundir.Meta

	saved int64 // step of the newest checkpoint, -1 without
}

// After implements Hook.
func (h *checkpointHook) After(m *Moment) error {
	best := h.noteBest(m)
	if !best && !m.due(h.everySteps) && !m.due(h.everyEpochs*m.PerEpoch) {
		h.note(m.Position)
		return nil
	}
	return h.save(m.Position)
}

// End implements Hook.
func (h *checkpointHook) End(m *Moment) error {
	if m == nil {
		return nil // nothing has moved since the run was begun or resumed
	}
	return h.save(m.Position)
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
	meta, err := h.meta.Encode()
	if err != nil {
		return fmt.Errorf("saving a checkpoint: %w", err)
	}
	groups, err := snapshot(h.run, h.scope)
	if err != nil {
		return fmt.Errorf("saving a checkpoint: %w", err)
	}
	if err := h.store.Save(at.Step, meta, groups...); err != nil && !errors.Is(err, tf.ErrCheckpointExists) {
		return err
	}
	h.saved = at.Step
	// The fetched tensors share the variables' memory: as long as they live,
	// every assignment copies.
	clear(groups)
	tf.Reclaim()
	glog.V(1).Infof("step %d: saved %s", at.Step, h.store.Dir(at.Step))
	return h.prune()
}

func (h *checkpointHook) prune() error {
	var best []int64
	if h.meta.BestStep > 0 {
		best = append(best, h.meta.BestStep)
	}
	_, err := h.store.Prune(h.keep, best...)
	return err
}
