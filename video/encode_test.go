package video

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestFilmsHaveTheFramesAndTheRateGiven(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, rate, want, codec string
		w, h, frames            int
		off                     float64 // levels
	}{
		{"a.mp4", "30000/1001", "30000/1001", "h264", 64, 48, 24, 6},
		{"odd.mp4", "25", "25/1", "h264", 33, 49, 5, 6},
		{"a.m4v", "12.5", "25/2", "h264", 32, 32, 5, 6},
		{"a.mov", "24000/1001", "24000/1001", "h264", 32, 32, 5, 6},
		{"a.mkv", "10", "10/1", "h264", 31, 32, 5, 6},
		{"a.webm", "30", "30/1", "vp9", 33, 47, 12, 6},
		{"a.gif", "25", "25/1", "gif", 33, 31, 10, 12},
		{"one.mp4", "25", "25/1", "h264", 2, 2, 1, 5},
	} {
		path := filepath.Join(dir, c.name)
		frames := waves(c.frames, c.w, c.h)
		f := encode(t, path, frames, FilmOptions{Rate: c.rate})
		film, sound, _ := ffprobe(t, path)
		w, h := f.Size()
		if film.Codec != c.codec || film.W != w || film.H != h || film.Frames != strconv.Itoa(c.frames) || film.Rate != c.want || sound != nil {
			t.Errorf("%s: ffprobe says %+v, want %s of %dx%d, %d frames, %s a second", c.name, film, c.codec, w, h, c.frames, c.want)
		}
		if c.codec != "gif" && (film.Format != "yuv420p" || film.Space != "bt709") {
			t.Errorf("%s: pixels are %s in %s", c.name, film.Format, film.Space)
		}
		if c.codec == "h264" && (w%2 == 1 || h%2 == 1 || w-c.w > 1 || h-c.h > 1) || c.codec != "h264" && (w != c.w || h != c.h) {
			t.Errorf("%s: frames of %dx%d became %dx%d", c.name, c.w, c.h, w, h)
		}
		for i, got := range open(t, path) {
			if d := difference(got, frames[i]); d > c.off {
				t.Errorf("%s: frame %d is off by %.1f levels", c.name, i, d)
			}
		}
		info, err := Probe(context.Background(), path, Limits{})
		if err != nil || info.Variable || info.ExactRate != c.want || info.Audio != "" {
			t.Errorf("%s: Probe says %+v, %v", c.name, info, err)
		}
	}
	if got := names(t, dir); len(got) != 8 {
		t.Errorf("left behind: %v", got)
	}
}

// Colours at the corners of the cube show a wrong matrix or range.
func TestColoursOfFilms(t *testing.T) {
	frame := NewFrame(64, 64)
	for i := 0; i < 64*64; i++ {
		corner := i%64/16 + 4*(i/64/32)
		for c := 0; c < 3; c++ {
			frame.Pix[3*i+c] = byte(255 * (corner >> c & 1))
		}
	}
	for _, name := range []string{"a.mp4", "a.webm", "a.gif"} {
		path := filepath.Join(t.TempDir(), name)
		encode(t, path, []*Frame{frame, frame}, FilmOptions{})
		got := open(t, path)[1]
		for corner := 0; corner < 8; corner++ {
			i := 3 * (64*(16+32*(corner/4)) + 16*(corner%4) + 8)
			for c := 0; c < 3; c++ {
				if d := int(got.Pix[i+c]) - int(frame.Pix[i+c]); d < -4 || d > 4 {
					t.Errorf("%s: colour %d became %v", name, corner, got.Pix[i:i+3])
					break
				}
			}
		}
	}
}

func TestLosslessFilms(t *testing.T) {
	for _, name := range []string{"a.mp4", "a.mov", "a.mkv", "a.webm"} {
		path := filepath.Join(t.TempDir(), name)
		frames := []*Frame{noise(35, 21, 1), noise(35, 21, 2), noise(35, 21, 3)}
		encode(t, path, frames, FilmOptions{Rate: "30000/1001", Quality: Lossless})
		got := open(t, path)
		if len(got) != len(frames) {
			t.Errorf("%s: %d frames", name, len(got))
			continue
		}
		for i := range got {
			if got[i].W != 35 || got[i].H != 21 || !bytes.Equal(got[i].Pix, frames[i].Pix) {
				t.Errorf("%s: frame %d differs", name, i)
			}
		}
	}
}

// A gif keeps the length of what it shows, whatever the rate.
func TestGIFKeepsTime(t *testing.T) {
	for rate, want := range map[string]int{"30": 30, "60": 25, "100": 15} {
		path := filepath.Join(t.TempDir(), "a.gif")
		encode(t, path, waves(30, 16, 16), FilmOptions{Rate: rate})
		r, _ := ParseRate(rate)
		if film, _, length := ffprobe(t, path); film.Frames != strconv.Itoa(want) || math.Abs(length-30/r) > 0.021 {
			t.Errorf("%s a second: %s frames, %.3f s; want %d and %.3f", rate, film.Frames, length, want, 30/r)
		}
	}
}

