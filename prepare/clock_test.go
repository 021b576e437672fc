package prepare

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/fault"
)

// stopAfter stops a run once so many clips are written.
type stopAfter struct {
	quiet
	stop    func()
	left    atomic.Int64
	writing atomic.Bool
}

func (s *stopAfter) Stage(what string, _ int) { s.writing.Store(what == "writing clips") }

func (s *stopAfter) Done() {
	if s.writing.Load() && s.left.Add(-1) == 0 {
		s.stop()
	}
}

// TestClockJumps stops a run in the middle. While it writes, and before it goes
// on, the clock is set forward and back: clips that are done are not made again, and
// the data set is that of a good clock.
func TestClockJumps(t *testing.T) {
	in, fresh := footageOf(t), filepath.Join(t.TempDir(), "out")
	o := options(in, fresh)
	o.Workers = 1
	mustRun(t, o)
	want := tree(t, fresh)
	for _, years := range []int{9, -9} {
		clock := &fault.JumpyClock{}
		o.Out, o.Files = filepath.Join(t.TempDir(), "out"), clock
		ctx, cancel := context.WithCancel(context.Background())
		stop := &stopAfter{stop: cancel}
		stop.left.Store(2)
		o.Progress = stop
		if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		begun := len(madeClips(t, o.Out))
		then := time.Now().AddDate(years, 0, 0)
		if err := fault.SetTimes(o.Out, then); err != nil {
			t.Fatal(err)
		}
		calls := &fault.FS{Base: clock}
		o.Files, o.Progress = calls, nil
		mustRun(t, o)
		if diff := cmp.Diff(want, tree(t, o.Out)); diff != "" {
			t.Errorf("%+d years: %s", years, diff)
		}
		made := 0
		for _, c := range calls.Calls() {
			if c.Op == "rename" && isClip(o.Out, c.Path) {
				made++
			}
		}
		if all := len(madeClips(t, o.Out)); begun == 0 || made != all-begun {
			t.Errorf("%+d years: %d clips of %d were there, and %d were made", years, begun, all, made)
		}
	}
}

func isClip(out, path string) bool {
	side := filepath.Base(filepath.Dir(path))
	return strings.HasPrefix(path, out) && (side == train || side == test)
}

func madeClips(t *testing.T, out string) []string {
	t.Helper()
	var made []string
	for _, side := range []string{train, test} {
		found, err := filepath.Glob(filepath.Join(out, side, "*"))
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, found...)
	}
	return made
}
