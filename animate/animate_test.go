package animate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/video"
)

func TestVideoIsWhatTheModelComputes(t *testing.T) {
	a := open(t, infer.Options{Batch: 4})
	source, driving := blobs(1, 2)[0], blobs(11, 3)
	initial, points := keypointRows(t, a, driving[0])
	sixth, _ := keypointRows(t, a, driving[6])
	_, sourcePoints := keypointRows(t, a, source)
	scale := math.Sqrt(HullArea(sourcePoints) / HullArea(points))
	if math.Abs(scale-1) < 0.02 {
		t.Fatalf("the scale %v says nothing", scale)
	}
	for what, c := range map[string]struct {
		motion Motion
		relate func(source, driving [][]float64) [][]float64
	}{
		"relative":          {Motion{}, relative(initial, 1, true)},
		"adapted scale":     {Motion{AdaptScale: true}, relative(initial, scale, true)},
		"driving Jacobians": {Motion{DrivingJacobian: true}, relative(initial, 1, false)},
		"best frame":        {Motion{BestFrame: 6}, relative(sixth, 1, true)},
		"absolute":          {Motion{Absolute: true}, func(_, driving [][]float64) [][]float64 { return driving }},
	} {
		got, report := animated(t, a, Job{Source: source, Driving: opener(driving), Motion: c.motion})
		moving(t, got)
		equal(t, what, got, direct(t, source, driving, c.relate))
		if report.BestFrame != c.motion.BestFrame || report.Total <= 0 {
			t.Errorf("%s: %+v", what, report)
		}
	}
}

// The reference animates forward and backward from the best frame and joins
// both; here it is one pass.
func TestBestFrameIsForwardAndBackward(t *testing.T) {
	a := open(t, infer.Options{Batch: 3})
	source, driving := blobs(1, 2)[0], blobs(9, 3)
	const best = 4
	backward := make([]*video.Frame, 0, best+1)
	for i := best; i >= 0; i-- {
		backward = append(backward, driving[i])
	}
	back, _ := animated(t, a, Job{Source: source, Driving: opener(backward)})
	forth, _ := animated(t, a, Job{Source: source, Driving: opener(driving[best:])})
	var want []*video.Frame
	for i := best; i >= 0; i-- {
		want = append(want, back[i])
	}
	want = append(want, forth[1:]...)
	got, _ := animated(t, a, Job{Source: source, Driving: opener(driving), Motion: Motion{BestFrame: best}})
	equal(t, "joined", got, want)
}

func TestFindBestFrame(t *testing.T) {
	a := open(t, infer.Options{Batch: 4})
	driving := blobs(10, 3)
	// The source stands in the video itself: its own frame is nearest.
	source := driving[7]
	var warnings []string
	warn := func(text string) { warnings = append(warnings, text) }
	got, report := animated(t, a, Job{Source: source, Driving: opener(driving), Motion: Motion{FindBestFrame: true}, Warn: warn})
	if report.BestFrame != 7 || report.PoseDistance > 1e-5 || len(warnings) > 0 {
		t.Errorf("%+v, %q", report, warnings)
	}
	want, _ := animated(t, a, Job{Source: source, Driving: opener(driving), Motion: Motion{BestFrame: 7}})
	equal(t, "found and given", got, want)
}

// The size of a batch changes nothing but speed.
func TestBatches(t *testing.T) {
	source, driving := blobs(1, 2)[0], blobs(7, 3)
	want, _ := animated(t, open(t, infer.Options{Batch: 7}), Job{Source: source, Driving: opener(driving)})
	for _, batch := range []int{1, 2, 6, 8, 0} {
		a := open(t, infer.Options{Batch: batch})
		var seen []int
		var progress []int
		got, _ := animated(t, a, Job{Source: source, Driving: opener(driving), Frames: 7,
			Observe:  func(i int, kp infer.Keypoints) error { seen = append(seen, i); return nil },
			Progress: func(done, total int) { progress = append(progress, done, total) },
		})
		equal(t, fmt.Sprint("batch ", batch), got, want)
		if fmt.Sprint(seen) != "[-1 0 1 2 3 4 5 6]" || fmt.Sprint(progress) != "[1 7 2 7 3 7 4 7 5 7 6 7 7 7]" {
			t.Errorf("batch %d: seen %v, told %v", batch, seen, progress)
		}
	}
}

func TestWarnings(t *testing.T) {
	a := open(t, infer.Options{})
	source, driving := blobs(1, 2)[0], blobs(3, 3)
	_, s := keypointRows(t, a, source)
	_, d := keypointRows(t, a, driving[0])
	distance, ok := PoseDistance(s, d)
	if !ok || distance < FarPose {
		t.Fatalf("the pictures of this test are %v apart, %v", distance, ok)
	}
	var said []string
	_, report := animated(t, a, Job{Source: source, Driving: opener(driving), Warn: func(text string) { said = append(said, text) }})
	if len(said) != 1 || !strings.Contains(said[0], "find_best_frame") || math.Abs(report.PoseDistance-distance) > 1e-6 {
		t.Errorf("%q, %+v", said, report)
	}
	said = nil
	animated(t, a, Job{Source: source, Driving: opener(driving), Motion: Motion{Absolute: true}, Warn: func(text string) { said = append(said, text) }})
	animated(t, a, Job{Source: driving[0], Driving: opener(driving), Warn: func(text string) { said = append(said, text) }})
	if len(said) != 0 {
		t.Errorf("%q", said)
	}
}

// From film to film, and to a folder of pictures that holds what was computed.
func TestFiles(t *testing.T) {
	a := open(t, infer.Options{})
	dir := t.TempDir()
	ctx := context.Background()
	source, driving := blobs(1, 2)[0], blobs(10, 3)
	drivingPath := filepath.Join(dir, "driving.mkv")
	film, err := video.CreateFilm(ctx, drivingPath, side, side, video.FilmOptions{Rate: "30000/1001", Quality: video.Lossless})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range driving {
		if err := film.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := film.Close(); err != nil {
		t.Fatal(err)
	}
	want, _ := animated(t, a, Job{Source: source, Driving: opener(driving)})
	for _, name := range []string{"frames", "lossless.mkv"} {
		path := filepath.Join(dir, name)
		sink, err := video.Create(ctx, path, side, side, video.FilmOptions{Rate: "30000/1001", Quality: video.Lossless})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Video(ctx, Job{Source: source, Driving: a.Driving(drivingPath, video.Limits{})}, sink); err != nil {
			t.Fatal(err)
		}
		if err := sink.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := video.Open(ctx, path, 0, 0, video.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var got []*video.Frame
		for {
			f, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, f)
		}
		r.Close()
		for i := range got {
			if !bytes.Equal(got[i].Pix, want[i].Pix) {
				t.Errorf("%s: frame %d is not what was computed", name, i)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d frames", name, len(got))
		}
	}
}
