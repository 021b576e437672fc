package serve

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// animator is a tiny network.
func animator(t *testing.T) Animator {
	t.Helper()
	run := filepath.Join(t.TempDir(), "run")
	if err := tinymodel.Write(run, 1); err != nil {
		t.Fatal(err)
	}
	opened, err := animate.Open(run, infer.Options{Session: tf.SessionConfig{Device: "cpu"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return NewAnimator(opened)
}

// film is the work of a job on a picture and a film of 6 frames with sound.
func film(t *testing.T) Animation {
	t.Helper()
	dir := t.TempDir()
	a := Animation{
		Source: filepath.Join(dir, "source"), Driving: filepath.Join(dir, "driving"), Result: filepath.Join(dir, "result.mp4"),
		Choices: Choices{Relative: true, Audio: true, Format: "mp4"},
	}
	if err := os.WriteFile(a.Source, pngOf(32, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=6:duration=1", "-f", "lavfi", "-i", "sine=duration=1",
		"-c:v", "mjpeg", "-c:a", "pcm_s16le", "-f", "avi", a.Driving).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return a
}

// TestFilms makes several at once with a real network, and each like one that
// is made alone.
func TestFilms(t *testing.T) {
	animator := animator(t)
	if d := animator.Defaults(); d != (Choices{Relative: true, AdaptScale: d.AdaptScale, Audio: true, Format: "mp4"}) {
		t.Errorf("defaults are %+v", d)
	}
	animated := func(a Animation, spoil bool) (result []byte, warned string) {
		var mu sync.Mutex
		report := Report{
			Progress: func(done, total int) {
				if spoil && done == total {
					_ = os.WriteFile(a.Driving, []byte("gone bad"), 0o600)
				}
			},
			Warn: func(text string) {
				mu.Lock()
				defer mu.Unlock()
				warned += text + "\n"
			},
		}
		if err := animator.Animate(context.Background(), a, report); err != nil {
			t.Error(err)
		}
		result, err := os.ReadFile(a.Result)
		if err != nil {
			t.Error(err)
		}
		return result, warned
	}

	alone, warned := animated(film(t), false)
	if !strings.Contains(warned, "find_best_frame") || strings.Contains(warned, "--") || strings.Contains(warned, "sound") {
		t.Errorf("warnings: %s", warned)
	}
	// Sound that is lost is told; one that a gif cannot hold is not asked for.
	gif := film(t)
	gif.Format, gif.Result = "gif", gif.Result+".gif"
	var all sync.WaitGroup
	for _, c := range []struct {
		a           Animation
		spoil, told bool
	}{{a: film(t)}, {a: film(t), spoil: true, told: true}, {a: gif, spoil: true}} {
		all.Add(1)
		go func() {
			defer all.Done()
			together, warned := animated(c.a, c.spoil)
			if !c.spoil && !bytes.Equal(together, alone) {
				t.Error("a film that is made beside others differs from one that is made alone")
			}
			if strings.Contains(warned, "without sound") != c.told {
				t.Errorf("spoilt %v, %s: warnings: %s", c.spoil, c.a.Format, warned)
			}
		}()
	}
	all.Wait()
}

// TestUnevenFilm animates one that leaves most pictures out in its second half,
// which its sound does not: the result lasts as long as the sound.
func TestUnevenFilm(t *testing.T) {
	a := film(t)
	text, err := exec.Command("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=30:duration=2", "-f", "lavfi", "-i", "sine=duration=2",
		"-vf", "select='lt(n,30)+not(mod(n,5))'", "-vsync", "vfr", "-f", "mp4", a.Driving).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	total := 0
	report := Report{Progress: func(_, of int) { total = of }, Warn: func(string) {}}
	if err := animator(t).Animate(context.Background(), a, report); err != nil {
		t.Fatal(err)
	}
	info, err := video.Probe(context.Background(), a.Result, video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if d := info.Duration.Seconds(); info.Rate != 30 || info.Frames < 56 || info.Frames > 60 || d < 1.85 || d > 2.1 || total < 40 {
		t.Errorf("%d frames, about %d expected, %.3f a second, %.3f s", info.Frames, total, info.Rate, d)
	}
}

// TestFilmsWithKeypoints: result and views are enlarged alike and show what is not
// in those without.
func TestFilmsWithKeypoints(t *testing.T) {
	animator := animator(t)
	a := film(t)
	dir := filepath.Dir(a.Result)
	a.SourceView, a.DrivingView, a.Keypoints = filepath.Join(dir, "source.png"), filepath.Join(dir, "driving.mp4"), true
	if err := animator.Animate(context.Background(), a, Report{Progress: func(int, int) {}, Warn: func(string) {}}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{a.Result, a.DrivingView} {
		info, err := video.Probe(context.Background(), path, video.Limits{})
		if err != nil || info.W < animate.ReadableWidth || info.H < animate.ReadableWidth || info.Frames != 6 {
			t.Errorf("%s: %+v, %v", path, info, err)
		}
	}
	shown, err := video.ReadPicture(a.SourceView, video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	source, err := video.ReadPicture(a.Source, video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := animate.Marked(source, nil)
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for i := range plain.Pix {
		if plain.Pix[i] != shown.Pix[i] {
			differ++
		}
	}
	if share := float64(differ) / float64(len(plain.Pix)); share == 0 || share > 0.5 {
		t.Errorf("%.3f of the picture's values are keypoints", share)
	}
}
