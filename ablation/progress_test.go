package ablation

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestBarOfEveryRun: on a terminal the second run is shown as the first was.
func TestBarOfEveryRun(t *testing.T) {
	var out bytes.Buffer
	p := plan(t, Options{})
	s := newProgress(&out, p)
	s.bar = newBar(&out)
	total := p.Runs[0].Config.Train.Steps
	for i := range p.Runs[:2] {
		out.Reset()
		s.begin(i, 0, 0)
		s.at(i, total/2, time.Minute)
		if text := out.String(); !strings.Contains(text, p.Runs[i].Name+" trains") || !strings.Contains(text, "(300/600)") || !strings.Contains(text, "60 s left") {
			t.Errorf("half of run %d is shown as %q", i+1, text)
		}
		s.at(i, total, 0)
		s.end(i, total, time.Minute)
	}
}
