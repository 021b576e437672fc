package video

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFramesWriter(t *testing.T) {
	dir := t.TempDir()
	frames := []*Frame{noise(9, 7, 1), noise(9, 7, 2), noise(9, 7, 3)}
	for _, name := range []string{"frames", "with.dot/"} {
		w, err := Create(context.Background(), dir+"/"+name, 9, 7, FilmOptions{})
		if err != nil {
			t.Fatal(err)
		}
		write(t, w, frames)
		path := filepath.Join(dir, name)
		if got := names(t, path); len(got) != 3 || got[0] != "0000000.png" {
			t.Errorf("%s holds %v", path, got)
		}
		for i, got := range open(t, path) {
			if !bytes.Equal(got.Pix, frames[i].Pix) {
				t.Errorf("frame %d differs", i)
			}
		}
	}
	if _, err := CreateFrames(filepath.Join(dir, "frames"), 9, 7); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("an old folder: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, spoil := range []func(*FramesWriter) error{
		func(w *FramesWriter) error { w.Abort(); return w.Close() },
		func(w *FramesWriter) error { return w.Write(NewFrame(7, 9)) },
		func(w *FramesWriter) error { return w.Close() },
	} {
		w, err := CreateFrames(filepath.Join(dir, "empty"), 9, 7)
		if err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			if err := w.Write(frames[0]); err != nil {
				t.Fatal(err)
			}
		}
		if err := spoil(w); err == nil {
			t.Errorf("case %d: no error", i)
		}
		if got := names(t, dir); len(got) != 3 || len(names(t, filepath.Join(dir, "empty"))) != 0 {
			t.Errorf("case %d left behind: %v", i, got)
		}
	}
	w, err := CreateFrames(filepath.Join(dir, "empty"), 9, 7)
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, frames)
	if len(names(t, filepath.Join(dir, "empty"))) != 3 {
		t.Error("an empty folder was not replaced")
	}
}
