package ablation

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Describe prints the plan: what is trained, how far it is, how long it may
// take. States are those of the runs.
func (p *Plan) Describe(w io.Writer, states []State) error {
	pace, err := newPace(p)
	if err != nil {
		return err
	}
	var b strings.Builder
	c := p.Runs[0].Config
	length := fmt.Sprintf("%d steps", c.Train.Steps)
	if c.Train.Steps == 0 {
		length = fmt.Sprintf("%d epochs", c.Train.NumEpochs)
	}
	fmt.Fprintf(&b, "%s of %s each in %s: %s, %s; %s on %s\n",
		count(len(p.Runs), "run"), length, p.Out, count(len(p.Rows), "variant"), count(p.Seeds, "seed"), c.Preset, c.Dataset.RootDir)
	if p.Schedule != "" {
		fmt.Fprintln(&b, p.Schedule)
	}
	if weight := c.Train.LossWeights.Reconstruction; weight != 0 {
		fmt.Fprintf(&b, "all variants have a loss on pixels of weight %v, which the paper has not\n", weight)
	}
	var total time.Duration
	known := c.Train.Steps > 0
	for i, r := range p.Runs {
		left := pace.of(r.Row, c.Train.Steps-states[i].Step)
		text := "not begun"
		switch {
		case states[i].Complete:
			left, text = 0, "complete"
		case states[i].Step > 0:
			text = fmt.Sprintf("stopped at step %d", states[i].Step)
		}
		if left == 0 && !states[i].Complete {
			known = false
		}
		total += left
		fmt.Fprintf(&b, "  %3d  %-24s %-14s %s%s\n", i+1, r.Name, rowOf(r.Row).Label, text, forTime(left))
	}
	switch {
	case known && total == 0:
		fmt.Fprintln(&b, "all of them are complete")
	case known:
		fmt.Fprintf(&b, "training: about %s on this machine if it is as fast as what was measured\n", roughly(total))
	default:
		fmt.Fprintln(&b, "training: how long it takes is known when the first run is complete")
	}
	_, err = io.WriteString(w, b.String())
	return err
}

func forTime(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return ", about " + roughly(d)
}

// count is a number of things in words: "1 seed", "3 seeds".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
