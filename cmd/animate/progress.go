package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows a person how far an animation is: a bar on a terminal, a line
// now and then elsewhere.
type progress struct {
	mu    sync.Mutex // a warning may come while frames are written
	out   io.Writer
	total int
	bar   *progressbar.ProgressBar
	began time.Time // when the first frame was written
	said  time.Time // the last line
}

// between are the seconds from line to line where there is no terminal.
const between = 10 * time.Second

func newProgress(out io.Writer, total int) *progress {
	p := &progress{out: out, total: total, said: time.Now()}
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return p
	}
	most := int64(total)
	if total < 1 {
		most = -1 // a spinner
	}
	p.bar = progressbar.NewOptions64(most,
		progressbar.OptionSetWriter(out), progressbar.OptionFullWidth(), progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionSetDescription("preparing"),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionShowCount())
	return p
}

// update is told of frames written.
func (p *progress) update(done, _ int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.began.IsZero() {
		p.began = now
	}
	switch {
	case p.bar != nil:
		p.bar.Describe(p.pace(done, now))
		if p.total > 0 && done > p.total {
			p.bar.ChangeMax(done) // the container's claim was too low
		}
		_ = p.bar.Set(done) // a bar that cannot be drawn is no reason to stop
	case now.Sub(p.said) >= between:
		p.said = now
		of := ""
		if p.total >= done {
			of = fmt.Sprintf("/%d", p.total)
		}
		fmt.Fprintf(p.out, "frame %d%s  %s\n", done, of, p.pace(done, now))
	}
}

// pace is the speed so far and the time that is left at it.
func (p *progress) pace(done int, now time.Time) string {
	if done < 2 {
		return "first frames"
	}
	// The first batch is all preparation; the clock starts with its first frame.
	perFrame := now.Sub(p.began).Seconds() / float64(done-1)
	text := fmt.Sprintf("%.3g frames/s", 1/max(perFrame, 1e-9))
	if left := p.total - done; left > 0 {
		text += fmt.Sprintf("  %s left", time.Duration(float64(left)*perFrame*float64(time.Second)).Round(time.Second))
	}
	return text
}

// clear makes room for a line in place of the bar, which is drawn anew below.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
