package ablation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prioritycut/prioritycut/tf"
)

// ErrStopped says that an ablation was stopped before its end; everything is
// saved.
var ErrStopped = errors.New("stopped; the same command goes on")

// States reads how far the runs of a plan have come, in the plan's order. Runs
// that do not belong to the plan are errors.
func (p *Plan) States() ([]State, error) {
	states := make([]State, len(p.Runs))
	var errs []error
	for i := range p.Runs {
		var err error
		if states[i], err = p.Runs[i].State(); err != nil {
			errs = append(errs, err)
		}
	}
	return states, errors.Join(errs...)
}

// Train trains every run of the plan that is not complete, one after another,
// each in a process of its own, and writes how long each took. Out is where a
// person looks. It ends with ErrStopped when ctx is done, and with the first
// run that fails: what is complete stays.
func (p *Plan) Train(ctx context.Context, out io.Writer) error {
	if err := os.MkdirAll(p.Out, 0o777); err != nil {
		return err
	}
	lock, err := tf.LockDir(p.Out)
	if err != nil {
		return err
	}
	defer lock.Unlock() // the process holds nothing else of it
	states, err := p.States()
	if err != nil {
		return err
	}
	t := &trainer{plan: p, states: states, show: newProgress(out, p)}
	if t.pace, err = newPace(p); err != nil {
		return err
	}
	defer t.show.close()
	for i := range p.Runs {
		if states[i].Complete {
			continue
		}
		if ctx.Err() != nil {
			return ErrStopped
		}
		if err := t.run(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// trainer trains the runs of a plan.
type trainer struct {
	plan   *Plan
	states []State
	pace   *Pace
	show   *progress
}

// run trains one run to its end.
func (t *trainer) run(ctx context.Context, i int) error {
	r, began := &t.plan.Runs[i], time.Now()
	before := t.states[i].Step
	t.show.begin(i, before, t.left(i, before))
	failed := t.child(ctx, i)
	state, err := r.State()
	if err != nil {
		return errors.Join(failed, err)
	}
	t.states[i] = state
	err = addTime(t.plan.Out, Time{
		Run: r.Name, Variant: string(r.Variant), Seed: r.Seed, FirstStep: before, LastStep: state.Step,
		Seconds: time.Since(began).Round(time.Millisecond).Seconds(), Complete: state.Complete,
	})
	switch {
	case failed != nil:
		return errors.Join(failed, err)
	case err != nil:
		return err
	case state.Complete:
		if t.pace, err = newPace(t.plan); err != nil {
			return err
		}
		t.show.end(i, state.Step, time.Since(began))
		return nil
	case ctx.Err() != nil:
		return ErrStopped
	}
	return fmt.Errorf("run %s ended after %d steps and is not complete: see %s", r.Name, state.Step, t.plan.logPath(r))
}

// child runs the process of a run and follows its log. When ctx is done the
// process is asked to save and stop.
func (t *trainer) child(ctx context.Context, i int) error {
	r := &t.plan.Runs[i]
	log, err := openLog(t.plan.logPath(r))
	if err != nil {
		return err
	}
	defer log.close()
	c, err := r.command()
	if err != nil {
		return err
	}
	c.Stdout, c.Stderr = log.file, log.file
	ended, err := start(c)
	if err != nil {
		return err
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	stop := ctx.Done()
	for {
		select {
		case <-stop:
			stop = nil
			// It may have ended by itself; then there is nobody to tell.
			_ = c.Process.Signal(syscall.SIGTERM)
		case <-tick.C:
			t.follow(i, log)
		case err := <-ended:
			t.follow(i, log)
			if err != nil {
				return fmt.Errorf("run %s failed (%w); the end of %s:\n%s", r.Name, err, log.path, log.last())
			}
			return nil
		}
	}
}

// follow shows what the log says of the run's progress. A log that cannot be
// read for once is no reason to stop training.
func (t *trainer) follow(i int, log *runLog) {
	lines, _ := log.read()
	if step, found := steps(lines); found {
		t.show.at(i, step, t.left(i, step))
	}
}

// left is the time that the whole plan needs from step of run i on, 0 when that
// is not known. All complete runs are those before it or were so from the
// start.
func (t *trainer) left(i int, step int64) time.Duration {
	var left time.Duration
	for k := i; k < len(t.plan.Runs); k++ {
		r := &t.plan.Runs[k]
		taken := t.states[k].Step
		if t.states[k].Complete {
			continue
		}
		if k == i {
			taken = step
		}
		left += t.pace.of(r.Variant, r.Config.Train.Steps-taken)
	}
	return left
}

// logPath is where a run's text lies.
func (p *Plan) logPath(r *Run) string { return filepath.Join(p.Out, "logs", r.Name+".log") }
