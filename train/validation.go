package train

import (
	"context"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/graph"
)

// validationHook reconstructs a few frames of a few test videos every so many
// steps and after the last one: always the same ones, so that the numbers of a
// run can be compared.
type validationHook struct {
	ctx           context.Context
	run           graph.Runner
	reconstructor *evaluate.Reconstructor
	videos        []dataset.TestVideo
	every         int64
	options       evaluate.Options
}

// After implements Hook.
func (h *validationHook) After(m *Moment) error {
	if !m.due(h.every) && !m.Last() {
		return nil
	}
	return h.validate(m)
}

// CatchUp implements latecomer.
func (h *validationHook) CatchUp(m *Moment) error { return h.validate(m) }

// validate is cut short when the run is asked to stop: whoever goes on does it.
func (h *validationHook) validate(m *Moment) error {
	found, err := evaluate.Validate(h.ctx, h.run, h.reconstructor, h.videos, h.options)
	if h.ctx.Err() != nil && err != nil {
		m.ValidationDue = true
		return nil
	}
	if err != nil {
		return err
	}
	m.Validation = found
	if len(found.Skipped) > 0 {
		glog.Warningf("validation: %d test videos cannot be read: %v", len(found.Skipped), found.Skipped)
	}
	return nil
}

// End implements Hook.
func (h *validationHook) End(*Moment) error { return nil }
