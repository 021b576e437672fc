package train

import (
	"math"
	"slices"
	"strconv"

	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// Number is a number that may be absent: an empty field of a table.
type Number struct {
	Value float64
	Known bool
}

func known(v float64) Number { return Number{Value: v, Known: true} }

// MarshalCSV implements gocsv.TypeMarshaller. Seven to nine digits give a
// float32 back exactly.
func (n Number) MarshalCSV() (string, error) {
	if !n.Known {
		return "", nil
	}
	return strconv.FormatFloat(n.Value, 'g', -1, 32), nil
}

// UnmarshalCSV implements gocsv.TypeUnmarshaller.
func (n *Number) UnmarshalCSV(text string) error {
	*n = Number{}
	if text == "" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return err
	}
	*n = known(v)
	return nil
}

// Row is a row of metrics.csv: what was measured at one step.
type Row struct {
	FormatVersion        int
	Step, Attempt, Epoch int64
	// Values are the numbers by column. Losses are weighted and stand under the
	// names of their terms, measurements under theirs, rates and gradients of a
	// player behind lr_ and grad_. What is not known is not there.
	Values map[string]float64
	// VGG19 says what weights the perceptual loss had; empty without one.
	VGG19 string
}

// Value is the number in a column.
func (r Row) Value(column string) Number {
	v, ok := r.Values[column]
	return Number{Value: v, Known: ok}
}

// set makes a number known.
func (r *Row) set(column string, v float64) {
	if r.Values == nil {
		r.Values = map[string]float64{}
	}
	r.Values[column] = v
}

// rowOf describes a moment, but for the times, which are means.
func rowOf(m *Moment, all columns, vgg string) Row {
	r := Row{FormatVersion: rundir.FormatVersion, Step: m.Step, Attempt: m.Attempt, Epoch: m.Epoch, VGG19: vgg}
	for _, values := range []map[string]float64{m.Losses, m.Stats} {
		for name, v := range values {
			r.set(name, v)
		}
	}
	for player, norm := range m.GradientNorms {
		r.set(ratePrefix+player, m.Rates[player])
		r.set(gradientPrefix+player, norm)
	}
	if len(m.Losses) > 0 && slices.Contains(all, warmupColumn) {
		r.set(warmupColumn, m.Warmup)
	}
	r.validation(m.Validation)
	return r
}

func (r *Row) validation(v *evaluate.Result) {
	if v == nil {
		return
	}
	r.set(valL1, v.Whole.L1)
	r.set(valL1Copy, v.Whole.CopySource)
	r.set(valL1Mean, v.Whole.MeanFrame)
	if f := v.Foreground; f != nil {
		r.set(valForeground, f.L1)
		r.set(valForegroundCopy, f.CopySource)
		r.set(valForegroundFrozen, f.Frozen)
		if v.HasBackground {
			r.set(valBackgroundIoU, v.BackgroundIoU)
		}
	}
}

// finite reports whether v is a number.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
