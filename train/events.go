package train

import (
	"errors"
	"strings"

	"github.com/prioritycut/prioritycut/tf"
)

// eventsHook writes the numbers of logged steps and of validations for
// TensorBoard. Pictures come through add.
type eventsHook struct {
	writer *tf.EventWriter
	every  int64
}

// After implements Hook.
func (h *eventsHook) After(m *Moment) error {
	var errs []error
	if m.due(h.every) || m.Last() {
		errs = append(errs, h.numbers(m))
	}
	if m.Validation != nil {
		errs = append(errs, h.validation(m))
	}
	return errors.Join(append(errs, h.writer.Flush())...)
}

// End implements Hook.
func (h *eventsHook) End(*Moment) error { return h.writer.Close() }

// numbers writes what a step measured. Tags group at the slash.
func (h *eventsHook) numbers(m *Moment) error {
	groups := map[string]map[string]float64{
		"loss": m.Losses, "measured": m.Stats, "gradient_norm": m.GradientNorms,
		"learning_rate": {"generator": m.Rates.Generator, "discriminator": m.Rates.Discriminator, "kp_detector": m.Rates.KPDetector},
		"time":          {"seconds_per_step": m.Took.Seconds(), "seconds_waiting_for_data": m.Waited.Seconds()},
	}
	for group, values := range groups {
		for name, v := range values {
			if _, trained := m.GradientNorms[name]; group == "learning_rate" && !trained {
				continue
			}
			if err := h.writer.Scalar(m.Step, group+"/"+name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *eventsHook) validation(m *Moment) error {
	for _, measure := range measuresOf(m.Step, m.Validation) {
		if strings.HasPrefix(measure.Meaning, "unseen videos") || measure.Measure == "frames" {
			continue
		}
		if err := h.writer.Scalar(m.Step, "validation/"+measure.Measure, measure.Value.Value); err != nil {
			return err
		}
	}
	return nil
}
