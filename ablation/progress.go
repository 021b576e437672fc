package ablation

import (
	"fmt"
	"io"
	"time"

	"github.com/prioritycut/prioritycut/internal/progress"
)

// runsDone shows which run of how many is at work and how much time is left.
type runsDone struct {
	out  io.Writer
	bar  *progress.Bar
	plan *Plan
}

// linesApart is the time between lines where there is no terminal.
const linesApart = 30 * time.Second

func newProgress(out io.Writer, p *Plan) *runsDone {
	return &runsDone{out: out, bar: progress.New(out, linesApart), plan: p}
}

// name names a run by its place in the plan.
func (s *runsDone) name(i int) string {
	return fmt.Sprintf("run %d of %d: %s", i+1, len(s.plan.Runs), s.plan.Runs[i].Name)
}

// begin announces a run; left is the time of the whole plan, 0 when unknown.
func (s *runsDone) begin(i int, step int64, left time.Duration) {
	verb := "trains"
	if step > 0 {
		verb = fmt.Sprintf("goes on at step %d", step)
	}
	s.bar.Println(listed(s.name(i)+" "+verb, leftText(left)))
	s.bar.Begin(s.name(i)+" step", s.name(i), step, s.plan.Runs[i].Config.Train.Steps)
}

// at shows the step that a run has reached.
func (s *runsDone) at(i int, step int64, left time.Duration) {
	text := leftText(left)
	if s.bar.Columns() > 0 {
		text = listed(s.name(i), text)
	}
	s.bar.Set(step, text)
}

// end says that a run is complete.
func (s *runsDone) end(i int, step int64, took time.Duration) {
	s.bar.Println(fmt.Sprintf("%s is complete after %d steps, %v", s.name(i), step, took.Round(time.Second)))
}

// listed is text, and more behind a comma where there is more.
func listed(text, more string) string {
	if more == "" {
		return text
	}
	return text + ", " + more
}

func leftText(left time.Duration) string {
	if left <= 0 {
		return ""
	}
	return fmt.Sprintf("about %s left in all", roughly(left))
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
