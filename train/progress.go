package train

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressHook shows a person how far the run is: a bar on a terminal, a line
// every so many steps elsewhere.
type progressHook struct {
	out   io.Writer
	names []string // of the losses, in order
	every int64    // steps between lines
	bar   *progressbar.ProgressBar

	began time.Time
	first int64 // steps taken before
	shown int64 // step of the last line
}

// newProgress starts showing a run of total steps, the first of them taken.
func newProgress(out io.Writer, names []string, every, first, total int64) *progressHook {
	h := &progressHook{out: out, names: names, every: every, began: time.Now(), first: first, shown: first}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		h.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(20), progressbar.OptionThrottle(200*time.Millisecond),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("steps"),
			progressbar.OptionSetPredictTime(true), progressbar.OptionSetElapsedTime(true), progressbar.OptionFullWidth())
		if first > 0 {
			// What was done before must not count as done in no time.
			h.bar.StartWithoutRender()
		}
	}
	return h
}

// After implements Hook.
func (h *progressHook) After(m *Moment) error {
	if h.bar != nil {
		if m.due(h.every) {
			h.bar.Describe(lossLine(h.names, m.Losses))
		}
		if m.Validation != nil {
			h.println(validationLine(m))
		}
		// A bar that cannot be drawn is no reason to stop.
		_ = h.bar.Set64(m.Step)
		return nil
	}
	if m.due(h.every) || m.Last() {
		h.line(m)
	}
	if m.Validation != nil {
		h.println(validationLine(m))
	}
	return nil
}

// End implements Hook.
func (h *progressHook) End(m *Moment) error {
	if h.bar != nil {
		_ = h.bar.Exit()
		fmt.Fprintln(h.out)
	} else if m != nil && h.shown != m.Step {
		h.line(m)
	}
	return nil
}

// println writes a line above the bar.
func (h *progressHook) println(text string) {
	if h.bar != nil {
		_ = h.bar.Clear()
	}
	fmt.Fprintln(h.out, text)
}

// line is what stands in place of a bar.
func (h *progressHook) line(m *Moment) {
	h.shown = m.Step
	perStep := time.Since(h.began) / time.Duration(max(m.Step-h.first, 1))
	left := perStep * time.Duration(m.Total-m.Step)
	fmt.Fprintf(h.out, "step %d/%d  %.2f steps/s  %s left  %s\n", m.Step, m.Total,
		1/max(perStep.Seconds(), 1e-9), left.Round(time.Second), lossLine(h.names, m.Losses))
}

// lossLine shows the losses: "perceptual 61.4, gen_gan 0.92".
func lossLine(names []string, losses map[string]float64) string {
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %.3g", name, losses[name]))
	}
	return strings.Join(parts, ", ")
}

func validationLine(m *Moment) string {
	v := m.Validation
	text := fmt.Sprintf("step %d: validation L1 %.4f on %d frames of %d unseen videos (%.2f of copying the source, %.2f of the mean frame",
		m.Step, v.Whole.L1, v.Frames, v.Videos, ratio(v.Whole.L1, v.Whole.CopySource), ratio(v.Whole.L1, v.Whole.MeanFrame))
	if f := v.Foreground; f != nil {
		text += fmt.Sprintf("; the figures: %.2f and %.2f; background IoU %.2f", ratio(f.L1, f.CopySource), ratio(f.L1, f.MeanFrame), v.BackgroundIoU)
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
