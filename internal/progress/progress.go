// Package progress shows a person how far a program is: a bar on a terminal, a
// line now and then in a log, nothing where nobody looks.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Bar shows how far something is. Its methods may be called from several
// goroutines.
type Bar struct {
	out      io.Writer // nil: nobody looks
	every    time.Duration
	columns  int // of the terminal, 0 of a log
	throttle time.Duration

	mu          sync.Mutex
	bar         *progressbar.ProgressBar
	drawn       bool   // the bar stands on the terminal's last line
	what, text  string // what is counted, what is told of it
	first       int64  // what the clock does not count
	done, total int64
	began, said time.Time
	told        bool // the log has what Set was told
}

// New shows on out; nil shows nothing. In a log a line is written where so much
// time has passed since the last one; with 0 only Line writes.
func New(out io.Writer, every time.Duration) *Bar {
	b := &Bar{out: out, every: every, throttle: 200 * time.Millisecond}
	for { // behind what only changes texts
		around, ok := out.(interface{ Unwrap() io.Writer })
		if !ok {
			break
		}
		out = around.Unwrap()
	}
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return b
	}
	b.columns = 80
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
		b.columns = w
	}
	return b
}

// Columns is the width of the terminal, 0 of what is none.
func (b *Bar) Columns() int { return b.columns }

// Begin begins to count from first on, and starts the clock. what is the name of
// one of those that are counted, text is what is told before there is more to
// tell, and a total that is not positive is not known. The bar of what was
// counted before stays as it is.
func (b *Bar) Begin(what, text string, first, total int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end()
	b.what, b.text, b.first, b.done, b.total, b.told = what, text, first, first, total, true
	b.began = time.Now()
	b.said = b.began
	if b.columns == 0 {
		return
	}
	most := total
	if most < 1 {
		most = -1 // a spinner
	}
	// Time left is told by what this process has done alone.
	b.bar = progressbar.NewOptions64(most,
		progressbar.OptionSetWriter(b.out), progressbar.OptionFullWidth(), progressbar.OptionThrottle(b.throttle),
		progressbar.OptionSetDescription(text),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionShowCount())
	_ = b.bar.Set64(first) // a bar that cannot be drawn is no reason to stop
	_ = b.bar.RenderBlank()
	b.drawn = true
}

// StartClock starts the clock anew: what was done until now was preparation.
func (b *Bar) StartClock(done int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first, b.began = done, time.Now()
}

// Expect changes the total.
func (b *Bar) Expect(total int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if total == b.total {
		return
	}
	b.total = total
	if b.bar != nil && total > 0 {
		b.bar.ChangeMax64(total)
	}
}

// Skip tells the clock that n more were done before.
func (b *Bar) Skip(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first += n
}

// Set tells that so many are done, and more in words.
func (b *Bar) Set(done int64, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done, b.text, b.told = done, text, false
	switch {
	case b.bar != nil:
		b.bar.Describe(text)
		if b.total > 0 && done > b.total {
			b.bar.ChangeMax64(done) // the claim was too low
		}
		_ = b.bar.Set64(done)
		b.drawn = true
	case b.every > 0 && time.Since(b.said) >= b.every:
		b.line()
	}
}

// Line writes what Set was told into a log, if it is not there yet.
func (b *Bar) Line() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.line()
}

func (b *Bar) line() {
	if b.out == nil || b.columns > 0 || b.told {
		return
	}
	b.said, b.told = time.Now(), true
	of := ""
	if b.total >= b.done && b.total > 0 {
		of = fmt.Sprintf("/%d", b.total)
	}
	fmt.Fprintln(b.out, strings.TrimSpace(fmt.Sprintf("%s %d%s  %s", b.what, b.done, of, b.text)))
}

// PerSecond is n for every second since the clock started.
func (b *Bar) PerSecond(n int64) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.perSecond(n)
}

func (b *Bar) perSecond(n int64) float64 {
	return float64(n) / max(time.Since(b.began).Seconds(), 1e-9)
}

// Pace tells the speed since the clock started, with so many done, and the time
// that is left at it: "3.1 steps/s  10s left".
func (b *Bar) Pace(done int64) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if done <= b.first {
		return "first " + b.what + "s"
	}
	text := fmt.Sprintf("%.3g %ss/s", b.perSecond(done-b.first), b.what)
	if left := b.left(done); left != "" {
		text += "  " + left
	}
	return text
}

// Left tells the time that is left, with so many done: "10s left", nothing where
// that is not known.
func (b *Bar) Left(done int64) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left(done)
}

func (b *Bar) left(done int64) string {
	if done <= b.first || b.total <= 0 || done > b.total {
		return ""
	}
	left := time.Duration(float64(b.total-done) / b.perSecond(done-b.first) * float64(time.Second))
	return fmt.Sprintf("%s left", left.Round(time.Second))
}

// Println writes a line in place of the bar, which is drawn anew below.
func (b *Bar) Println(text string) {
	b.Clear()
	if b.out != nil {
		fmt.Fprintln(b.out, text)
	}
}

// Clear makes room for lines of others.
func (b *Bar) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar != nil {
		_ = b.bar.Clear()
	}
	b.drawn = false
}

// End ends the bar, whose last state stays to be seen unless it was cleared.
func (b *Bar) End() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end()
}

func (b *Bar) end() {
	if b.bar != nil && b.drawn {
		_ = b.bar.Exit()
		fmt.Fprintln(b.out)
	}
	b.bar, b.drawn = nil, false
}
