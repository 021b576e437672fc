package animate

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// tinyOf is a model of a variant, as a checkpoint and as its export.
func tinyOf(t *testing.T, v model.Variant, sets ...string) map[string]*Animator {
	t.Helper()
	run := filepath.Join(t.TempDir(), "run")
	if err := tinymodel.WriteVariant(run, 1, v, sets...); err != nil {
		t.Fatal(err)
	}
	m, err := infer.Load(run)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := export.Prepare(m, export.Options{Out: filepath.Join(t.TempDir(), "tiny")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	both := map[string]*Animator{}
	for what, path := range map[string]string{"checkpoint": run, "SavedModel": plan.Dir} {
		a, err := Open(path, infer.Options{Batch: 3, Session: tf.SessionConfig{Device: "cpu"}})
		if err != nil {
			t.Fatalf("%s of %s: %v", what, v, err)
		}
		t.Cleanup(func() { a.Close() })
		both[what] = a
	}
	return both
}

// Monkey-Net moves relatively, its export as its checkpoint does; the model's
// configuration says whether variances are relative too.
func TestMonkeyNet(t *testing.T) {
	source, driving := blobs(1, 2)[0], blobs(5, 3)
	for _, sets := range [][]string{nil, {"monkeynet_params.adapt_variance=true", "monkeynet_params.clip_mean=true"}} {
		both := tinyOf(t, model.MonkeyNet, sets...)
		m := both["checkpoint"].Motion()
		if m.Absolute || m.AdaptVariance != (sets != nil) || m.ClipMean != (sets != nil) || m != both["SavedModel"].Motion() {
			t.Errorf("%v: motion is %+v and %+v", sets, m, both["SavedModel"].Motion())
		}
		want, report := animated(t, both["checkpoint"], Job{Source: source, Driving: opener(driving), Motion: m})
		if report.PoseDistance < 0 {
			t.Errorf("%+v", report)
		}
		got, _ := animated(t, both["SavedModel"], Job{Source: source, Driving: opener(driving), Motion: m})
		equal(t, "SavedModel", got, want)
	}
}

// X2Face is driven frame by frame and takes several pictures of a face; there is
// nothing that its motion could be relative to.
func TestX2Face(t *testing.T) {
	sources, driving := blobs(9, 2), blobs(5, 3)
	both := tinyOf(t, model.X2Face)
	a := both["checkpoint"]
	job := Job{Source: sources[0], Driving: opener(driving), Motion: a.Motion()}
	if !job.Motion.Absolute {
		t.Errorf("motion is %+v", job.Motion)
	}
	alone, _ := animated(t, a, job)
	got, _ := animated(t, both["SavedModel"], job)
	equal(t, "SavedModel", got, alone)

	job.Further = sources[8:]
	want, _ := animated(t, a, job)
	got, _ = animated(t, both["SavedModel"], job)
	equal(t, "SavedModel, two pictures", got, want)
	moved := 0
	for i, v := range want[0].Pix {
		if v != alone[0].Pix[i] {
			moved++
		}
	}
	if moved < 50 {
		t.Errorf("the second picture changes %d bytes", moved)
	}
	// Every frame stands for itself.
	last := job
	last.Driving = opener(driving[4:])
	got, _ = animated(t, a, last)
	equal(t, "the last frame alone", got, want[4:])

	job.Motion = Motion{}
	if _, err := a.Video(context.Background(), job, &memory{}); err == nil || !strings.Contains(err.Error(), "absolute") {
		t.Errorf("relative motion: %v", err)
	}
	if _, err := a.Keypoints("", driving...); err == nil || !strings.Contains(err.Error(), "no keypoints") {
		t.Errorf("keypoints: %v", err)
	}
}
