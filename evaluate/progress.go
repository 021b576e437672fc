package evaluate

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/prioritycut/prioritycut/internal/progress"
)

// videosDone shows how many videos are done, and how fast their frames are.
type videosDone struct {
	bar   *progress.Bar
	done  int64
	count int64 // of this process
}

// lineEvery is the time between lines.
const lineEvery = 30 * time.Second

func newVideosDone(out io.Writer, videos int) *videosDone {
	d := &videosDone{bar: progress.New(out, lineEvery)}
	d.bar.Begin("video", "videos", 0, int64(videos))
	return d
}

// video counts a video.
func (d *videosDone) video() {
	d.done++
	d.frames(0)
}

// resumed counts a video that was done before.
func (d *videosDone) resumed() {
	d.bar.Skip(1)
	d.video()
}

// frames counts frames of the current video.
func (d *videosDone) frames(n int) {
	d.count += int64(n)
	text := fmt.Sprintf("%d frames, %.1f frames/s  %s", d.count, d.bar.PerSecond(d.count), d.bar.Left(d.done))
	d.bar.Set(d.done, strings.TrimSpace(text))
}
