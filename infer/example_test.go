package infer_test

import (
	"fmt"
	"log"
	"os"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// A source is encoded once; any number of poses is decoded from it.
func Example() {
	run, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(run)
	if err := tinymodel.Write(run, 1); err != nil { // in place of a training
		log.Fatal(err)
	}
	e, err := infer.Open(run, infer.Options{Session: tf.SessionConfig{Device: "cpu"}})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()
	h, w := e.Size()
	source, driving := video.NewFrame(w, h), []*video.Frame{video.NewFrame(w, h), video.NewFrame(w, h)}
	encoded, err := e.Encode(source)
	if err != nil {
		log.Fatal(err)
	}
	poses, err := e.Poses(driving...)
	if err != nil {
		log.Fatal(err)
	}
	own, err := encoded.Pose()
	if err != nil {
		log.Fatal(err)
	}
	moved, err := poses.Relative(own, poses.At(0), infer.Relation{Scale: 1, Jacobian: true})
	if err != nil {
		log.Fatal(err)
	}
	frames, err := e.Decode(encoded, moved)
	if err != nil {
		log.Fatal(err)
	}
	kp, _ := moved.Keypoints()
	fmt.Println(kp.N, "pictures with", kp.K, "keypoints each;", len(frames[infer.Prediction])/(3*h*w), "frames of", w, "x", h)
	// Output: 2 pictures with 5 keypoints each; 2 frames of 32 x 32
}
