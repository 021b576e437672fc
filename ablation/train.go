package ablation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/prioritycut/prioritycut/internal/folderlock"
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
// each in a process of its own, and writes how long each took; every complete
// run is measured, and whenever a seed is whole the tables are written anew. Out
// is where a person looks. It ends with ErrStopped when ctx is done, and with
// the first run that fails: what is complete stays.
func (p *Plan) Train(ctx context.Context, out io.Writer) error {
	if err := os.MkdirAll(p.Out, 0o777); err != nil {
		return err
	}
	lock, err := folderlock.Acquire(p.Out)
	if err != nil {
		return err
	}
	defer lock.Unlock() // the process holds nothing else of it
	states, err := p.States()
	if err != nil {
		return err
	}
	if err := p.settle(); err != nil {
		return err
	}
	t := &trainer{plan: p, states: states, show: newProgress(out, p)}
	if t.pace, err = newPace(p); err != nil {
		return err
	}
	defer t.show.bar.Clear()
	for i := range p.Runs {
		if err := t.complete(ctx, i); err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return ErrStopped
			}
			return err
		}
	}
	return p.conclude(ctx, t.states, out)
}

// complete trains and measures run i as far as that is not done.
func (t *trainer) complete(ctx context.Context, i int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !t.states[i].Complete {
		if err := t.run(ctx, i); err != nil {
			return err
		}
	}
	t.show.bar.Clear()
	r := &t.plan.Runs[i]
	if err := t.plan.measure(ctx, r, t.states[i].Step, t.show.out); err != nil {
		return fmt.Errorf("measuring %s: %w", r.Name, err)
	}
	if n := len(t.plan.Rows); i%n < n-1 || i == len(t.plan.Runs)-1 {
		return nil
	}
	o, err := t.plan.Outcome(t.states)
	if err != nil || o == nil {
		return err
	}
	return o.write(t.plan, nil)
}

// trainer trains the runs of a plan.
type trainer struct {
	plan   *Plan
	states []State
	pace   *Pace
	show   *runsDone
}

// run trains one run to its end.
func (t *trainer) run(ctx context.Context, i int) error {
	r, began := &t.plan.Runs[i], time.Now()
	before := t.states[i].Step
	t.show.begin(i, before, t.left(i, before))
	job := job{Train: &trainJob{Options: r.options, Dir: r.Dir}}
	failed := job.run(ctx, t.plan.logPath(r.Name), func(lines []string) { t.follow(i, lines) })
	if failed != nil {
		failed = fmt.Errorf("run %s failed: %w", r.Name, failed)
	}
	state, err := r.State()
	if err != nil {
		return errors.Join(failed, err)
	}
	t.states[i] = state
	err = addTime(t.plan.Out, Time{
		Run: r.Name, Variant: string(r.Row), Seed: r.Seed, FirstStep: before, LastStep: state.Step,
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
	return fmt.Errorf("run %s ended after %d steps and is not complete: see %s", r.Name, state.Step, t.plan.logPath(r.Name))
}

// follow shows what a run's log says of its progress.
func (t *trainer) follow(i int, lines []string) {
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
		left += t.pace.of(r.Row, r.Config.Train.Steps-taken)
	}
	return left
}

// logPath is where the text of a child lies.
func (p *Plan) logPath(name string) string { return filepath.Join(p.Out, "logs", name+".log") }
