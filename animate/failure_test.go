package animate

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/video"
)

func TestJobsThatCannotBe(t *testing.T) {
	a := open(t, infer.Options{Batch: 2})
	source, driving := blobs(1, 2)[0], blobs(5, 3)
	broken := func(ctx context.Context) (video.Reader, error) {
		return video.Sequence(ctx, 5, func(i int) (*video.Frame, error) {
			if i == 3 {
				return nil, errors.New("it is damaged")
			}
			return driving[i], nil
		}), nil
	}
	for want, job := range map[string]Job{
		"a source picture":           {Driving: opener(driving)},
		"and a driving video":        {Source: source},
		"source picture: fit":        {Source: &video.Frame{W: 3, H: 3}, Driving: opener(driving)},
		"count from 0":               {Source: source, Driving: opener(driving), Motion: Motion{BestFrame: -1}},
		"has 5 frames":               {Source: source, Driving: opener(driving), Motion: Motion{BestFrame: 5}},
		"given or to be found":       {Source: source, Driving: opener(driving), Motion: Motion{BestFrame: 1, FindBestFrame: true}},
		"absolute motion":            {Source: source, Driving: opener(driving), Motion: Motion{Absolute: true, AdaptScale: true}},
		"none of stretch":            {Source: source, Driving: opener(driving), Fit: "squash"},
		"driving video: it is damag": {Source: source, Driving: broken},
		"no such file":               {Source: source, Driving: a.Driving(filepath.Join(run, "none.mp4"), video.Limits{})},
		"cannot watch":               {Source: source, Driving: opener(driving), Observe: func(int, infer.Keypoints) error { return errors.New("cannot watch") }},
	} {
		if _, err := a.Video(context.Background(), job, &memory{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := a.Video(context.Background(), Job{Source: source, Driving: opener(driving)}, &full{}); err == nil || !strings.Contains(err.Error(), "disk") {
		t.Errorf("a full disk: %v", err)
	}
	if _, err := Open(run, infer.Options{Batch: -1}); err == nil {
		t.Error("a negative batch")
	}
	file := filepath.Join(t.TempDir(), "vox.pth.tar")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, infer.Options{}); err == nil || !strings.Contains(err.Error(), "cmd:convert") {
		t.Errorf("a file of weights: %v", err)
	}
	if _, err := Open(file+"x", infer.Options{}); !infer.IsMissing(err) {
		t.Errorf("a missing run: %v", err)
	}
}

// full is a disk that is full after a frame.
type full struct{ n int }

func (f *full) Write(*video.Frame) error {
	if f.n++; f.n > 1 {
		return errors.New("the disk is full")
	}
	return nil
}

func (f *full) Close() error { return nil }

func (f *full) Abort() {}

// endless is a video that never ends, as a camera.
type endless struct{ closed *bool }

func (endless) Next() (*video.Frame, error) { return video.NewFrame(side, side), nil }

func (e endless) Close() error { *e.closed = true; return nil }

func TestCancel(t *testing.T) {
	a := open(t, infer.Options{Batch: 2})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	closed := false
	job := Job{
		Source:   blobs(1, 2)[0],
		Driving:  func(context.Context) (video.Reader, error) { return endless{&closed}, nil },
		Progress: func(done, _ int) { cancel() },
	}
	begin := time.Now()
	if _, err := a.Video(ctx, job, &memory{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	if took := time.Since(begin); took > 30*time.Second || !closed {
		t.Errorf("took %v, reader closed: %v", took, closed)
	}
}

// What is no finite number is told, not turned into pixels or motion.
func TestNumbersThatAreNone(t *testing.T) {
	nan := float32(math.NaN())
	if _, err := frames([]float32{0, nan, 1}, 1, 1); err == nil {
		t.Error("a pixel that is no number")
	}
	flat := infer.Keypoints{N: 1, K: 1, Value: []float32{0, 0}, Jacobian: []float32{1, 1, 1, 1}}
	if _, err := flat.Relative(flat, flat, infer.Relation{Scale: 1, Jacobian: true}); err == nil || !strings.Contains(err.Error(), "singular") {
		t.Errorf("a singular Jacobian: %v", err)
	}
}
