package video

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// endless puts a program before ffmpeg in PATH that runs script, ended by nothing
// of its own.
func endless(t *testing.T, script string) Limits {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return Limits{Patience: 300 * time.Millisecond, MaxFrames: 50}
}

// TestEndlessFFmpeg has ffmpeg make progress without end.
func TestEndlessFFmpeg(t *testing.T) {
	ctx := context.Background()
	t.Run("decoder", func(t *testing.T) {
		good := film(t, filepath.Join(t.TempDir(), "good.mp4"), "testsrc2=size=64x48:rate=10:duration=1")
		f, err := OpenFilm(ctx, good, endless(t, `case "$*" in *-version*) exit;; esac
while :; do printf 'P6\n1 1\n255\nabc'; echo '0, 1, 1, 1, 3, 0x0' >&3; done
`))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		n := 0
		for ; err == nil; n++ {
			_, err = f.Next()
		}
		if n != 51 || !strings.Contains(err.Error(), "more than 50 frames") {
			t.Errorf("%d frames, %v", n, err)
		}
	})
	t.Run("encoder", func(t *testing.T) {
		limits := endless(t, "cat >/dev/null\nwhile :; do echo; sleep 0.01; done >/dev/null\n")
		path := filepath.Join(t.TempDir(), "new.mp4")
		w, err := CreateFilm(ctx, path, 16, 16, FilmOptions{Limits: limits})
		if err == nil {
			err = w.Write(NewFrame(16, 16))
		}
		if err != nil {
			t.Fatal(err)
		}
		var stalled *child.StalledError
		if err := w.Close(); !errors.As(err, &stalled) || !stalled.Busy {
			t.Errorf("got %v", err)
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	})
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
