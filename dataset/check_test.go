package dataset

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/video"
)

func check(t *testing.T, d *Dataset) *Report {
	t.Helper()
	r, err := d.Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReport(t *testing.T) {
	root := films(t)
	folder(t, filepath.Join(root, "train", "id1#a.mp4"), 0, 7)
	folder(t, filepath.Join(root, "train", "id1#b.mp4"), 0, 5)
	if err := video.WritePNG(filepath.Join(root, "train", "strip.png"), video.NewFrame(8*4, 6)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "train", "zero.mp4"), "")
	write(t, filepath.Join(root, "train", "old.flv"), "a kind that is not read")
	write(t, filepath.Join(root, "test", "notes.txt"), "")
	p := params(t, root)
	p.MaxBroken = 0.2
	r := check(t, open(t, p))
	if r.Train.Videos != 6 || r.Train.Films != 3 || r.Train.Folders != 2 || r.Train.Strips != 1 || r.Test.Videos != 1 {
		t.Errorf("counts: %+v", r)
	}
	if r.Train.Frames != 3*10+7+5+4 || r.Train.Least != 4 || r.Train.Most != 10 || r.Train.Identities != 5 {
		t.Errorf("frames: %+v", r.Train)
	}
	if r.Train.Sizes["40x30"] != 1 || r.Train.Sizes["8x6"] != 3 || r.Test.Sizes["30x60"] != 1 {
		t.Errorf("sizes: %v, %v", r.Train.Sizes, r.Test.Sizes)
	}
	text := r.String()
	for _, want := range []string{"6 videos (2 folders, 3 films, 1 strips) of 5 identities", "about 46 frames (4 to 10 each)",
		"broken: 1", "train/zero.mp4", "left aside: 2, no videos by their names: train/old.flv, test/notes.txt\n", "id_sampling: true would", "will be stretched", "items are 6 videos"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
	p.IDSampling = true
	if text := check(t, open(t, p)).String(); !strings.Contains(text, "items are 5 identities") {
		t.Errorf("with id_sampling:\n%s", text)
	}
	// The cache holds the frames of films, of tests too, and of nothing else.
	for frames, want := range map[int]bool{40: false, 39: true} {
		p.CacheGB = float64(frames*3*6*8) / (1 << 30)
		if text := check(t, open(t, p)).String(); strings.Contains(text, "cache_gb is") != want {
			t.Errorf("a cache of %d frames for films of 40:\n%s", frames, text)
		}
	}
}

func TestReportWarnings(t *testing.T) {
	root := t.TempDir()
	for _, part := range []string{"train", "test"} {
		for _, i := range []int{1, 2, 10} {
			name := filepath.Join(root, part, "a", fmt.Sprintf("%d.png", i))
			write(t, name, "")
			if err := video.WritePNG(name, video.NewFrame(8+i/10, 6)); err != nil {
				t.Fatal(err)
			}
		}
		folder(t, filepath.Join(root, part, "still"), 0, 1)
	}
	write(t, filepath.Join(root, "train", "bad", "0.png"), "no picture")
	p := params(t, root)
	p.IDSampling = true
	d := open(t, p)
	r := check(t, d)
	text := r.String()
	for _, want := range []string{"differ in size", "an identity of its own", "broken: 1", "train/bad: picture"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
	// Strips of other frames than frame_shape says.
	for i, part := range []string{"train", "train", "test"} {
		name := filepath.Join(root, "strips", part, fmt.Sprintf("%d.png", i))
		write(t, name, "")
		if err := video.WritePNG(name, video.NewFrame(4*(3+i), 4)); err != nil {
			t.Fatal(err)
		}
	}
	if text := check(t, open(t, params(t, filepath.Join(root, "strips")))).String(); !strings.Contains(text, "may be strips of frames side by side: those are told by frame_shape: [4, 4, 3]") {
		t.Errorf("strips of other frames:\n%s", text)
	}
}

func TestReportOfOneVideoAndOfDrawnData(t *testing.T) {
	root := t.TempDir()
	folder(t, filepath.Join(root, "only"), 1, 10)
	r := check(t, open(t, params(t, root)))
	if r.Train.Frames != 8 || r.Test.Frames != 2 || r.Train.Folders != 1 || !strings.Contains(r.How, "first 80 %") {
		t.Errorf("one video:\n%s", r)
	}
	p := params(t, root)
	p.FrameShape = [3]int{12, 12, 3}
	if r = check(t, open(t, p)); r.Train.Sizes["8x6"] != 1 || r.Test.Sizes["8x6"] != 1 {
		t.Errorf("the size of stored frames:\n%s", r)
	}
	r = check(t, drawnSet(t, params(t, ""), 4, 6))
	if r.Train.Drawn != 4 || r.Train.Frames != 24 || r.Test.Frames != 5 || len(r.Warnings) != 0 {
		t.Errorf("drawn:\n%s", r)
	}
}
