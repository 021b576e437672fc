package evaluate

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/video"
)

const testSide = 32

// request evaluates a model on two drawn videos.
func request(t *testing.T, checkpoint string) Request {
	q := NewRequest()
	q.Checkpoint, q.Out, q.NumVideos, q.Device = checkpoint, filepath.Join(t.TempDir(), "out"), 2, "cpu"
	return q
}

func mustRun(t *testing.T, q Request) *Outcome {
	t.Helper()
	o, err := Run(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func frameRows(t *testing.T, o *Outcome) []result.FrameRow {
	t.Helper()
	var rows []result.FrameRow
	if err := result.EachFrame(o.Folder.Frames(), func(r result.FrameRow) error { rows = append(rows, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return rows
}

var equalValues = cmp.Comparer(func(a, b result.Value) bool { return a == b || !a.Known() && !b.Known() })

// drawnTest is the drawn test set as evaluation sees it.
func drawnTest(t *testing.T) *shapes.Set {
	t.Helper()
	o := shapes.DefaultOptions()
	o.Width, o.Height = testSide, testSide
	set, err := shapes.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// noisy returns pictures with noise about the frames of a drawn video.
func noisy(t *testing.T, index int) (name string, frames []*video.Frame) {
	t.Helper()
	v, err := drawnTest(t).Video(shapes.Test, index)
	if err != nil {
		t.Fatal(err)
	}
	r := random.New(3, uint64(index))
	for i := 0; i < v.Len(); i++ {
		f, err := v.Frame(i)
		if err != nil {
			t.Fatal(err)
		}
		g := video.NewFrame(f.W, f.H)
		for j := range g.Pix {
			g.Pix[j] = byte(min(max(int(f.Pix[j])+r.IntN(41)-20, 0), 255))
		}
		frames = append(frames, g)
	}
	return v.Name(), frames
}

func writePNG(t *testing.T, f *video.Frame, elements ...string) {
	t.Helper()
	path := filepath.Join(elements...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := video.WritePNG(path, f); err != nil {
		t.Fatal(err)
	}
}

func strip(frames []*video.Frame) *video.Frame {
	w, h := frames[0].W, frames[0].H
	s := video.NewFrame(w*len(frames), h)
	for i, f := range frames {
		for y := 0; y < h; y++ {
			copy(s.Pix[3*(y*s.W+i*w):], f.Pix[3*y*w:3*(y+1)*w])
		}
	}
	return s
}

// predictions requests an evaluation of a folder.
func predictions(t *testing.T, dir string) Request {
	q := NewRequest()
	q.Predictions, q.Data, q.NumVideos, q.Out, q.Device = dir, config.Shapes, 2, filepath.Join(t.TempDir(), "out"), "cpu"
	return q
}

// rawFilm writes a film without loss, by ffmpeg itself.
func rawFilm(t *testing.T, path string, frames []*video.Frame) {
	t.Helper()
	var pixels bytes.Buffer
	for _, f := range frames {
		pixels.Write(f.Pix)
	}
	c := exec.Command("ffmpeg", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", fmt.Sprintf("%dx%d", frames[0].W, frames[0].H),
		"-r", "25", "-i", "-", "-c:v", "ffv1", "-pix_fmt", "bgr0", path)
	c.Stdin = &pixels
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
}
