package video

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		name  string
		isDir bool
		want  Kind
	}{
		{"a.mp4", false, FilmFile}, {"a.MP4", false, FilmFile}, {"a.mp4", true, Folder}, {"a.gif", false, FilmFile},
		{"a.webm", false, FilmFile}, {"a.png", false, Strip}, {"a.JPG", false, Strip}, {"a.jpeg", false, Strip},
		{"a.png", true, Folder}, {"a", true, Folder}, {"a.txt", false, Unknown}, {"mp4", false, Unknown},
	} {
		if got := KindOf(c.name, c.isDir); got != c.want {
			t.Errorf("KindOf(%q, %v) = %v, want %v", c.name, c.isDir, got, c.want)
		}
	}
}

func TestFolderOfFrames(t *testing.T) {
	dir := t.TempDir()
	frames := map[string]*Frame{}
	for i, name := range []string{"b.png", "a.png", "c.PNG"} {
		frames[name] = noise(20+i, 10, int64(i))
		if err := WritePNG(filepath.Join(dir, name), frames[name]); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(dir, "Thumbs.db"), []byte("x"))
	writeFile(t, filepath.Join(dir, ".hidden.png"), []byte("x"))
	if err := os.Mkdir(filepath.Join(dir, "folder.png"), 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := Open(context.Background(), dir, 0, 0, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := readAll(r)
	if err != nil || len(got) != 3 {
		t.Fatalf("%d frames, error %v", len(got), err)
	}
	for i, name := range []string{"a.png", "b.png", "c.PNG"} {
		if !bytes.Equal(got[i].Pix, frames[name].Pix) {
			t.Errorf("frame %d is not %s", i, name)
		}
	}
	if _, err := Open(context.Background(), dir, 0, 0, Limits{MaxFrames: 2, FramesBy: "--max_frames"}); err == nil || !strings.Contains(err.Error(), "(--max_frames)") {
		t.Errorf("too many frames: %v", err)
	}
	if _, err := Open(context.Background(), t.TempDir(), 0, 0, Limits{}); err == nil || !strings.Contains(err.Error(), "no png or jpg") {
		t.Errorf("empty folder: %v", err)
	}
}

func TestStrip(t *testing.T) {
	dir := t.TempDir()
	strip := noise(4*20, 30, 9)
	path := filepath.Join(dir, "a.png")
	if err := WritePNG(path, strip); err != nil {
		t.Fatal(err)
	}
	r, err := Open(context.Background(), path, 20, 30, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(r)
	if err != nil || len(got) != 4 {
		t.Fatalf("%d frames, error %v", len(got), err)
	}
	for i, f := range got {
		for y := 0; y < 30; y++ {
			for x := 0; x < 60; x++ {
				if f.Pix[60*y+x] != strip.Pix[240*y+60*i+x] {
					t.Fatalf("frame %d, row %d, value %d differs", i, y, x)
				}
			}
		}
	}
	for _, size := range [][2]int{{30, 30}, {20, 20}, {160, 30}, {0, 30}} {
		if _, err := ReadStrip(path, size[0], size[1], Limits{}); err == nil {
			t.Errorf("cut into %v without an error", size)
		}
	}
	if _, err := ReadStrip(path, 20, 30, Limits{MaxFrames: 3}); err == nil {
		t.Error("more frames than the limit without an error")
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := writeFile(t, filepath.Join(dir, "a.txt"), []byte("x"))
	for _, path := range []string{text, filepath.Join(dir, "none.mp4")} {
		if _, err := Open(context.Background(), path, 1, 1, Limits{}); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}

func TestSequenceStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	failing := errors.New("no second frame")
	s := Sequence(ctx, 3, func(i int) (*Frame, error) {
		if i == 1 {
			return nil, failing
		}
		return NewFrame(1, 1), nil
	})
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != failing {
		t.Errorf("error %v", err)
	}
	cancel()
	if _, err := s.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	s = Sequence(context.Background(), 3, func(int) (*Frame, error) { return NewFrame(1, 1), nil })
	s.Close()
	if _, err := s.Next(); err != io.EOF {
		t.Errorf("after Close: %v", err)
	}
}
