package train

import (
	"errors"
	"github.com/prioritycut/prioritycut/internal/patience"
	"strings"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/tf/events"
)

// eventLog is what a run writes for TensorBoard. Where a file cannot be written,
// another one is begun; what the first one lacks is lost.
type eventLog struct {
	files    durable.FileSystem
	dir      string
	patience *patience.Patience
	writer   *events.Writer // nil before the first event, and after a failure
}

// eventFiles is how messages call them.
const eventFiles = "an event file"

// write puts events of a step into the file, and hands them to the system.
func (l *eventLog) write(step int64, put func(*events.Writer) error) error {
	var err error
	if l.writer == nil {
		l.writer, err = events.NewWriterOn(l.files, l.dir, step)
	}
	if err == nil {
		err = errors.Join(put(l.writer), l.writer.Flush())
	}
	if err != nil && l.writer != nil {
		_ = l.writer.Close() // it returns the same error
		l.writer = nil
	}
	return l.patience.Wrote(eventFiles, err)
}

func (l *eventLog) close() error {
	if l.writer == nil {
		return nil
	}
	err := l.writer.Close()
	l.writer = nil
	return l.patience.Wrote(eventFiles, err)
}

// eventsHook writes the numbers of logged steps and of validations for
// TensorBoard.
type eventsHook struct {
	log   *eventLog
	every int64
}

// After implements Hook.
func (h *eventsHook) After(m *Moment) error {
	numbers := m.due(h.every) || m.Last()
	if !numbers && m.Validation == nil {
		return nil
	}
	return h.log.write(m.Step, func(w *events.Writer) error {
		var errs []error
		if numbers {
			errs = append(errs, h.numbers(w, m))
		}
		return errors.Join(append(errs, h.validation(w, m))...)
	})
}

// CatchUp implements latecomer.
func (h *eventsHook) CatchUp(m *Moment) error {
	return h.log.write(m.Step, func(w *events.Writer) error { return h.validation(w, m) })
}

// End implements Hook.
func (h *eventsHook) End(*Moment) error { return h.log.close() }

// numbers writes what a step measured. Tags group at the slash.
func (h *eventsHook) numbers(w *events.Writer, m *Moment) error {
	groups := map[string]map[string]float64{
		"loss": m.Losses, "measured": m.Stats, "gradient_norm": m.GradientNorms,
		"learning_rate": m.Rates,
		"time":          {"seconds_per_step": m.Took.Seconds(), "seconds_waiting_for_data": m.Waited.Seconds()},
	}
	for group, values := range groups {
		for name, v := range values {
			if _, trained := m.GradientNorms[name]; group == "learning_rate" && !trained {
				continue
			}
			if err := w.Scalar(m.Step, group+"/"+name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *eventsHook) validation(w *events.Writer, m *Moment) error {
	if m.Validation == nil {
		return nil
	}
	for _, measure := range measuresOf(m.Step, m.Validation) {
		if strings.HasPrefix(measure.Meaning, "unseen videos") || measure.Measure == "frames" {
			continue
		}
		if err := w.Scalar(m.Step, "validation/"+measure.Measure, measure.Value.Value); err != nil {
			return err
		}
	}
	return nil
}
