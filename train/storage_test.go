package train

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

var durableOS = durable.OS{}

// undisturbed runs a configuration to its end and returns its folder.
func undisturbed(t *testing.T, c *config.Config) string {
	t.Helper()
	dir := t.TempDir()
	complete(t, dir, c)
	return dir
}

// oneThread makes small runs bit-equal.
var oneThread = []string{"deterministic=true", "steps=6", "checkpoint_steps=1", "picture_steps=2", "max_failed_writes=4"}

// wholeMetrics checks that there is one row for each step.
func wholeMetrics(t *testing.T, dir string, steps int) []Row {
	t.Helper()
	rows, err := ReadMetrics(rundir.Dir(dir).Metrics())
	if err != nil || len(rows) != steps {
		t.Fatalf("%d rows, %v, want %d", len(rows), err, steps)
	}
	for i, r := range rows {
		if r.Step != int64(i+1) {
			t.Errorf("row %d is of step %d", i, r.Step)
		}
	}
	return rows
}

// TestFailedWritesAreForgiven fails writes for a while, of each kind of file and
// of all: the run goes on, and nothing is missing at its end.
func TestFailedWritesAreForgiven(t *testing.T) {
	c := tiny(t, model.FOMM, oneThread...)
	want := undisturbed(t, c)
	for name, pattern := range map[string]string{
		"checkpoints": "weights.safetensors", "metrics": "metrics.csv", "events": "events.out.*", "pictures": ".tmp-train-*", "summary": ".tmp-summary*", "everything": "*",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			begun, left := false, 3
			matches := fault.On("write", pattern, fault.Fault{Err: syscall.ENOSPC, Short: true})
			files := &fault.FS{Plan: func(n int, call fault.Call) *fault.Fault {
				// What precedes the first step may stop the run.
				begun = begun || call.Op == "append"
				bad := matches(n, call)
				if !begun || bad == nil || left == 0 {
					return nil
				}
				left--
				return bad
			}}
			if err := Run(context.Background(), RunOptions{Config: c, Dir: dir, Out: io.Discard, Files: files}); err != nil {
				t.Fatal(err)
			}
			if left != 0 {
				t.Errorf("%d faults did not happen", left)
			}
			compareCheckpoints(t, want, dir, 6)
			wholeMetrics(t, dir, 6)
		})
	}
}

// TestFullDisk fails all writes from some step on: the run ends with what to do,
// its checkpoints are intact, and when there is room the same command ends as if
// nothing had happened.
func TestFullDisk(t *testing.T) {
	c := tiny(t, model.FOMM, oneThread...)
	dir := t.TempDir()
	full := false
	files := &fault.FS{Plan: func(_ int, call fault.Call) *fault.Fault {
		full = full || call.Op == "rename" && filepath.Base(call.Path) == "step-00000003"
		if full && (call.Op == "write" || call.Op == "mkdir" || call.Op == "create") {
			return &fault.Fault{Err: syscall.ENOSPC, Short: true}
		}
		return nil
	}}
	err := Run(context.Background(), RunOptions{Config: c, Dir: dir, Out: io.Discard, Files: files})
	if !errors.Is(err, patience.ErrGaveUp) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "type the same command again") {
		t.Errorf("got %v", err)
	}
	checkpoint, damaged, err := checkpoint.OpenStore(rundir.Dir(dir).Checkpoints()).Latest()
	if err != nil || checkpoint.Step != 3 || damaged != nil {
		t.Fatalf("the newest checkpoint is %v, damaged %v, %v", checkpoint, damaged, err)
	}
	checkpoint.Close()
	complete(t, dir, c)
	compareCheckpoints(t, undisturbed(t, c), dir, 6)
	wholeMetrics(t, dir, 6)
}

// TestFailedMetricsCostNoState: where metrics.csv cannot be written any more, the
// run ends, but its state and the rows are saved, and the same command ends as if
// nothing had happened.
func TestFailedMetricsCostNoState(t *testing.T) {
	c := tiny(t, model.FOMM, append(oneThread, "steps=8", "checkpoint_steps=100")...)
	dir := t.TempDir()
	rows := 0
	files := &fault.FS{Plan: func(_ int, call fault.Call) *fault.Fault {
		if call.Op != "append" || filepath.Base(call.Path) != "metrics.csv" {
			return nil
		}
		if rows++; rows <= 2 {
			return nil
		}
		return &fault.Fault{Err: syscall.EIO}
	}}
	err := Run(context.Background(), RunOptions{Config: c, Dir: dir, Out: io.Discard, Files: files})
	if !errors.Is(err, patience.ErrGaveUp) || !strings.Contains(err.Error(), "the state after step 6 is in") {
		t.Errorf("got %v", err)
	}
	newest, damaged, err := checkpoint.OpenStore(rundir.Dir(dir).Checkpoints()).Latest()
	if err != nil || newest.Step != 6 || damaged != nil {
		t.Fatalf("the newest checkpoint is %v, damaged %v, %v", newest, damaged, err)
	}
	newest.Close()
	complete(t, dir, c)
	compareCheckpoints(t, undisturbed(t, c), dir, 8)
	wholeMetrics(t, dir, 8)
}

