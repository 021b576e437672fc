package evaluate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/video"
)

// TestPage: the page names videos from the worst on, its films are of all their
// frames, and it is drawn anew only where what it says has changed.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	for v := 0; v < 2; v++ {
		name, frames := noisy(t, v)
		if v == 1 { // twice as far from the truth as the noise alone
			for i := range frames[7].Pix {
				frames[7].Pix[i] ^= 0x80
			}
		}
		writePNG(t, strip(frames), dir, name+".png")
	}
	q := predictions(t, dir)
	q.Page = true
	o := mustRun(t, q)
	if o.Page != filepath.Join(q.Out, PageFile) {
		t.Fatalf("the page is %q", o.Page)
	}
	page := content(t, o.Page)
	worst, second := strings.Index(page, "worst 1: test-0001"), strings.Index(page, "worst 2: test-0000")
	if worst < 0 || second < worst {
		t.Errorf("the worst video stands at %d, the other at %d", worst, second)
	}
	if !strings.Contains(page, "without --keypoints or --keypoint_model") || strings.Contains(page, "`") {
		t.Error("the page does not name flags as they are typed")
	}
	for _, film := range []string{"films/worst-1.mp4", "films/worst-2.mp4"} {
		if !strings.Contains(page, `src="`+film+`"`) {
			t.Errorf("the page does not show %s", film)
		}
		info, err := video.Probe(context.Background(), filepath.Join(q.Out, film), video.Limits{})
		if err != nil || info.Frames != 24 || info.W < 4*filmWidth {
			t.Errorf("%s: %+v, %v", film, info, err)
		}
	}
	mark := func() {
		if err := os.WriteFile(o.Page, []byte("as it was"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mark()
	mustRun(t, q)
	if content(t, o.Page) != "as it was" {
		t.Error("a page of the same numbers is drawn anew")
	}
	q.NumVideos = 1
	mustRun(t, q)
	if page = content(t, o.Page); page == "as it was" || strings.Contains(page, "worst 2") {
		t.Error("the page of fewer videos is that of more")
	}
}

// TestWorstFrame: the frame that is shown of a video is the one that is missed
// most.
func TestWorstFrame(t *testing.T) {
	dir := t.TempDir()
	name, frames := noisy(t, 0)
	for i := range frames[7].Pix {
		frames[7].Pix[i] ^= 0x80
	}
	writePNG(t, strip(frames), dir, name+".png")
	q := predictions(t, dir)
	q.NumVideos = 1
	if err := os.MkdirAll(q.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	e, err := prepare(context.Background(), &q)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	m, err := e.film(context.Background(), shown{title: "worst 1", video: e.videos[0]})
	if err != nil || m.frame != 7 || m.film != "films/worst-1.mp4" {
		t.Errorf("frame %d, film %q, %v", m.frame, m.film, err)
	}
}

// fullFor puts an ffmpeg in PATH whose first encoders of films find the disk full.
func fullFor(t *testing.T, times int) {
	t.Helper()
	real, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf(`#!/bin/sh
case "$*" in *"rgb24 -video_size"*)
	echo x >>%[1]s/tries
	if test "$(wc -l <%[1]s/tries)" -le %[2]d; then
		cat >/dev/null
		echo 'av_interleaved_write_frame(): No space left on device' >&2
		exit 1
	fi
esac
exec %[3]s "$@"
`, dir, times, real)
	if err := os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// TestFailedFilmsAreMadeAgain: a disk that is full for a moment costs the page no
// film. Where it stays full, the same command draws the page alone.
func TestFailedFilmsAreMadeAgain(t *testing.T) {
	dir := t.TempDir()
	for v := 0; v < 2; v++ {
		name, frames := noisy(t, v)
		writePNG(t, strip(frames), dir, name+".png")
	}
	q := predictions(t, dir)
	q.Page, q.pause = true, time.Millisecond
	whole := func(o *Outcome) {
		t.Helper()
		page := content(t, o.Page)
		for _, film := range []string{"films/worst-1.mp4", "films/worst-2.mp4"} {
			if _, err := os.Stat(filepath.Join(q.Out, film)); err != nil || !strings.Contains(page, `src="`+film+`"`) {
				t.Errorf("%s is not there: %v", film, err)
			}
		}
		if strings.Contains(page, "No film") {
			t.Error("the page lacks a film")
		}
	}
	path := os.Getenv("PATH")
	fullFor(t, q.MaxFailedWrites-1)
	whole(mustRun(t, q))

	q.Out += "-other"
	t.Setenv("PATH", path)
	fullFor(t, 1000)
	if _, err := Run(context.Background(), q); !errors.Is(err, patience.ErrGaveUp) || !strings.Contains(err.Error(), "type the same command again") {
		t.Errorf("a disk that stays full: %v", err)
	}
	t.Setenv("PATH", path)
	o := mustRun(t, q)
	if whole(o); o.Resumed != 2 {
		t.Errorf("%d videos are kept", o.Resumed)
	}
}
