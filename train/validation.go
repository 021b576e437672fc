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
	found, err := evaluate.Validate(h.ctx, h.run, h.reconstructor, h.videos, h.options)
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
