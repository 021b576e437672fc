package ablation

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// A log tells of each run when it begins, and when it is complete.
func TestRunsInALog(t *testing.T) {
	var out bytes.Buffer
	p := plan(t, Options{})
	s := newProgress(&out, p)
	total := p.Runs[0].Config.Train.Steps
	s.begin(0, 0, time.Minute)
	s.at(0, total/2, time.Minute)
	s.bar.Line()
	s.end(0, total, 5*time.Second)
	s.begin(1, 30, 0)
	n, first, second := len(p.Runs), p.Runs[0].Name, p.Runs[1].Name
	want := fmt.Sprintf("run 1 of %d: %s trains, about 60 s left in all\nrun 1 of %d: %s step 300/600  about 60 s left in all\n"+
		"run 1 of %d: %s is complete after 600 steps, 5s\nrun 2 of %d: %s goes on at step 30\n", n, first, n, first, n, first, n, second)
	if out.String() != want {
		t.Errorf("%q, want %q", &out, want)
	}
}
