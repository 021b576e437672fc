package prepare

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/prepare/preparetest"
	"github.com/prioritycut/prioritycut/video"
)

// Of a film that is thinned, scenes change where they change in the film: of
// five frames a second each would differ from the next as much as at a cut.
func TestScenesOfThinnedFilm(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	var frames []*video.Frame
	for number := 4; number < 6; number++ {
		wide := preparetest.Scenery(number, 300, 48)
		for i := 0; i < 38; i++ {
			f := video.NewFrame(64, 48)
			for y := 0; y < 48; y++ {
				copy(f.Pix[3*64*y:3*64*(y+1)], wide.Pix[3*(300*y+6*i):])
			}
			frames = append(frames, f)
		}
	}
	preparetest.Film(t, filepath.Join(in, "a.mp4"), frames)
	o := options(in, out)
	o.FPS, o.TestShare = 5, 0.5
	r := mustRun(t, o)
	var got [][2]int
	for _, row := range r.Rows {
		got = append(got, [2]int{row.FirstFrame, row.EndFrame})
	}
	if diff := cmp.Diff([][2]int{{0, 36}, {40, 76}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestThinned(t *testing.T) {
	even := func(n int, rate float64) (times []time.Duration) {
		for i := 0; i < n; i++ {
			times = append(times, time.Duration(float64(i)/rate*1e3)*time.Millisecond) // rounded down
		}
		return times
	}
	if got := thinned(even(30, 30), 30); len(got) != 30 {
		t.Errorf("30 of 30: %v", got)
	}
	if diff := cmp.Diff([]int{0, 2, 4, 6, 8}, thinned(even(10, 50), 25)); diff != "" {
		t.Errorf("25 of 50: %s", diff)
	}
	if got := thinned(even(30, 30), 25); len(got) != 25 {
		t.Errorf("25 of 30: %d frames %v", len(got), got)
	}
	if got := thinned(even(10, 5), 25); len(got) != 10 {
		t.Errorf("25 of 5 invents or loses frames: %v", got)
	}
	// A still of two seconds between moving pictures comes once.
	uneven := []time.Duration{0, 40, 80, 2080, 2120}
	for i := range uneven {
		uneven[i] *= time.Millisecond
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, thinned(uneven, 25)); diff != "" {
		t.Error(diff)
	}
}
