package evaluate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
