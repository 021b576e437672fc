package train

import (
	"testing"

	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"

	"github.com/google/go-cmp/cmp"
	tensorflow "github.com/wamuir/graft/tensorflow"
)

// TestNewestAndBestAreKept saves a small state after every second step, with
// validations of known errors at some.
func TestNewestAndBestAreKept(t *testing.T) {
	s := graph.New(tensorflow.Float)
	s.Variable("weight", graph.Trainable, graph.Ones, 2)
	s.Variable("average", graph.State, graph.Ones, 2)
	s.Variable("moment", graph.Slot, graph.Zeros, 2)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := graph.Initialize(session, s.Variables(), 0); err != nil {
		t.Fatal(err)
	}
	store := checkpoint.OpenStore(t.TempDir())
	h := &checkpointHook{store: store, scope: s, run: session, everySteps: 2, everyEpochs: 3, keep: 2, saved: -1}
	errors := map[int64]float64{1: 0.5, 5: 0.3, 7: 0.4}
	want := map[int64][]int64{
		1: {1}, 2: {1, 2}, 3: {1, 2}, 4: {1, 2, 4}, 5: {4, 5}, 6: {5, 6}, 7: {5, 6}, 8: {5, 6, 8}, 9: {5, 8, 9}, 10: {5, 9, 10},
	}
	for step := int64(1); step <= 10; step++ {
		// An epoch of three steps ends, every third epoch, after step 9.
		m := &Moment{Position: Position{Step: step, Attempt: step + 3}, Total: 10, PerEpoch: 3}
		if l1, ok := errors[step]; ok {
			m.Validation = &evaluate.Result{Whole: evaluate.Errors{L1: l1}}
		}
		if err := h.After(m); err != nil {
			t.Fatal(err)
		}
		steps, err := store.Steps()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[step], steps); diff != "" {
			t.Errorf("after step %d (-want +got):\n%s", step, diff)
		}
	}
	c, _, err := store.Latest()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	meta, err := metaOf(c)
	if err != nil || meta.Step != 10 || meta.Attempt != 13 || meta.BestStep != 5 || meta.BestL1 != 0.3 {
		t.Errorf("the notes are %+v, %v", meta, err)
	}
	if diff := cmp.Diff([]string{rundir.Weights, rundir.State, rundir.Optimizer}, c.Groups()); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if _, err := restore(c, s); err != nil {
		t.Error(err)
	}
	s.Variable("another", graph.Trainable, graph.Ones, 2)
	if _, err := restore(c, s); err == nil {
		t.Error("a checkpoint that lacks a variable is restored")
	}
}
