package video

import (
	"bytes"
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

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

// Telephones write a track that only they know before the one for all others.
func TestSoundOfATrackThatIsKnown(t *testing.T) {
	dir := t.TempDir()
	two := filepath.Join(dir, "two.mov")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25:duration=2", "-f", "lavfi", "-i", "sine=frequency=440:duration=2",
		"-f", "lavfi", "-i", "sine=frequency=880:duration=2", "-map", "0", "-map", "1", "-map", "2", "-pix_fmt", "yuv420p", "-c:a", "aac", two)
	data, err := os.ReadFile(two)
	if err != nil {
		t.Fatal(err)
	}
	copy(data[bytes.Index(data, []byte("mp4a")):], "apac")
	copy(data[bytes.Index(data, []byte("esds")):], "dapa")
	strange := writeFile(t, filepath.Join(dir, "strange.mov"), data)
	f := encode(t, filepath.Join(dir, "result.mp4"), waves(50, 32, 32), FilmOptions{Rate: "25", Audio: strange})
	second, err := exec.Command("ffmpeg", "-v", "error", "-i", two, "-map", "0:a:1", "-c", "copy", "-f", "md5", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := packets(t, filepath.Join(dir, "result.mp4")); got != string(second) || f.Sound() != "sound copied (aac)" {
		t.Errorf("not the second track: %q", f.Sound())
	}
}

// Of several tracks that are known players take the one that is marked as the
// usual one; where the pictures stand among them does not count.
func TestSoundOfTheUsualTrack(t *testing.T) {
	dir := t.TempDir()
	for marked, want := range []string{"-disposition:a:0 default -disposition:a:1 0", "-disposition:a:0 0 -disposition:a:1 default", "-disposition:a:0 0 -disposition:a:1 0"} {
		path := filepath.Join(dir, strconv.Itoa(marked)+".mkv")
		args := []string{"-f", "lavfi", "-i", "sine=frequency=440:duration=1", "-f", "lavfi", "-i", "sine=frequency=880:duration=1",
			"-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25:duration=1", "-map", "0", "-map", "1", "-map", "2", "-pix_fmt", "yuv420p", "-c:a", "aac"}
		ffmpeg(t, append(append(args, strings.Fields(want)...), path)...)
		if info := probe1(t, path); info.Audio != "aac" || info.AudioTrack != marked%2 {
			t.Errorf("%s: %+v", want, info)
		}
	}
}

// What a cut without encoding left in the file, and out of the film, stays out
// of the result.
func TestSoundThatWasCutOff(t *testing.T) {
	dir := t.TempDir()
	whole, cut := filepath.Join(dir, "whole.mp4"), filepath.Join(dir, "cut.mp4")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25:duration=3", "-f", "lavfi", "-i", "sine=frequency=440:duration=3", "-pix_fmt", "yuv420p",
		"-g", "100", "-c:a", "aac", whole)
	ffmpeg(t, "-ss", "1", "-i", whole, "-c", "copy", cut)
	info, err := Probe(context.Background(), cut, Limits{})
	if err != nil || info.Frames != 50 || info.Rate != 25 || info.Variable {
		t.Errorf("%+v, %v", info, err)
	}
	if n := len(open(t, cut)); n != 50 {
		t.Errorf("%d frames", n)
	}
	for name, says := range map[string]string{"a.mkv": "encoded anew as aac: a copy would bring back", "a.mp4": "copied"} {
		path := filepath.Join(dir, name)
		f := encode(t, path, waves(50, 32, 32), FilmOptions{Rate: "25", Audio: cut})
		if _, _, length := ffprobe(t, path); math.Abs(length-2) > 0.1 || !strings.Contains(f.Sound(), says) {
			t.Errorf("%s: %.3f s, %q", name, length, f.Sound())
		}
	}
}
