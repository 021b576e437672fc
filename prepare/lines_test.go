package prepare

import (
	"testing"

	"github.com/prioritycut/prioritycut/prepare/cutlist"
	"github.com/prioritycut/prioritycut/prepare/look"
	"github.com/prioritycut/prioritycut/video"
)

// What a line of a published list means in a film of another rate and size.
func TestPublishedLine(t *testing.T) {
	ref := cutlist.Reference{FPS: 25, W: 640, H: 360}
	named := []*clip{{in: newInput("", "-abc.mp4", film), identity: "-abc", partition: test, Span: look.Span{First: 50, End: 60}, record: -1, given: "-abc#000025#1234567"}}
	if nameClips(named); named[0].file(PNG) != "test/-abc#000025#1234567.mp4" {
		t.Errorf("%s", named[0].file(PNG))
	}
	info := video.Info{W: 1280, H: 720, Rate: 50}
	box, inside := boxIn([4]float64{100, 50, 320, 310}, ref, info)
	if want := (rect{200, 100, 640, 620}); box != want || !inside {
		t.Errorf("box %v, want %v", box, want)
	}
	k := &clock{in: &input{info: info}, rate: 50}
	if n, err := k.frame(cutlist.Moment{Value: 25, Unit: cutlist.Frames}, ref.FPS); n != 50 || err != nil {
		t.Errorf("frame 25 of 25 a second is frame %d of 50 a second, want 50; %v", n, err)
	}
	// Edges are rounded down, as the published scripts do.
	if box, _ := boxIn([4]float64{11, 21, 30, 40}, ref, video.Info{W: 320, H: 180}); box != (rect{5, 10, 15, 20}) {
		t.Errorf("a box in half the size is %v", box)
	}
	// 29.97 of the lists is 30000/1001: no frame is lost far into a film.
	k.rate = 30000.0 / 1001
	for _, n := range []float64{0, 80, 20000, 98000} {
		if got, err := k.frame(cutlist.Moment{Value: n, Unit: cutlist.Frames}, 29.97); got != int(n) || err != nil {
			t.Errorf("frame %v at 29.97 a second is frame %d; %v", n, got, err)
		}
	}
	if _, inside := boxIn([4]float64{2000, 0, 100, 100}, cutlist.Reference{}, info); inside {
		t.Error("a box outside of the picture lies inside")
	}
	if box, _ := boxIn([4]float64{-50, 650, 150, 300}, cutlist.Reference{}, info); box != (rect{0, 650, 100, 70}) {
		t.Errorf("a box across the edge becomes %v", box)
	}
}
