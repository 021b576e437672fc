package video

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// ffmpeg makes a film for a test.
func ffmpeg(t testing.TB, args ...string) {
	t.Helper()
	args = append([]string{"-v", "error", "-nostdin", "-y"}, args...)
	out, err := exec.Command("ffmpeg", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg %v: %v: %s (these tests need ffmpeg in PATH)", args, err, out)
	}
}

func film(t testing.TB, path, source string, args ...string) string {
	t.Helper()
	ffmpeg(t, append(append([]string{"-f", "lavfi", "-i", source}, args...), path)...)
	return path
}

// lay copies a film so that it has to be turned by a quarter to be shown. Of
// ffmpeg's two ways of saying so old releases know one, new ones the other.
func lay(t testing.TB, path, to string) {
	t.Helper()
	if exec.Command("ffmpeg", "-v", "quiet", "-nostdin", "-y", "-display_rotation", "90", "-i", path, "-c", "copy", to).Run() != nil {
		ffmpeg(t, "-i", path, "-c", "copy", "-metadata:s:v:0", "rotate=90", to)
	}
}

func readAll(r Reader) (frames []*Frame, err error) {
	for {
		f, err := r.Next()
		if err == io.EOF {
			return frames, nil
		}
		if err != nil {
			return frames, err
		}
		frames = append(frames, f)
	}
}

// collected fails if ffmpeg behind a film still runs or was left a zombie.
func collected(t *testing.T, films ...*Film) {
	t.Helper()
	for _, f := range films {
		if f.cmd.ProcessState == nil {
			t.Errorf("film %s: its ffmpeg was not waited for", f.path)
		}
	}
}

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
