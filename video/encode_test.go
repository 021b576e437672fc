package video

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// said is what ffprobe says about a film after decoding all of it.
type said struct {
	Codec    string `json:"codec_name"`
	Type     string `json:"codec_type"`
	W        int    `json:"width"`
	H        int    `json:"height"`
	Format   string `json:"pix_fmt"`
	Space    string `json:"color_space"`
	Rate     string `json:"r_frame_rate"`
	Mean     string `json:"avg_frame_rate"`
	Frames   string `json:"nb_read_frames"`
	Duration string `json:"duration"`
}

// ffprobe asks for the streams of a film and its length.
func ffprobe(t testing.TB, path string) (film, sound *said, length float64) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe %s: %v: %s", path, err, out)
	}
	var answer struct {
		Streams []*said
		Format  struct{ Duration string }
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	for _, s := range answer.Streams {
		switch s.Type {
		case "video":
			film = s
		case "audio":
			sound = s
		}
	}
	length, _ = strconv.ParseFloat(answer.Format.Duration, 64)
	return film, sound, length
}

// waves is a film of smooth moving colours, which codecs keep well: halved
// colour planes cost about 4 levels, a neighbouring frame is off by 8.
func waves(n, w, h int) []*Frame {
	frames := make([]*Frame, n)
	for i := range frames {
		frames[i] = NewFrame(w, h)
		for y := 0; y < h; y++ {
			for x := 0; x < w; x++ {
				px := frames[i].Pix[3*(y*w+x):]
				px[0] = byte(128 + 100*math.Sin(float64(x+2*i)/9))
				px[1] = byte(128 + 100*math.Sin(float64(y-i)/7))
				px[2] = byte(128 + 100*math.Sin(float64(x+y)/11))
			}
		}
	}
	return frames
}

func write(t testing.TB, w Writer, frames []*Frame) {
	t.Helper()
	for _, f := range frames {
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.Abort() // does nothing now
}

func encode(t testing.TB, path string, frames []*Frame, o FilmOptions) *FilmWriter {
	t.Helper()
	f, err := CreateFilm(context.Background(), path, frames[0].W, frames[0].H, o)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f, frames)
	return f
}

