// Package preparetest draws videos for the tests of prepare and of its parts.
package preparetest

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/video"
)

// Scenery is a background of smooth hills that belong to a number.
func Scenery(number, w, h int) *video.Frame {
	r := random.New(int64(number))
	f := video.NewFrame(w, h)
	var base, tilt [3]float64
	for c := range base {
		base[c], tilt[c] = r.Uniform(60, 190), r.Uniform(-50, 50)
	}
	fx, fy, phase := r.Uniform(0.5, 2.5), r.Uniform(0.5, 2.5), r.Uniform(0, 6)
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			for c := range base {
				f.Pix[3*(y*w+x)+c] = byte(base[c] + tilt[c]*math.Sin(2*math.Pi*(fx*u+fy*v)+phase))
			}
		}
	}
	return f
}

// WithSquare is a copy of a picture with a white square.
func WithSquare(f *video.Frame, left, top, side int) *video.Frame {
	g := video.NewFrame(f.W, f.H)
	copy(g.Pix, f.Pix)
	for y := max(top, 0); y < min(top+side, f.H); y++ {
		for x := max(left, 0); x < min(left+side, f.W); x++ {
			for c := 0; c < 3; c++ {
				g.Pix[3*(y*f.W+x)+c] = 250
			}
		}
	}
	return g
}

// Moving are n frames of a scene in which a square goes to and fro.
func Moving(number, n, w, h int) []*video.Frame {
	back := Scenery(number, w, h)
	frames := make([]*video.Frame, n)
	for i := range frames {
		at := float64(w-h/3) * (0.5 - 0.5*math.Cos(float64(i)/5+float64(number)))
		frames[i] = WithSquare(back, int(at), h/3, h/3)
	}
	return frames
}

// Film writes frames as a film.
func Film(t testing.TB, path string, frames []*video.Frame) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	w, err := video.CreateFilm(context.Background(), path, frames[0].W, frames[0].H, video.FilmOptions{Rate: "25"})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
