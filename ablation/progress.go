package ablation

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows which run of how many is at work and how much time is left: a
// bar on a terminal, a line now and then elsewhere.
type progress struct {
	out   io.Writer
	plan  *Plan
	bar   *progressbar.ProgressBar
	shown time.Time
}

// linesApart is the time between lines where there is no terminal.
const linesApart = 30 * time.Second

func newProgress(out io.Writer, p *Plan) *progress {
	s := &progress{out: out, plan: p}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.bar = newBar(out)
	}
	return s
}

// newBar is a bar that is drawn at once: logs are read four times a second.
func newBar(out io.Writer) *progressbar.ProgressBar {
	return progressbar.NewOptions64(-1, progressbar.OptionSetWriter(out), progressbar.OptionFullWidth(),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionShowCount())
}

// begin announces a run; left is the time of the whole plan, 0 when unknown.
func (s *progress) begin(i int, step int64, left time.Duration) {
	r := s.plan.Runs[i]
	verb := "trains"
	if step > 0 {
		verb = fmt.Sprintf("goes on at step %d", step)
	}
	s.println(fmt.Sprintf("run %d of %d: %s %s%s", i+1, len(s.plan.Runs), r.Name, verb, leftText(left)))
	s.shown = time.Now()
	if s.bar != nil {
		s.bar.Reset() // that of the run before is full, and stays so
		if total := r.Config.Train.Steps; total > 0 {
			s.bar.ChangeMax64(total)
		}
		s.bar.Describe(r.Name)
		_ = s.bar.Set64(step) // a bar that cannot be drawn is no reason to stop
	}
}

// at shows the step that a run has reached.
func (s *progress) at(i int, step int64, left time.Duration) {
	r := s.plan.Runs[i]
	switch {
	case s.bar != nil:
		s.bar.Describe(fmt.Sprintf("run %d of %d: %s%s", i+1, len(s.plan.Runs), r.Name, leftText(left)))
		_ = s.bar.Set64(step)
	case time.Since(s.shown) >= linesApart:
		s.shown = time.Now()
		fmt.Fprintf(s.out, "run %d of %d: %s step %d%s\n", i+1, len(s.plan.Runs), r.Name, step, leftText(left))
	}
}

// end says that a run is complete.
func (s *progress) end(i int, step int64, took time.Duration) {
	s.println(fmt.Sprintf("run %d of %d: %s is complete after %d steps, %v", i+1, len(s.plan.Runs), s.plan.Runs[i].Name, step, took.Round(time.Second)))
}

// clear makes room for lines of others.
func (s *progress) clear() {
	if s.bar != nil {
		_ = s.bar.Clear()
	}
}

// println writes a line in place of the bar, which is drawn anew below.
func (s *progress) println(text string) {
	s.clear()
	fmt.Fprintln(s.out, text)
}

func leftText(left time.Duration) string {
	if left <= 0 {
		return ""
	}
	return fmt.Sprintf(", about %s left in all", roughly(left))
}

// roughly is a time as one tells it.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()+0.5))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