// names of everything in a folder, hidden or not.
func names(t testing.TB, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func open(t testing.TB, path string) []*Frame {
	t.Helper()
	r, err := Open(context.Background(), path, 0, 0, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	frames, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return frames
}

// difference is the mean distance of two pictures in levels.
func difference(a, b *Frame) float64 {
	var sum float64
	for y := 0; y < min(a.H, b.H); y++ {
		for x := 0; x < 3*min(a.W, b.W); x++ {
			sum += math.Abs(float64(a.Pix[3*a.W*y+x]) - float64(b.Pix[3*b.W*y+x]))
		}
	}
	return sum / float64(3*min(a.W, b.W)*min(a.H, b.H))
}

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

func TestSound(t *testing.T) {
	dir := t.TempDir()
	source := func(name string, args ...string) string {
		path := filepath.Join(dir, name)
		all := append([]string{"-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25:duration=2", "-f", "lavfi", "-i", "sine=frequency=440:duration=2"}, args...)
		ffmpeg(t, append(all, path)...)
		return path
	}
	aac := source("aac.mp4", "-pix_fmt", "yuv420p", "-c:a", "aac")
	pcm := source("pcm.avi", "-c:v", "mjpeg", "-c:a", "pcm_s16le")
	opus := source("opus.webm", "-c:v", "libvpx", "-c:a", "libopus")
	silent := film(t, filepath.Join(dir, "silent.mp4"), "testsrc2=size=32x32:rate=25:duration=1", "-pix_fmt", "yuv420p")
	for _, c := range []struct {
		name, audio, codec, says string
		frames                   int
		from                     time.Duration
	}{
		{"1.mp4", aac, "aac", "sound copied (aac)", 50, 0},
		{"2.mp4", pcm, "aac", "encoded anew as aac: a mp4 does not hold pcm_s16le", 25, 0},
		{"3.webm", opus, "opus", "sound copied (opus)", 25, 0},
		{"4.webm", aac, "opus", "encoded anew as opus", 50, 0},
		{"5.mkv", pcm, "pcm_s16le", "sound copied", 25, 500 * time.Millisecond},
		{"6.gif", aac, "", "a gif cannot hold any", 10, 0},
		{"7.mp4", silent, "", "there is none", 10, 0},
		{"8.mov", pcm, "pcm_s16le", "sound copied", 25, 0},
		{"9.mp4", opus, "opus", "sound copied", 25, 0},
		{"10.mp4", "", "", "", 10, 0},
	} {
		path := filepath.Join(dir, c.name)
		f := encode(t, path, waves(c.frames, 32, 32), FilmOptions{Rate: "25", Audio: c.audio, AudioFrom: c.from})
		film, sound, length := ffprobe(t, path)
		if !strings.Contains(f.Sound(), c.says) || (c.says == "") != (f.Sound() == "") {
			t.Errorf("%s: %q, want %q", c.name, f.Sound(), c.says)
		}
		if film.Frames != strconv.Itoa(c.frames) || film.Rate != "25/1" && c.codec != "" {
			t.Errorf("%s: %+v, want %d frames", c.name, film, c.frames)
		}
		if (sound != nil) != (c.codec != "") || sound != nil && sound.Codec != c.codec {
			t.Errorf("%s: sound is %+v, want %q", c.name, sound, c.codec)
		}
		if want := float64(c.frames) / 25; math.Abs(length-want) > 0.1 {
			t.Errorf("%s: %.3f s instead of %.3f", c.name, length, want)
		}
		if info, err := Probe(context.Background(), path, Limits{}); err != nil || info.Audio != c.codec {
			t.Errorf("%s: Probe says %+v, %v", c.name, info, err)
		}
	}
	// The copied packets are those of the original.
	if a, b := packets(t, aac), packets(t, filepath.Join(dir, "1.mp4")); len(a) == 0 || a != b {
		t.Error("copied sound differs from the original")
	}
	if got := names(t, dir); len(got) != 14 {
		t.Errorf("left behind: %v", got)
	}
}

// packets is a digest of the packets of sound.
func packets(t *testing.T, path string) string {
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "md5", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Sound that cannot be read costs a message, not the pictures.
func TestDamagedSound(t *testing.T) {
	dir := t.TempDir()
	audio := filepath.Join(dir, "audio.avi")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25:duration=1", "-f", "lavfi", "-i", "sine=duration=1", "-c:v", "mjpeg", "-c:a", "pcm_s16le", audio)
	path := filepath.Join(dir, "a.mp4")
	f, err := CreateFilm(context.Background(), path, 32, 32, FilmOptions{Audio: audio})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(audio, []byte("gone bad"), 0o644); err != nil {
		t.Fatal(err)
	}
	write(t, f, waves(5, 32, 32))
	if film, sound, _ := ffprobe(t, path); film.Frames != "5" || sound != nil || !strings.Contains(f.Sound(), "cannot be used") {
		t.Errorf("%+v, %+v, %q", film, sound, f.Sound())
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

// wrapped puts a program called ffmpeg first in PATH that does something before
// it becomes the real one.
func wrapped(t *testing.T, before string) {
	t.Helper()
	real, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\n%s\nexec %s \"$@\"\n", before, real)
	if err := os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
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

// What Probe says of films by others: rates, uneven distances, late pictures.
func TestProbeTimes(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	ntsc := film(t, filepath.Join(dir, "ntsc.mp4"), "testsrc2=size=32x32:rate=30000/1001:duration=3", "-pix_fmt", "yuv420p")
	uneven := film(t, filepath.Join(dir, "uneven.mp4"), "testsrc2=size=32x32:rate=30:duration=4", "-pix_fmt", "yuv420p",
		"-vf", "select='not(mod(n,3))+lt(n,40)'", "-fps_mode", "vfr")
	late := filepath.Join(dir, "late.mkv")
	ffmpeg(t, "-itsoffset", "0.5", "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25:duration=1", "-f", "lavfi", "-i", "sine=duration=2",
		"-c:v", "ffv1", "-c:a", "pcm_s16le", late)
	for path, want := range map[string]Info{
		ntsc:   {ExactRate: "30000/1001"},
		uneven: {Variable: true},
		late:   {ExactRate: "25/1", Start: 500 * time.Millisecond, Audio: "pcm_s16le"},
	} {
		info, err := Probe(ctx, path, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if info.Variable != want.Variable || !want.Variable && info.ExactRate != want.ExactRate || info.Audio != want.Audio ||
			(info.Start-want.Start).Abs() > 25*time.Millisecond || info.Duration == 0 {
			t.Errorf("%s: %+v, want %+v", path, info, want)
		}
		if rate, err := ParseRate(info.ExactRate); err != nil || math.Abs(rate-info.Rate) > 1e-9 {
			t.Errorf("%s: rate %q and %v, %v", path, info.ExactRate, info.Rate, err)
		}
	}
}
