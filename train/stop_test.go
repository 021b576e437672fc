package train

import (
	"context"
	"errors"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// stopper asks a run to stop right after a step, before anything else is done
// about it.
type stopper struct {
	at   int64
	stop func()
}

func (s *stopper) After(m *Moment) error {
	if m.Step == s.at {
		s.stop()
	}
	return nil
}

func (*stopper) End(*Moment) error { return nil }

// loopWith is session.train with a first hook and a runner of the test's.
func loopWith(t *testing.T, ctx context.Context, dir string, c *config.Config, first Hook, runner func(graph.Runner) graph.Runner) *trainer {
	t.Helper()
	s, err := begin(t, dir, c)
	if err != nil {
		t.Fatal(err)
	}
	tr := s.trainer()
	tr.run = runner(tr.run)
	s.checkpoints = s.newCheckpoints(tr)
	if err := s.begin(tr); err != nil {
		t.Fatal(err)
	}
	log := &eventLog{files: durableOS, dir: s.folder.dir.Events(), patience: s.checkpoints.patience}
	tr.hooks = append([]Hook{first}, s.hooks(ctx, tr, log)...)
	batches := s.loader.Prefetch(context.Background(), tr.at.Attempt)
	defer batches.Close()
	tr.batches = batches
	if err := tr.loop(ctx); err != nil {
		t.Fatal(err)
	}
	return tr
}

func newestMeta(t *testing.T, dir string) rundir.Meta {
	t.Helper()
	c, _, err := checkpoint.OpenStore(rundir.Dir(dir).Checkpoints()).Latest()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	meta, err := metaOf(c)
	if err != nil {
		t.Fatal(err)
	}
	return meta
}

// TestValidationIsCutShort asks a run to stop when a validation begins. It is
// done by whoever goes on, and then nothing differs from an undisturbed run.
func TestValidationIsCutShort(t *testing.T) {
	c := tiny(t, model.FOMM, "deterministic=true", "steps=4", "validation_steps=2", "checkpoint_steps=100")
	dir := t.TempDir()
	t.Run("stop", func(t *testing.T) { // its end releases the folder
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		loopWith(t, ctx, dir, c, &stopper{at: 2, stop: stop}, func(r graph.Runner) graph.Runner { return r })
	})
	if meta := newestMeta(t, dir); meta.Step != 2 || !meta.ValidationDue || meta.BestStep != 0 {
		t.Fatalf("the notes are %+v", meta)
	}
	complete(t, dir, c)
	want := undisturbed(t, c)
	compareCheckpoints(t, want, dir, 4)
	was, got := newestMeta(t, want), newestMeta(t, dir)
	if got.ValidationDue || got.BestStep != was.BestStep || got.BestL1 != was.BestL1 {
		t.Errorf("the notes are %+v, want %+v", got, was)
	}
	rows, wantRows := wholeMetrics(t, dir, 4), wholeMetrics(t, want, 4)
	for i := range rows {
		if rows[i].Value(valL1) != wantRows[i].Value(valL1) || rows[i].Value(valBackgroundIoU) != wantRows[i].Value(valBackgroundIoU) || rows[i].Value(valL1).Known != (i%2 == 1) {
			t.Errorf("step %d: validation %v, want %v", rows[i].Step, rows[i].Value(valL1), wantRows[i].Value(valL1))
		}
	}
}

// slowStep is a runner whose n-th step has moved all variables, but does not
// return before it is released.
type slowStep struct {
	graph.Runner
	n       int
	begun   func()
	release chan struct{}
}

func (s *slowStep) Run(feeds map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output, targets []*tensorflow.Operation) ([]*tensorflow.Tensor, error) {
	out, err := s.Runner.Run(feeds, fetches, targets)
	if len(targets) > 0 {
		if s.n--; s.n == 0 {
			s.begun()
			<-s.release
			return nil, errors.New("nobody waits for this")
		}
	}
	return out, err
}

// TestLongStepIsLeft asks a run to stop while its third step is computed. It
// saves the state after the second one without waiting, and going on ends as if
// nothing had happened.
func TestLongStepIsLeft(t *testing.T) {
	was := longStep
	defer func() { longStep = was }()
	longStep = 0
	c := tiny(t, model.FOMM, "deterministic=true", "steps=4", "checkpoint_steps=1", "keep_checkpoints=4")
	dir, want := t.TempDir(), undisturbed(t, c)
	t.Run("stop", func(t *testing.T) {
		ctx, stop := context.WithCancel(context.Background())
		slow := &slowStep{n: 3, begun: stop, release: make(chan struct{})}
		tr := loopWith(t, ctx, dir, tiny(t, model.FOMM, "deterministic=true", "steps=4", "checkpoint_steps=100"), &stopper{},
			func(r graph.Runner) graph.Runner { slow.Runner = r; return slow })
		if !tr.abandoned || tr.at.Step != 2 {
			t.Errorf("left %t at step %d", tr.abandoned, tr.at.Step)
		}
		close(slow.release)
	})
	if meta := newestMeta(t, dir); meta.Step != 2 || meta.Attempt != 2 {
		t.Fatalf("the notes are %+v", meta)
	}
	compareCheckpoints(t, want, dir, 2)
	complete(t, dir, c)
	compareCheckpoints(t, want, dir, 4)
}
