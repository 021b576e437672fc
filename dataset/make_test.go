package dataset

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/video"
)

// params are those of a small data set without augmentation.
func params(t testing.TB, root string) Params {
	p := DefaultParams()
	p.RootDir = root
	p.FrameShape = [3]int{6, 8, 3}
	p.CacheDir = filepath.Join(t.TempDir(), "cache")
	p.Workers = 3
	return p
}

// numbered is a picture that says which one it is.
func numbered(videoNumber, frame, w, h int) *video.Frame {
	f := video.NewFrame(w, h)
	for i := 0; i < len(f.Pix); i += 3 {
		f.Pix[i], f.Pix[i+1], f.Pix[i+2] = byte(videoNumber), byte(frame), 77
	}
	return f
}

// folder writes a video of numbered frames.
func folder(t testing.TB, path string, number, frames int) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < frames; i++ {
		if err := video.WritePNG(filepath.Join(path, fmt.Sprintf("%03d.png", i)), numbered(number, i, 8, 6)); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t testing.TB, path string, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// made keeps films, so that each kind is made once for all tests.
var made = map[string][]byte{}

// film makes a film with ffmpeg (which these tests need in PATH).
func film(t testing.TB, path, source string, args ...string) {
	t.Helper()
	key := fmt.Sprint(filepath.Ext(path), source, args)
	if made[key] == nil {
		temp := filepath.Join(t.TempDir(), "film"+filepath.Ext(path))
		args = append(append([]string{"-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", source}, args...), temp)
		if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg %v: %v: %s (these tests need ffmpeg in PATH)", args, err, out)
		}
		data, err := os.ReadFile(temp)
		if err != nil {
			t.Fatal(err)
		}
		made[key] = data
	}
	write(t, path, string(made[key]))
}

func open(t testing.TB, p Params) *Dataset {
	t.Helper()
	d, err := Open(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func loader(t testing.TB, d *Dataset, p LoaderParams) *Loader {
	t.Helper()
	l, err := d.Loader(p)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func batch(t testing.TB, l *Loader, attempt int64) *Batch {
	t.Helper()
	b, err := l.Batch(attempt)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func names(clips []*clip) (all []string) {
	for _, c := range clips {
		all = append(all, c.name)
	}
	return all
}

// drawn is a video of numbered frames without files.
type drawn struct {
	number, frames, w, h int
}

func (d drawn) Name() string { return fmt.Sprintf("video%03d", d.number) }
func (d drawn) Len() int     { return d.frames }
func (d drawn) Frame(i int) (*video.Frame, error) {
	if i < 0 || i >= d.frames {
		return nil, fmt.Errorf("no frame %d", i)
	}
	return numbered(d.number, i, d.w, d.h), nil
}

type drawnSource struct{ train, test []Video }

func (s drawnSource) Train() []Video { return s.train }
func (s drawnSource) Test() []Video  { return s.test }

func drawnSet(t testing.TB, p Params, videos, frames int) *Dataset {
	t.Helper()
	var src drawnSource
	for i := 0; i < videos; i++ {
		src.train = append(src.train, drawn{i, frames, p.FrameShape[1], p.FrameShape[0]})
	}
	src.test = []Video{drawn{200, 5, p.FrameShape[1], p.FrameShape[0]}}
	d, err := FromSource(src, p)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
