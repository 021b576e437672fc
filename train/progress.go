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
	width int // columns of the terminal

	began time.Time
	first int64 // steps taken before
	shown int64 // step of the last line
}

// newProgress starts showing a run of total steps, the first of them taken.
func newProgress(out io.Writer, names []string, every, first, total int64) *progressHook {
	h := &progressHook{out: out, names: names, every: every, began: time.Now(), first: first, shown: first}
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return h
	}
	h.width = 80
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
		h.width = w
	}
	h.bar = progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(out), progressbar.OptionFullWidth(), progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionSetDescription("preparing the first step"),
		// Time left is told by the steps of this process alone.
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionShowCount())
	_ = h.bar.Set64(first) // a bar that cannot be drawn is no reason to stop
	return h
}

// After implements Hook.
func (h *progressHook) After(m *Moment) error {
	switch {
	case h.bar != nil:
		if h.bar.GetMax64() != m.Total { // the run's length was planned
			h.bar.ChangeMax64(m.Total)
		}
		h.bar.Describe(h.describe(m))
		_ = h.bar.Set64(m.Step)
	case m.due(h.every) || m.Last():
		h.line(m)
	}
	if m.Validation != nil {
		h.println(validationLine(m))
	}
	return nil
}

// CatchUp implements latecomer.
func (h *progressHook) CatchUp(m *Moment) error {
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

// println writes a line in place of the bar, which is drawn anew below.
func (h *progressHook) println(text string) {
	if h.bar != nil {
		_ = h.bar.Clear()
	}
	fmt.Fprintln(h.out, text)
}

// line is what stands in place of a bar.
func (h *progressHook) line(m *Moment) {
	h.shown = m.Step
	fmt.Fprintf(h.out, "step %d/%d  %s  %s\n", m.Step, m.Total, h.pace(m), lossLine(h.names, m.Losses))
}

// pace is the speed of this process and the time that is left at it.
func (h *progressHook) pace(m *Moment) string {
	perStep := time.Since(h.began) / time.Duration(max(m.Step-h.first, 1))
	left := perStep * time.Duration(m.Total-m.Step)
	return fmt.Sprintf("%.2f steps/s  %s left", 1/max(perStep.Seconds(), 1e-9), left.Round(time.Second))
}

// describe is what stands before the bar: as much as leaves room for it.
func (h *progressHook) describe(m *Moment) string {
	pace := h.pace(m)
	const bar = 38 // least columns for percentage, bar and count
	for _, losses := range []string{lossLine(h.names, m.Losses), shortLosses(h.names, m.Losses), players(m.Losses)} {
		if text := pace + "  " + losses; len(text)+bar <= h.width {
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
