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

// every is how often a line is written where there is no terminal for a bar.
const every = 10 * time.Second

// progress shows a person how far the work is: a bar on a terminal, a line now
// and then elsewhere.
type progress struct {
	out      io.Writer
	terminal bool

	mu          sync.Mutex
	bar         *progressbar.ProgressBar
	what        string
	done, total int
	frames      int
	began, told time.Time
}

func newProgress(out io.Writer) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// Stage implements prepare.Progress.
func (p *progress) Stage(what string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endBar()
	p.what, p.done, p.total, p.frames = what, 0, total, 0
	p.began = time.Now()
	p.told = p.began
	if p.terminal && total > 0 {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.out), progressbar.OptionFullWidth(),
			progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionSetDescription(what),
			progressbar.OptionSetPredictTime(true), progressbar.OptionShowCount())
	}
}

// Done implements prepare.Progress.
func (p *progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if p.bar != nil {
		_ = p.bar.Add(1) // a bar that cannot be drawn is no reason to stop
	}
	p.line()
}

// Frames implements prepare.Progress.
func (p *progress) Frames(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames += n
	const often = 25
	if p.bar != nil && p.frames%often == 0 {
		p.bar.Describe(fmt.Sprintf("%s, %d frames, %s", p.what, p.frames, p.pace()))
	}
	p.line()
}

func (p *progress) pace() string {
	return fmt.Sprintf("%.0f frames/s", float64(p.frames)/max(time.Since(p.began).Seconds(), 1e-3))
}

// line tells how far the work is, if some time has passed.
func (p *progress) line() {
	if p.bar != nil || time.Since(p.told) < every {
		return
	}
	p.told = time.Now()
	fmt.Fprintf(p.out, "%s: %d of %d, %d frames, %s\n", p.what, p.done, p.total, p.frames, p.pace())
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endBar()
}

func (p *progress) endBar() {
	if p.bar != nil {
		_ = p.bar.Exit()
		fmt.Fprintln(p.out)
		p.bar = nil
	}
}
