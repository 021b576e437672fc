package prepare

import (
	"image"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/video"
)

// Cuts stand where scenes were joined; a flash, a fast square and a moving
// camera are none.
func TestScenes(t *testing.T) {
	var frames []*video.Frame
	var want []span
	add := func(more []*video.Frame) {
		want = append(want, span{len(frames), len(frames) + len(more)})
		frames = append(frames, more...)
	}
	add(moving(1, 20, 64, 48))
	add(moving(2, 3, 64, 48)) // very short
	flashing := moving(3, 30, 64, 48)
	white := withSquare(flashing[0], 0, 0, 64)
	flashing[10], flashing[11] = white, white
	add(flashing)
	wide := scenery(4, 200, 48)
	var pan []*video.Frame
	for i := 0; i < 20; i++ {
		f := video.NewFrame(64, 48)
		for y := 0; y < 48; y++ {
			copy(f.Pix[3*64*y:3*64*(y+1)], wide.Pix[3*(200*y+6*i):])
		}
		pan = append(pan, f)
	}
	add(pan)
	if diff := cmp.Diff(want, lookOf(frames).scenes()); diff != "" {
		t.Error(diff)
	}
	if got := lookOf(frames[:1]).scenes(); len(got) != 1 || got[0] != (span{0, 1}) {
		t.Errorf("one frame: %v", got)
	}
}

// Of a film that is thinned, scenes change where they change in the film: of
// five frames a second each would differ from the next as much as at a cut.
func TestScenesOfThinnedFilm(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	var frames []*video.Frame
	for number := 4; number < 6; number++ {
		wide := scenery(number, 300, 48)
		for i := 0; i < 38; i++ {
			f := video.NewFrame(64, 48)
			for y := 0; y < 48; y++ {
				copy(f.Pix[3*64*y:3*64*(y+1)], wide.Pix[3*(300*y+6*i):])
			}
			frames = append(frames, f)
		}
	}
	makeFilm(t, filepath.Join(in, "a.mp4"), frames)
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

func TestPieces(t *testing.T) {
	if diff := cmp.Diff([]span{{5, 15}, {15, 25}, {25, 36}}, pieces(span{5, 36}, 11)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]span{{5, 16}}, pieces(span{5, 16}, 11)); diff != "" {
		t.Error(diff)
	}
}

// The deviation of a cell that is 100 in half of the frames and 120 in the
// others is 10.
func TestMotion(t *testing.T) {
	l := &look{w: 64, h: 64, frames: make([]small, 8)}
	for i := range l.frames {
		for cell := range l.frames[i].cells {
			l.frames[i].cells[cell] = 100
			if cell < 60 { // more than a twentieth of 1024
				l.frames[i].cells[cell] += byte(20 * (i % 2))
			}
		}
	}
	if got := l.motion(span{0, 8}); got != 10 {
		t.Errorf("motion %v, want 10", got)
	}
	if got := l.motion(span{3, 4}); got != 0 {
		t.Errorf("motion of one frame %v, want 0", got)
	}
}

func TestMotionBox(t *testing.T) {
	back := scenery(5, 320, 160)
	var frames []*video.Frame
	for i := 0; i < 40; i++ {
		frames = append(frames, withSquare(back, 200+int(20*math.Sin(float64(i)/4)), 60+int(10*math.Cos(float64(i)/4)), 30))
	}
	// A fly that crosses the corner for two frames is no figure.
	frames[20] = withSquare(frames[20], 10, 10, 12)
	moves := image.Rect(180, 50, 250, 100) // where the square is at any time
	got := lookOf(frames).motionBox(span{0, len(frames)}, 0.1, 16)
	if got.Dx() != got.Dy() || !got.In(image.Rect(0, 0, 320, 160)) {
		t.Fatalf("%v is no square inside the picture", got)
	}
	if grown := got.Inset(-6); !moves.In(grown) { // nearly all, up to a cell
		t.Errorf("%v leaves out a part of %v", got, moves)
	}
	if got.Dx() > 110 {
		t.Errorf("%v is far larger than %v", got, moves)
	}
	still := lookOf([]*video.Frame{back, back, back}).motionBox(span{0, 3}, 0.1, 16)
	if still != image.Rect(80, 0, 240, 160) {
		t.Errorf("nothing moves: %v, want the middle", still)
	}
}

func TestSquareIn(t *testing.T) {
	for _, c := range []struct {
		x, y, side float64
		size       int
		want       image.Rectangle
	}{
		{50, 50, 20, 8, image.Rect(40, 40, 60, 60)},
		{5, 95, 20, 8, image.Rect(0, 80, 20, 100)},      // moved in
		{50, 50, 20, 64, image.Rect(18, 18, 82, 82)},    // not below the target
		{100, 50, 500, 8, image.Rect(50, 0, 150, 100)},  // not above the picture
		{100, 50, 20, 256, image.Rect(50, 0, 150, 100)}, // small pictures
	} {
		if got := squareIn(200, 100, c.x, c.y, c.side, c.size); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestPointsBox(t *testing.T) {
	l := &look{w: 200, h: 100, frames: make([]small, 41)}
	for i := 0; i <= 10; i++ {
		x := float64(i)
		// Two move around (100, 50), one rests in the corner.
		l.points = append(l.points, []point{{90 + x, 40}, {110 - x, 60}, {3, 3}})
	}
	got := l.pointsBox(span{0, 41}, 0, 8)
	// Without the extremes of one moment of ten: x from 91 to 109.
	if want := squareIn(200, 100, 100, 50, 20, 8); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	for i := range l.points {
		l.points[i] = []point{{20, 30}, {60, 70}}
	}
	if got, want := l.pointsBox(span{5, 7}, 0.25, 8), image.Rect(10, 20, 70, 80); got != want {
		t.Errorf("points at rest: %v, want %v", got, want)
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
