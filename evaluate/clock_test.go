package evaluate

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/fault"
)

// TestClockJumps stops an evaluation in its second video. While it writes, and
// before it goes on, the clock is set forward and back: it keeps the first video,
// its tables are those under a good clock, and a third call finds all done.
func TestClockJumps(t *testing.T) {
	q := request(t, testModel(t, 1))
	q.Keypoints, q.KeypointModel, q.Page = FromTruth, testDetector(t), true
	want := tables(t, mustRun(t, q))
	for _, years := range []int{9, -9} {
		clock := &fault.JumpyClock{}
		q.Files, q.Out, q.WriteFrames = clock, filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "frames")
		ctx, cancel := context.WithCancel(context.Background())
		e, err := prepare(ctx, &q)
		if err != nil {
			t.Fatal(err)
		}
		e.subject = &stopping{subject: e.subject, after: 30, stop: cancel}
		if _, err := e.run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err := e.close(); err != nil {
			t.Fatal(err)
		}
		for resumed := 1; resumed <= 2; resumed++ {
			for _, dir := range []string{q.Out, q.WriteFrames} {
				if err := fault.SetTimes(dir, time.Now().AddDate(years, 0, 0)); err != nil {
					t.Fatal(err)
				}
			}
			o := mustRun(t, q)
			if diff := cmp.Diff(want, tables(t, o)); diff != "" || o.Resumed != resumed {
				t.Errorf("%+d years, %d videos kept, want %d; tables under a good and a bad clock (-good +bad):\n%s", years, o.Resumed, resumed, diff)
			}
		}
		if clock.Jumps() < 5 {
			t.Errorf("the clock was set %d times", clock.Jumps())
		}
	}
}
