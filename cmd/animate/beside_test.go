package main

import (
	"path/filepath"
	"strings"
	"testing"

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
		m := moment{plain(side, side, 255, 0, 0), plain(side, side, 0, 255, 0), plain(side, side, 0, 0, 255)}
		f, err := beside(m, m)
		if err != nil {
			t.Fatal(err)
		}
		if f.W < 3*besideWidth || f.W > 3*(besideWidth+side)+80 || f.H < 2*besideWidth {
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
	if film.W < 3*besideWidth || film.Frames != "60" || sound.Codec != "aac" || strings.Contains(said, "--side_by_side") {
		t.Errorf("%+v, %+v\n%s", film, sound, said)
	}
}
