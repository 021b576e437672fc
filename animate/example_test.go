package animate_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// A picture moves as a video of three frames; the result is a folder of pictures.
func ExampleAnimator_Video() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	run := filepath.Join(dir, "run")
	if err := tinymodel.Write(run, 1); err != nil { // in place of a training
		log.Fatal(err)
	}
	a, err := animate.Open(run, infer.Options{Session: tf.SessionConfig{Device: "cpu"}})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	h, w := a.Size()
	ctx := context.Background()
	sink, err := video.Create(ctx, filepath.Join(dir, "frames"), w, h, video.FilmOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer sink.Abort()
	driving := func(ctx context.Context) (video.Reader, error) {
		return video.Sequence(ctx, 3, func(int) (*video.Frame, error) { return video.NewFrame(w, h), nil }), nil
	}
	report, err := a.Video(ctx, animate.Job{Source: video.NewFrame(w, h), Driving: driving}, sink)
	if err != nil {
		log.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Frames, "frames")
	// Output: 3 frames
}