// TestMetricsAreSyncedBeforeTheirCheckpoint looks at the order of calls: between
// the last row and the name of a checkpoint metrics.csv is synced.
func TestMetricsAreSyncedBeforeTheirCheckpoint(t *testing.T) {
	files := &fault.FS{}
	c := tiny(t, model.FOMM, "steps=3", "checkpoint_steps=2")
	if err := Run(context.Background(), RunOptions{Config: c, Dir: t.TempDir(), Out: io.Discard, Files: files}); err != nil {
		t.Fatal(err)
	}
	unsynced, saves := 0, 0
	for _, call := range files.Calls() {
		name := filepath.Base(call.Path)
		switch {
		case name == "metrics.csv" && call.Op == "write":
			unsynced++
		case name == "metrics.csv" && call.Op == "sync":
			unsynced = 0
		case call.Op == "rename" && strings.HasPrefix(name, "step-"):
			saves++
			if unsynced > 0 {
				t.Errorf("%s has its name, %d rows are not on the disk", name, unsynced)
			}
		}
	}
	if saves != 2 {
		t.Errorf("%d checkpoints", saves)
	}
}

// TestMetricsGap loses rows, as a power cut may: the next run fills in what is
// known, all of it where the rows went into the checkpoint.
func TestMetricsGap(t *testing.T) {
	c := tiny(t, model.FOMM, "steps=4", "checkpoint_steps=100")
	longer := tiny(t, model.FOMM, "steps=5", "checkpoint_steps=100")
	t.Run("lost", func(t *testing.T) {
		dir := undisturbed(t, c)
		was := wholeMetrics(t, dir, 4)
		if err := writeMetrics(durableOS, rundir.Dir(dir).Metrics(), columns{formatColumn, stepColumn, attemptColumn, epochColumn, vggColumn}.with(was), was[:1]); err != nil {
			t.Fatal(err)
		}
		complete(t, dir, longer)
		for i, r := range wholeMetrics(t, dir, 5)[:4] {
			if r.Attempt != was[i].Attempt || r.Epoch != was[i].Epoch || r.Values["lr_generator"] != was[i].Values["lr_generator"] || r.Values["lr_discriminator"] != was[i].Values["lr_discriminator"] {
				t.Errorf("the row of step %d is %+v, was %+v", r.Step, r, was[i])
			}
			if (i > 0) == r.Value("perceptual").Known {
				t.Errorf("step %d: perceptual %v", r.Step, r.Value("perceptual"))
			}
		}
	})
	t.Run("not written", func(t *testing.T) {
		dir := t.TempDir()
		rows := 0
		files := &fault.FS{Plan: func(_ int, call fault.Call) *fault.Fault {
			if filepath.Base(call.Path) == "metrics.csv" && call.Op == "append" {
				if rows++; rows > 1 {
					return &fault.Fault{Err: syscall.EIO}
				}
			}
			return nil
		}}
		if err := Run(context.Background(), RunOptions{Config: c, Dir: dir, Out: io.Discard, Files: files}); err != nil {
			t.Fatal(err)
		}
		if rows, err := ReadMetrics(rundir.Dir(dir).Metrics()); err != nil || len(rows) != 1 {
			t.Fatalf("%d rows are written, %v", len(rows), err)
		}
		complete(t, dir, longer)
		for _, r := range wholeMetrics(t, dir, 5) {
			if !r.Value("perceptual").Known {
				t.Errorf("the row of step %d is %+v", r.Step, r)
			}
		}
	})
}

// TestOtherErrorsAreNotForgiven: what is no matter of storage ends the run.
func TestOtherErrorsAreNotForgiven(t *testing.T) {
	p := newPatience("runs/mine", 3)
	other := errors.New("a tensor of the wrong shape")
	if err := p.Wrote(checkpoints, other); !errors.Is(err, other) {
		t.Errorf("got %v", err)
	}
	full := &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	for i, want := range []bool{true, true, false} {
		if err := p.Wrote(checkpoints, full); (err == nil) != want {
			t.Errorf("failure %d: %v", i+1, err)
		}
	}
	if err := p.Wrote(metricsFile, full); err != nil {
		t.Errorf("another kind of file: %v", err)
	}
	if err := p.Wrote(checkpoints, nil); err != nil || p.Failures(checkpoints) != 0 {
		t.Errorf("after a success: %v, %d failures", err, p.Failures(checkpoints))
	}
}
