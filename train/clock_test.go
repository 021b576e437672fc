package train

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// TestClockJumps stops a run of six steps twice. While it writes, and between its
// starts, the clock is set forward and back: it goes on from the newest step, it
// keeps the checkpoints of the newest steps, its rows and bits are those of a run
// under a good clock, and its event files sort as they were written.
func TestClockJumps(t *testing.T) {
	under := func(dir string, files durable.FileSystem, steps int) {
		t.Helper()
		c := tiny(t, model.PriorityCut, "deterministic=true", fmt.Sprintf("steps=%d", steps), "checkpoint_steps=1", "keep_checkpoints=2")
		if err := Run(context.Background(), RunOptions{Config: c, Dir: dir, Out: io.Discard, Files: files}); err != nil {
			t.Fatal(err)
		}
	}
	good, bad := t.TempDir(), t.TempDir()
	clock := &fault.JumpyClock{}
	var events []string
	for i, years := range []int{9, -9, 0} {
		under(good, durable.OS{}, 2*(i+1))
		under(bad, clock, 2*(i+1))
		compareCheckpoints(t, good, bad, int64(2*(i+1)))
		events = newEvents(t, rundir.Dir(bad), events)
		// What the next start finds was written years ahead of it, or before.
		then := time.Now().AddDate(years, 0, 0)
		if err := fault.SetTimes(bad, then); err != nil {
			t.Fatal(err)
		}
		events[len(events)-1] = renameEvents(t, rundir.Dir(bad), events[len(events)-1], then)
	}
	if clock.Jumps() < 6 {
		t.Errorf("the clock was set %d times", clock.Jumps())
	}
	var kept [2][]int64
	var rows [2][]Row
	for i, dir := range []rundir.Dir{rundir.Dir(good), rundir.Dir(bad)} {
		var err error
		if kept[i], err = checkpoint.OpenStore(dir.Checkpoints()).Steps(); err != nil {
			t.Fatal(err)
		}
		if rows[i], err = ReadMetrics(dir.Metrics()); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows[i] {
			for _, column := range []string{secondsPerStep, dataWaitShare} {
				if v, ok := r.Values[column]; ok && (v < 0 || v > 1e4) {
					t.Errorf("step %d: %s is %g", r.Step, column, v)
				}
				delete(r.Values, column)
			}
		}
	}
	if diff := cmp.Diff(kept[0], kept[1]) + cmp.Diff(rows[0], rows[1]); diff != "" || len(rows[1]) != 6 {
		t.Errorf("%d rows; checkpoints and rows under a good and a bad clock (-good +bad):\n%s", len(rows[1]), diff)
	}
}

// newEvents adds the event files that are new, of the run and of its summary, to
// those before, behind which they must sort.
func newEvents(t *testing.T, dir rundir.Dir, before []string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir.Events())
	if err != nil || len(entries) <= len(before) {
		t.Fatalf("event files %v after %v (%v)", entries, before, err)
	}
	for i, name := range before {
		if entries[i].Name() != name {
			t.Fatalf("event file %d is %s, want %s: new ones do not come last", i, entries[i].Name(), name)
		}
	}
	for _, e := range entries[len(before):] {
		before = append(before, e.Name())
	}
	return before
}

// renameEvents gives the newest event file the name that it has by a clock that
// is ahead; one that is behind does not name files so.
func renameEvents(t *testing.T, dir rundir.Dir, name string, at time.Time) string {
	t.Helper()
	if at.Before(time.Now()) {
		return name
	}
	parts := strings.SplitN(name, ".", 5)
	if len(parts) < 5 {
		t.Fatalf("an event file is called %s", name)
	}
	parts[3] = fmt.Sprintf("%010d", at.Unix())
	to := strings.Join(parts, ".")
	if err := os.Rename(filepath.Join(dir.Events(), name), filepath.Join(dir.Events(), to)); err != nil {
		t.Fatal(err)
	}
	return to
}