func TestNothingIsLeftOfAFilmThatFailed(t *testing.T) {
	old := []byte("what was there before")
	frames := waves(200, 320, 240)
	for what, fail := range map[string]func(t *testing.T, path string) error{
		"abort": func(t *testing.T, path string) error {
			f, err := CreateFilm(context.Background(), path, 320, 240, FilmOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, frame := range frames[:30] {
				if err := f.Write(frame); err != nil {
					t.Fatal(err)
				}
			}
			f.Abort()
			f.Abort()
			if f.cmd.ProcessState == nil {
				t.Error("ffmpeg was not waited for")
			}
			if err := f.Write(frames[0]); err == nil {
				t.Error("wrote after Abort")
			}
			return f.Close()
		},
		"cancel": func(t *testing.T, path string) error {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			f, err := CreateFilm(ctx, path, 320, 240, FilmOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for i, frame := range frames {
				if i == 30 {
					cancel()
				}
				if err = f.Write(frame); err != nil {
					break
				}
			}
			if err == nil {
				err = f.Close()
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("after cancel: %v", err)
			}
			return err
		},
		"no frame": func(t *testing.T, path string) error {
			f, err := CreateFilm(context.Background(), path, 320, 240, FilmOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return f.Close()
		},
		"another size": func(t *testing.T, path string) error {
			f, err := CreateFilm(context.Background(), path, 320, 240, FilmOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return f.Write(NewFrame(240, 320))
		},
		// As if the disk were full: files may not grow beyond 16 KiB.
		"disk full": func(t *testing.T, path string) error {
			wrapped(t, "trap '' XFSZ; ulimit -f 16")
			f, err := CreateFilm(context.Background(), path, 320, 240, FilmOptions{Quality: Lossless})
			for _, frame := range frames {
				if err == nil {
					err = f.Write(frame)
				}
			}
			if err == nil {
				err = f.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "File too large") {
				t.Errorf("disk full: %v", err)
			}
			return err
		},
		"broken ffmpeg": func(t *testing.T, path string) error {
			wrapped(t, "echo Unknown encoder libx264 >&2; exit 1")
			f, err := CreateFilm(context.Background(), path, 320, 240, FilmOptions{})
			for _, frame := range frames {
				if err == nil {
					err = f.Write(frame)
				}
			}
			if err == nil || !strings.Contains(err.Error(), "Unknown encoder libx264") {
				t.Errorf("broken ffmpeg: %v", err)
			}
			return err
		},
		"no ffmpeg": func(t *testing.T, path string) error {
			t.Setenv("PATH", t.TempDir())
			_, err := CreateFilm(context.Background(), path, 320, 240, FilmOptions{})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			path := writeFile(t, filepath.Join(dir, "a.mp4"), old)
			err := fail(t, path)
			if err == nil || !strings.Contains(err.Error(), path) && !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, old) {
				t.Errorf("the old file has become %d bytes, %v", len(got), err)
			}
			if got := names(t, dir); len(got) != 1 {
				t.Errorf("left behind: %v", got)
			}
		})
	}
}

func TestFilmOptionsThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	if err := os.Mkdir(filepath.Join(dir, "folder.mp4"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		w, h       int
		o          FilmOptions
	}{
		{"a.avi", "must end in one of", 8, 8, FilmOptions{}},
		{"a", "must end in one of", 8, 8, FilmOptions{}},
		{"a.mp4", "sides must lie", 0, 8, FilmOptions{}},
		{"a.mp4", "sides must lie", 8, MaxSide + 1, FilmOptions{}},
		{"a.mp4", "no rate", 8, 8, FilmOptions{Rate: "25/0"}},
		{"a.mp4", "no rate", 8, 8, FilmOptions{Rate: "-25"}},
		{"a.mp4", "no rate", 8, 8, FilmOptions{Rate: "1e3"}},
		{"a.mp4", "no rate", 8, 8, FilmOptions{Rate: "1001"}},
		{"a.mp4", "no rate", 8, 8, FilmOptions{Rate: "25 -f null"}},
		{"a.mp4", "no quality", 8, 8, FilmOptions{Quality: "best"}},
		{"a.gif", "choose mkv", 8, 8, FilmOptions{Quality: Lossless}},
		{"a.mp4", "no such file", 8, 8, FilmOptions{Audio: filepath.Join(dir, "none.mp4")}},
		{"folder.mp4", "something else", 8, 8, FilmOptions{}},
		{"none/a.mp4", "no such file", 8, 8, FilmOptions{}},
	} {
		f, err := CreateFilm(ctx, filepath.Join(dir, c.name), c.w, c.h, c.o)
		if err == nil {
			f.Abort()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s %dx%d %+v: %v, want %q", c.name, c.w, c.h, c.o, err, c.want)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := CreateFilm(cancelled, filepath.Join(dir, "a.mp4"), 8, 8, FilmOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}
