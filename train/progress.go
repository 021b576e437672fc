package train

import (
	"fmt"
	"io"
	"strings"

	"github.com/prioritycut/prioritycut/internal/progress"
)

// progressHook shows how far the run is, with the losses.
type progressHook struct {
	bar   *progress.Bar
	names []string // of the losses, in order
	every int64    // steps between lines in a log
}

// newProgress starts showing a run of total steps, the first of them taken.
func newProgress(out io.Writer, names []string, every, first, total int64) *progressHook {
	h := &progressHook{bar: progress.New(out, 0), names: names, every: every}
	h.bar.Begin("step", "preparing the first step", first, total)
	return h
}

// After implements Hook.
func (h *progressHook) After(m *Moment) error {
	h.bar.Expect(m.Total) // the length of a run may be planned late
	h.bar.Set(m.Step, h.describe(m, h.bar.Columns()))
	if m.due(h.every) || m.Last() {
		h.bar.Line()
	}
	return h.CatchUp(m)
}

// CatchUp implements latecomer.
func (h *progressHook) CatchUp(m *Moment) error {
	if m.Validation != nil {
		h.bar.Println(validationLine(m))
	}
	return nil
}

// End implements Hook.
func (h *progressHook) End(*Moment) error {
	h.bar.Line()
	h.bar.End()
	return nil
}

// describe is what stands before a bar: as much as leaves room for it. A log,
// which has no columns, has room for all.
func (h *progressHook) describe(m *Moment, columns int) string {
	pace := h.bar.Pace(m.Step)
	full := pace + "  " + lossLine(h.names, m.Losses)
	if columns == 0 {
		return full
	}
	const bar = 38 // least columns for percentage, bar and count
	for _, text := range []string{full, pace + "  " + shortLosses(h.names, m.Losses), pace + "  " + players(m.Losses)} {
		if len(text)+bar <= columns {
			return text
		}
	}
	return pace
}

// lossLine shows the losses: "perceptual 61.4, gen_gan 0.92".
func lossLine(names []string, losses map[string]float64) string {
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %.3g", name, losses[name]))
	}
	return strings.Join(parts, ", ")
}

// abbreviations of losses, for narrow terminals.
var abbreviations = map[string]string{
	"perceptual": "perc", "reconstruction": "rec", "gen_gan": "gan", "feature_matching": "fm", "equivariance_value": "eq", "equivariance_jacobian": "eqJ",
	"disc_gan": "D", "disc_enc": "enc", "disc_dec": "dec", "disc_cons": "cons",
}

func shortLosses(names []string, losses map[string]float64) string {
	var parts []string
	for _, name := range names {
		short := name
		if s, ok := abbreviations[name]; ok {
			short = s
		}
		parts = append(parts, fmt.Sprintf("%s %.2g", short, losses[name]))
	}
	return strings.Join(parts, " ")
}

// players are the sums of both players' losses.
func players(losses map[string]float64) string {
	generator, critic := 0.0, 0.0
	for name, v := range losses {
		if strings.HasPrefix(name, "disc_") {
			critic += v
		} else {
			generator += v
		}
	}
	return fmt.Sprintf("G %.3g D %.2g", generator, critic)
}

func validationLine(m *Moment) string {
	v := m.Validation
	text := fmt.Sprintf("step %d: validation L1 %.4f on %d frames of %d unseen videos (%.2f of copying the source, %.2f of the mean frame",
		m.Step, v.Whole.L1, v.Frames, v.Videos, ratio(v.Whole.L1, v.Whole.CopySource), ratio(v.Whole.L1, v.Whole.MeanFrame))
	if f := v.Foreground; f != nil {
		text += fmt.Sprintf("; the figures: %.2f and %.2f", ratio(f.L1, f.CopySource), ratio(f.L1, f.MeanFrame))
		if v.HasBackground {
			text += fmt.Sprintf("; background IoU %.2f", v.BackgroundIoU)
		}
	}
	return text + ")"
}

// ratio is a/b, 0 when b is: a video that stands still is copied exactly.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
