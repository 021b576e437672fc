package prepare

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/video"
)

// options are those of a small data set.
func options(in, out string) Options {
	o := DefaultOptions()
	o.In, o.Out, o.Size, o.MinFrames, o.Gap, o.Workers = in, out, 16, 4, 1, 2
	return o
}

// scenery is a background of smooth hills that belong to a number.
func scenery(number, w, h int) *video.Frame {
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

// withSquare is a copy of a picture with a white square.
func withSquare(f *video.Frame, left, top, side int) *video.Frame {
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

// moving are n frames of a scene in which a square goes to and fro.
func moving(number, n, w, h int) []*video.Frame {
	back := scenery(number, w, h)
	frames := make([]*video.Frame, n)
	for i := range frames {
		at := float64(w-h/3) * (0.5 - 0.5*math.Cos(float64(i)/5+float64(number)))
		frames[i] = withSquare(back, int(at), h/3, h/3)
	}
	return frames
}

// negative turns light into dark: a scene that differs from any other.
func negative(frames []*video.Frame) []*video.Frame {
	for _, f := range frames {
		for i, v := range f.Pix {
			f.Pix[i] = 255 - v
		}
	}
	return frames
}

// folder writes frames as a folder of pictures.
func folder(t testing.TB, path string, frames []*video.Frame) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, f := range frames {
		if err := video.WritePNG(filepath.Join(path, fmt.Sprintf("%04d.png", i)), f); err != nil {
			t.Fatal(err)
		}
	}
}

// makeFilm writes frames as a film.
func makeFilm(t testing.TB, path string, frames []*video.Frame) {
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

// lookOf looks at frames without a file.
func lookOf(frames []*video.Frame) *look {
	l := &look{w: frames[0].W, h: frames[0].H}
	var last [histogramBins]float32
	for i, f := range frames {
		var s small
		var histogram [histogramBins]float32
		s.cells, histogram = shrink(f)
		if i > 0 {
			s.blocks, s.histogram = distance(&l.frames[i-1].cells, &s.cells), histogramDistance(last, histogram)
		}
		last = histogram
		l.frames = append(l.frames, s)
	}
	return l
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// mustRun prepares and fails the test where that fails.
func mustRun(t testing.TB, o Options) *Report {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tree maps the files below a folder to their checksums, without what is kept
// for later runs.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == stateName {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return nil
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = fmt.Sprintf("%x", sha256.Sum256(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// rowsWith are the rows of a report whose video has a prefix.
func rowsWith(r *Report, prefix string) []Row {
	var rows []Row
	for _, row := range r.Rows {
		if strings.HasPrefix(row.Video, prefix) {
			rows = append(rows, row)
		}
	}
	return rows
}
