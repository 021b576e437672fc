package video

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/child"
)

// hung puts programs before ffmpeg and ffprobe in PATH that stand still, with a
// child of their own that holds the pipes.
func hung(t *testing.T, tools ...string) Limits {
	t.Helper()
	dir := t.TempDir()
	for _, tool := range tools {
		if err := os.WriteFile(filepath.Join(dir, tool), []byte("#!/bin/sh\nsleep 600 &\nwait\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return Limits{Patience: 300 * time.Millisecond}
}

// TestHungFFmpeg has ffmpeg and ffprobe stand still wherever they are called.
// Without a bound each of these calls waits for ever.
func TestHungFFmpeg(t *testing.T) {
	ctx := context.Background()
	good := film(t, filepath.Join(t.TempDir(), "good.mp4"), "testsrc2=size=64x48:rate=10:duration=1")
	calls := map[string]func(t *testing.T) error{
		"probe": func(t *testing.T) error {
			// Of a film that was probed before nothing is asked again.
			other := film(t, filepath.Join(t.TempDir(), "other.mp4"), "testsrc2=size=64x48:rate=10:duration=1")
			_, err := Probe(ctx, other, hung(t, "ffprobe"))
			return err
		},
		"read": func(t *testing.T) error {
			_, err := OpenFilm(ctx, good, hung(t, "ffmpeg"))
			return err
		},
		"write": func(t *testing.T) error {
			w, err := CreateFilm(ctx, filepath.Join(t.TempDir(), "new.mp4"), 640, 480, FilmOptions{Limits: hung(t, "ffmpeg")})
			if err != nil {
				return err
			}
			return w.Write(NewFrame(640, 480))
		},
		"finish": func(t *testing.T) error {
			w, err := CreateFilm(ctx, filepath.Join(t.TempDir(), "new.mp4"), 16, 16, FilmOptions{Limits: hung(t, "ffmpeg")})
			if err != nil {
				return err
			}
			if err := w.Write(NewFrame(16, 16)); err != nil {
				return err
			}
			return w.Close()
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			var stalled *child.StalledError
			if err := call(t); !errors.As(err, &stalled) {
				t.Errorf("got %v", err)
			}
		})
	}
}
