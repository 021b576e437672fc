package animate

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// exportRun writes the model of all tests as a SavedModel.
func exportRun(t *testing.T, frozen bool) string {
	t.Helper()
	return exportFrom(t, run, frozen)
}

// exportFrom writes the model of a run or checkpoint as a SavedModel.
func exportFrom(t *testing.T, from string, frozen bool) string {
	t.Helper()
	m, err := infer.Load(from)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := export.Prepare(m, export.Options{Out: filepath.Join(t.TempDir(), "tiny"), Frozen: frozen})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(plan.Dir)
}

func sizeOf(a *Animator) []int {
	h, w := a.Size()
	return []int{h, w}
}

// An exported model animates as the checkpoint that it was made of.
func TestSavedModel(t *testing.T) {
	source, driving := blobs(1, 2)[0], blobs(7, 3)
	a := open(t, infer.Options{Batch: 3})
	want, _ := animated(t, a, Job{Source: source, Driving: opener(driving)})
	moving(t, want)
	for _, frozen := range []bool{false, true} {
		b, err := Open(exportRun(t, frozen), infer.Options{Batch: 3, Session: tf.SessionConfig{Device: "cpu"}})
		if err != nil {
			t.Fatal(err)
		}
		if b.engine.Fit != a.engine.Fit || b.engine.Normalization != a.engine.Normalization || !slices.Equal(sizeOf(b), sizeOf(a)) {
			t.Errorf("%v, %+v, %v; want %v, %+v, %v", b.engine.Fit, b.engine.Normalization, sizeOf(b), a.engine.Fit, a.engine.Normalization, sizeOf(a))
		}
		got, _ := animated(t, b, Job{Source: source, Driving: opener(driving)})
		equal(t, fmt.Sprint("frozen: ", frozen), got, want)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// It makes the same frames by kernels of our own as by TensorFlow's.
func TestSavedModelByEitherKernels(t *testing.T) {
	dir := exportRun(t, false)
	job := Job{Source: blobs(1, 2)[0], Driving: opener(blobs(7, 3))}
	frames := func() []*video.Frame {
		a, err := Open(dir, infer.Options{Batch: 3, Session: tf.SessionConfig{Device: "cpu"}})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		list, _ := animated(t, a, job)
		return list
	}
	own := frames()
	moving(t, own)
	t.Setenv(tf.KernelsEnv, "off")
	equal(t, "by TensorFlow's kernels", frames(), own)
}
