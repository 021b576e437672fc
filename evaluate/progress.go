package evaluate

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows a person how far it is: a bar on a terminal, a line now and
// then elsewhere.
type progress struct {
	out   io.Writer // nil: nobody looks
	bar   *progressbar.ProgressBar
	total int // videos
	done  int
	count int // frames of this process
	began time.Time
	shown time.Time
}

// lineEvery is the time between lines.
const lineEvery = 30 * time.Second

func newProgress(out io.Writer, videos int) *progress {
	p := &progress{out: out, total: videos, began: time.Now(), shown: time.Now()}
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return p
	}
	p.bar = progressbar.NewOptions(videos, progressbar.OptionSetWriter(out), progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionSetDescription("videos"), progressbar.OptionShowCount(),
		progressbar.OptionSetElapsedTime(false))
	return p
}

// resumed counts a video that was done before.
func (p *progress) resumed() {
	p.done++
	p.draw()
}

// frames counts frames of the current video.
func (p *progress) frames(n int) {
	p.count += n
	p.draw()
}

// video counts a video.
func (p *progress) video() {
	p.done++
	p.draw()
}

func (p *progress) draw() {
	switch {
	case p.out == nil:
	case p.bar != nil:
		p.bar.Describe(p.pace())
		_ = p.bar.Set(p.done) // a bar that cannot be drawn is no reason to stop
	case time.Since(p.shown) > lineEvery:
		p.shown = time.Now()
		fmt.Fprintf(p.out, "%d of %d videos, %s\n", p.done, p.total, p.pace())
	}
}

func (p *progress) pace() string {
	return fmt.Sprintf("%d frames, %.1f frames/s", p.count, float64(p.count)/max(time.Since(p.began).Seconds(), 1e-3))
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Exit()
		fmt.Fprintln(p.out)
	}
}
