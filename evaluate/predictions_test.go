package evaluate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/video"
)

// TestLayoutsOfPredictions stores the same frames in every way there is.
func TestLayoutsOfPredictions(t *testing.T) {
	var want []result.FrameRow
	for _, layout := range []string{"from 0", "from 1", "from 95", "words", "strip", "film"} {
		dir := t.TempDir()
		for v := 0; v < 2; v++ {
			name, frames := noisy(t, v)
			switch layout {
			case "strip":
				writePNG(t, strip(frames), dir, name+".png")
				continue
			case "film":
				rawFilm(t, filepath.Join(dir, name+".mkv"), frames)
				continue
			}
			for i, f := range frames {
				writePNG(t, f, dir, name, map[string]string{
					"from 0": fmt.Sprintf("%05d.png", i), "from 1": fmt.Sprintf("frame_%d.png", i+1), "words": strings.Repeat("a", i+1) + ".png",
					"from 95": fmt.Sprintf("%d.png", i+95),
				}[layout])
			}
		}
		rows := frameRows(t, mustRun(t, predictions(t, dir)))
		if want == nil {
			want = rows
		}
		if diff := cmp.Diff(want, rows, equalValues); diff != "" || len(rows) != 48 {
			t.Errorf("%s: %d rows (-want +got):\n%s", layout, len(rows), diff)
		}
	}
	if l1 := float64(want[0].L1); l1 < 0.02 || l1 > 0.06 {
		t.Errorf("L1 of noise up to 20/255 is %v", l1)
	}
}

// TestPartialPredictions leaves frames and a video out.
func TestPartialPredictions(t *testing.T) {
	dir := t.TempDir()
	name, frames := noisy(t, 0)
	for i, f := range frames {
		if i != 3 && i != 23 {
			writePNG(t, f, dir, name, fmt.Sprintf("%07d.png", i))
		}
	}
	o := mustRun(t, predictions(t, dir))
	s := o.Summary[0]
	if s.Frames != 22 || s.MissingFrames != 26 || s.Videos != 1 || s.Missing != 26 {
		t.Errorf("%+v", s)
	}
	rows := frameRows(t, o)
	for i, r := range rows {
		if missing := i == 3 || i >= 23; missing == r.L1.Known() {
			t.Errorf("row %d is %+v", i, r)
		}
	}
	var text strings.Builder
	if err := WriteReport(&text, o); err != nil || !strings.Contains(text.String(), "26 frames without a prediction, left out: test-0000 (2 of 24: 3 23), test-0001 (24 of 24)") {
		t.Errorf("%v:\n%s", err, text.String())
	}
}

// TestChangedPredictions adds a frame that was missing, and changes one: what
// was measured before is not passed off as the new numbers.
func TestChangedPredictions(t *testing.T) {
	dir := t.TempDir()
	name, frames := noisy(t, 0)
	for i, f := range frames[:23] {
		writePNG(t, f, dir, name, fmt.Sprintf("%07d.png", i))
	}
	q := predictions(t, dir)
	mustRun(t, q)
	if o := mustRun(t, q); o.Resumed != 2 {
		t.Errorf("%d videos were kept", o.Resumed)
	}
	refusedFor := func(change string) {
		t.Helper()
		var refused *RequestError
		if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "inputs (predictions@") {
			t.Errorf("%s: %v", change, err)
		}
	}
	writePNG(t, frames[23], dir, name, "0000023.png")
	refusedFor("one frame more")
	q.Out = filepath.Join(t.TempDir(), "new")
	if s := mustRun(t, q).Summary[0]; s.Frames != 24 {
		t.Errorf("measured anew: %+v", s)
	}
	path := filepath.Join(dir, name, "0000003.png")
	later := time.Now().Add(time.Minute)
	writePNG(t, frames[4], path)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	refusedFor("another frame")
}

func TestBadPredictions(t *testing.T) {
	name, frames := noisy(t, 0)
	for label, c := range map[string]struct {
		make func(dir string)
		want string
	}{
		"empty":         {func(string) {}, "holds no predictions"},
		"others' names": {func(dir string) { writePNG(t, frames[0], dir, "somebody", "0.png") }, "none of the 2 test videos"},
		"another size": {func(dir string) {
			writePNG(t, frames[0], dir, name, "0000000.png")
			writePNG(t, video.NewFrame(16, 16), dir, name, "0000001.png")
		}, filepath.Join(name, "0000001.png") + " has 16x16 pixels"},
		"beyond the end": {func(dir string) {
			writePNG(t, frames[0], dir, name, "0000000.png")
			writePNG(t, frames[0], dir, name, "0000024.png")
		}, "0000024.png is beyond the 24 frames"},
		"twice": {func(dir string) {
			writePNG(t, frames[0], dir, name, "1.png")
			writePNG(t, frames[0], dir, name, "01.png")
		}, "are both frame 1"},
		"names without numbers": {func(dir string) { writePNG(t, frames[0], dir, name, "a.png") }, "1 pictures for a video of 24 frames"},
		"too long a strip":      {func(dir string) { writePNG(t, strip(append(slices.Clone(frames), frames[0])), dir, name+".png") }, "more frames than the 24"},
		"damaged": {func(dir string) {
			writePNG(t, frames[1], dir, name, "0000001.png")
			if err := os.WriteFile(filepath.Join(dir, name, "0000000.png"), []byte("\x89PNG\r\n\x1a\nno"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "0000000.png"},
	} {
		dir := t.TempDir()
		c.make(dir)
		if _, err := Run(context.Background(), predictions(t, dir)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", label, err, c.want)
		}
	}
}
