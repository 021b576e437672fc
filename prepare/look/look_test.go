package look

import (
	"image"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/prepare/preparetest"
	"github.com/prioritycut/prioritycut/video"
)

// Cuts stand where scenes were joined; a flash, a fast square and a moving
// camera are none.
func TestScenes(t *testing.T) {
	var frames []*video.Frame
	var want []Span
	add := func(more []*video.Frame) {
		want = append(want, Span{len(frames), len(frames) + len(more)})
		frames = append(frames, more...)
	}
	add(preparetest.Moving(1, 20, 64, 48))
	add(preparetest.Moving(2, 3, 64, 48)) // very short
	flashing := preparetest.Moving(3, 30, 64, 48)
	white := preparetest.WithSquare(flashing[0], 0, 0, 64)
	flashing[10], flashing[11] = white, white
	add(flashing)
	wide := preparetest.Scenery(4, 200, 48)
	var pan []*video.Frame
	for i := 0; i < 20; i++ {
		f := video.NewFrame(64, 48)
		for y := 0; y < 48; y++ {
			copy(f.Pix[3*64*y:3*64*(y+1)], wide.Pix[3*(200*y+6*i):])
		}
		pan = append(pan, f)
	}
	add(pan)
	if diff := cmp.Diff(want, lookOf(frames).Scenes()); diff != "" {
		t.Error(diff)
	}
	if got := lookOf(frames[:1]).Scenes(); len(got) != 1 || got[0] != (Span{0, 1}) {
		t.Errorf("one frame: %v", got)
	}
}

func TestPieces(t *testing.T) {
	if diff := cmp.Diff([]Span{{5, 15}, {15, 25}, {25, 36}}, Pieces(Span{5, 36}, 11)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Span{{5, 16}}, Pieces(Span{5, 16}, 11)); diff != "" {
		t.Error(diff)
	}
}

// The deviation of a cell that is 100 in half of the frames and 120 in the
// others is 10.
func TestMotion(t *testing.T) {
	l := &Video{W: 64, H: 64, Frames: make([]Frame, 8)}
	for i := range l.Frames {
		for cell := range l.Frames[i].Cells {
			l.Frames[i].Cells[cell] = 100
			if cell < 60 { // more than a twentieth of 1024
				l.Frames[i].Cells[cell] += byte(20 * (i % 2))
			}
		}
	}
	if got := l.Motion(Span{0, 8}); got != 10 {
		t.Errorf("motion %v, want 10", got)
	}
	if got := l.Motion(Span{3, 4}); got != 0 {
		t.Errorf("motion of one frame %v, want 0", got)
	}
}

func TestMotionBox(t *testing.T) {
	back := preparetest.Scenery(5, 320, 160)
	var frames []*video.Frame
	for i := 0; i < 40; i++ {
		frames = append(frames, preparetest.WithSquare(back, 200+int(20*math.Sin(float64(i)/4)), 60+int(10*math.Cos(float64(i)/4)), 30))
	}
	// A fly that crosses the corner for two frames is no figure.
	frames[20] = preparetest.WithSquare(frames[20], 10, 10, 12)
	moves := image.Rect(180, 50, 250, 100) // where the square is at any time
	got := lookOf(frames).MotionBox(Span{0, len(frames)}, 0.1, 16)
	if got.Dx() != got.Dy() || !got.In(image.Rect(0, 0, 320, 160)) {
		t.Fatalf("%v is no square inside the picture", got)
	}
	if grown := got.Inset(-6); !moves.In(grown) { // nearly all, up to a cell
		t.Errorf("%v leaves out a part of %v", got, moves)
	}
	if got.Dx() > 110 {
		t.Errorf("%v is far larger than %v", got, moves)
	}
	still := lookOf([]*video.Frame{back, back, back}).MotionBox(Span{0, 3}, 0.1, 16)
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
		{100, 50, 20, 256, image.Rect(50, 0, 150, 100)}, // Frame pictures
	} {
		if got := squareIn(200, 100, c.x, c.y, c.side, c.size); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestPointsBox(t *testing.T) {
	l := &Video{W: 200, H: 100, Frames: make([]Frame, 41)}
	for i := 0; i <= 10; i++ {
		x := float64(i)
		// Two move around (100, 50), one rests in the corner.
		l.Points = append(l.Points, []Point{{90 + x, 40}, {110 - x, 60}, {3, 3}})
	}
	got := l.PointsBox(Span{0, 41}, 0, 8)
	// Without the extremes of one moment of ten: x from 91 to 109.
	if want := squareIn(200, 100, 100, 50, 20, 8); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	for i := range l.Points {
		l.Points[i] = []Point{{20, 30}, {60, 70}}
	}
	if got, want := l.PointsBox(Span{5, 7}, 0.25, 8), image.Rect(10, 20, 70, 80); got != want {
		t.Errorf("points at rest: %v, want %v", got, want)
	}
}

// lookOf looks at frames without a file.
func lookOf(frames []*video.Frame) *Video {
	l := &Video{}
	for _, f := range frames {
		l.Add(f)
	}
	return l
}
