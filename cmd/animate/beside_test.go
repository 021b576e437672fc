package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/video"
)

func plain(w, h int, r, g, b byte) *video.Frame {
	f := video.NewFrame(w, h)
	for i := 0; i < len(f.Pix); i += 3 {
		f.Pix[i], f.Pix[i+1], f.Pix[i+2] = r, g, b
	}
	return f
}

// Source, driving video and result stand from left to right, in each row, as
// large as one can see them.
func TestBeside(t *testing.T) {
	for _, side := range []int{16, 64, 200} {
		m := moment{plain(side, side, 255, 0, 0), animate.Made{Driving: plain(side, side, 0, 255, 0), Result: plain(side, side, 0, 0, 255)}}
		f, err := beside(false, m, m)
		if err != nil {
			t.Fatal(err)
		}
		if f.W < 3*animate.ReadableWidth || f.W > 3*(animate.ReadableWidth+side)+80 || f.H < 2*animate.ReadableWidth {
			t.Errorf("%d: %dx%d pixels", side, f.W, f.H)
		}
		for row := 0; row < 2; row++ {
			order := ""
			for x := 0; x < f.W; x++ {
				px := f.Pix[3*((f.H/4+row*f.H/2)*f.W+x):][:3]
				for k, name := range "rgb" {
					if px[k] == 255 && px[(k+1)%3] == 0 && px[(k+2)%3] == 0 && !strings.HasSuffix(order, string(name)) {
						order += string(name)
					}
				}
			}
			if order != "rgb" {
				t.Errorf("%d, row %d: the order is %q", side, row, order)
			}
		}
	}
}

// A film of one animation, and of pairs, shows all three.
func TestSideBySide(t *testing.T) {
	dir := inputs(t)
	said, _ := complete(t, dir, "--checkpoint="+run, "--source_image=source.png", "--driving_video=driving.mp4", "--side_by_side", "--result_video=all.mp4")
	film, sound, _ := streams(t, filepath.Join(dir, "all.mp4"))
	if film.W < 3*animate.ReadableWidth || film.Frames != "60" || sound.Codec != "aac" || strings.Contains(said, "--side_by_side") {
		t.Errorf("%+v, %+v\n%s", film, sound, said)
	}
}

// Keypoints are drawn where they are, each picture's own, and change nothing else.
func TestKeypointsAreDrawn(t *testing.T) {
	m := moment{plain(64, 64, 9, 9, 9), animate.Made{
		Driving: plain(64, 64, 9, 9, 9), Result: plain(64, 64, 9, 9, 9),
		KPSource: [][2]float64{{-0.5, 0}}, KPDriving: [][2]float64{{0, 0}}, KPResult: [][2]float64{{0.5, 0}},
	}}
	without, err := beside(false, m)
	if err != nil {
		t.Fatal(err)
	}
	with, err := beside(true, m)
	if err != nil {
		t.Fatal(err)
	}
	if with.W != without.W || with.H != without.H {
		t.Fatalf("%dx%d with keypoints, %dx%d without", with.W, with.H, without.W, without.H)
	}
	// The middle of what differs in each third of the picture.
	for k, want := range []float64{0.25, 0.5, 0.75} {
		sum, n := 0, 0
		for i := range with.Pix {
			if x := i / 3 % with.W; with.Pix[i] != without.Pix[i] && x*3/with.W == k {
				sum, n = sum+x, n+1
			}
		}
		cell := float64(with.W) / 3
		if n == 0 || n > 600 || math.Abs(float64(sum)/float64(max(n, 1))-(float64(k)+want)*cell) > 8 {
			t.Errorf("picture %d: %d values differ, around column %d of %d", k, n, sum/max(n, 1), with.W)
		}
	}
}

// TestMarks: a film, and pairs, with keypoints; a model without any refuses.
func TestMarks(t *testing.T) {
	dir := inputs(t)
	complete(t, dir, "--checkpoint="+run, "--source_image=source.png", "--driving_video=driving.mp4", "--keypoints", "--result_video=marked.mp4")
	if film, _, _ := streams(t, filepath.Join(dir, "marked.mp4")); film.W < 3*animate.ReadableWidth || film.Frames != "60" {
		t.Errorf("%+v", film)
	}
}
