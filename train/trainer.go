package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// Batches hands out training batches in the order of their attempts.
type Batches interface {
	// NextUntil waits for the next batch until ctx ends, whose error it returns
	// then.
	NextUntil(ctx context.Context) (*dataset.Batch, error)
}

// trainer steps; everything else is a Hook.
type trainer struct {
	config  *config.Config
	options StepOptions
	step    *Step
	run     graph.Runner
	batches Batches
	hooks   []Hook
	guard   *guard

	at              Position
	total, perEpoch int64

	// due says that the validation of the step that the run goes on from was cut
	// short.
	due bool
	// scope has the variables; nil where steps are never left.
	scope *graph.Scope
	// mayHold says that there is memory to hold the state.
	mayHold bool
	// say tells a person; nil does not.
	say func(string)
	// held is the state after the last step while another one is computed, where
	// steps take long; nil otherwise.
	held []checkpoint.Group
	took time.Duration // of the last step
	// abandoned says that the last step begun was left to itself.
	abandoned bool

	// crew are the workers that step together; nil for a process by itself.
	crew *crew
	// paused says that the others wait for the chief after the last step.
	paused bool
}

// longStep is the time that a step takes from which on a run that is asked to
// stop does not wait for it.
var longStep = 5 * time.Second

// errAbandoned says that a step was left while it was computed.
var errAbandoned = errors.New("the step was left")

// latecomer is a hook with something to do about a validation that comes after
// its step was finished by an earlier process.
type latecomer interface {
	CatchUp(m *Moment) error
}

// loop takes steps until the run is complete or ctx is done. A step that has
// begun is finished first, unless it takes long.
func (t *trainer) loop(ctx context.Context) error {
	t.paused = true
	if err := t.meet(t.catchUp(ctx)); err != nil {
		return err
	}
	var last *Moment
	for t.at.Step < t.total && !t.stopping(ctx) {
		m, err := t.try(ctx, last != nil)
		if errors.Is(err, errAbandoned) {
			t.abandoned = true
			break
		}
		if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			break // told to stop while the data hang
		}
		if err != nil {
			return err
		}
		if m != nil { // else it was refused, and the next attempt draws anew
			err, last = t.after(m), m
		}
		if err := t.meet(err); err != nil {
			return err
		}
	}
	var errs []error
	for _, h := range t.hooks {
		errs = append(errs, h.End(last))
	}
	return errors.Join(errs...)
}

// after does what comes behind a step.
func (t *trainer) after(m *Moment) error {
	for _, h := range t.hooks {
		if err := h.After(m); err != nil {
			return fmt.Errorf("after step %d: %w", m.Step, err)
		}
	}
	return nil
}

// catchUp does the validation of the step that the run goes on from, where that
// is due.
func (t *trainer) catchUp(ctx context.Context) error {
	if !t.due {
		return nil
	}
	m := &Moment{Position: t.at, Total: t.total, PerEpoch: t.perEpoch, Epoch: t.at.Step / t.perEpoch}
	for _, h := range t.hooks {
		late, ok := h.(latecomer)
		if !ok || ctx.Err() != nil {
			continue
		}
		if err := late.CatchUp(m); err != nil {
			return fmt.Errorf("after step %d: %w", m.Step, err)
		}
		if m.ValidationDue {
			return nil // cut short once more
		}
	}
	return nil
}

// hold keeps the state aside where steps take so long that whoever asks the run
// to stop should not wait for one. Until it is released every assignment of the
// step takes memory of its own.
func (t *trainer) hold() error {
	if t.scope == nil || !t.mayHold || t.took < longStep {
		return nil
	}
	var err error
	t.held, err = snapshot(t.run, t.scope)
	return err
}

func (t *trainer) release() {
	if t.held != nil {
		clear(t.held)
		t.held = nil
		tf.Reclaim()
	}
}

// compute runs a step. It is left to itself when ctx is done and nothing is lost
// by that: the state before it is held, or is that of a checkpoint.
func (t *trainer) compute(ctx context.Context, all []feeds, moved bool) ([]*tensorflow.Tensor, error) {
	if err := t.hold(); err != nil {
		return nil, err
	}
	type outcome struct {
		fetched []*tensorflow.Tensor
		err     error
	}
	began, done := time.Now(), make(chan outcome, 1)
	go func() {
		fetched, err := t.step.Take(ctx, t.run, all, t.fetches())
		done <- outcome{fetched, err}
	}()
	var o outcome
	select {
	case o = <-done:
	case <-ctx.Done():
		t.tellStop(moved)
		if t.scope != nil && (t.held != nil || !moved) {
			select {
			case o = <-done: // just in time
			case <-time.After(briefly):
				return nil, errAbandoned
			}
		} else {
			o = <-done
		}
	}
	t.release()
	t.took = time.Since(began)
	return o.fetched, o.err
}

// briefly is what a step that may be left is waited for.
const briefly = time.Second

// tellStop says what the run waits for.
func (t *trainer) tellStop(moved bool) {
	switch {
	case t.say == nil:
	case t.held != nil:
		t.say(fmt.Sprintf("the step that is computed takes about %v: it is left, and the state after step %d is saved", t.took.Round(time.Second), t.at.Step))
	case t.step.Micro != nil:
		t.say(fmt.Sprintf("the micro-batch that is computed is finished, and its step is left: the state after step %d is saved", t.at.Step))
	case moved:
		t.say(fmt.Sprintf("the step that is computed is finished (the last one took %v), and the state is saved", t.took.Round(time.Millisecond)))
	}
}

// try makes one attempt at a step. The moment is nil when the step was refused.
// moved says that steps were taken since the run was begun or went on.
func (t *trainer) try(ctx context.Context, moved bool) (*Moment, error) {
	began, patient := time.Now(), ctx
	if t.crew != nil { // all stop together, after a step that none of them leaves
		patient = context.WithoutCancel(ctx)
	}
	batch, err := t.batches.NextUntil(patient)
	if err != nil {
		return nil, err
	}
	if batch.Attempt != t.at.Attempt {
		return nil, fmt.Errorf("the data set gave batch %d for attempt %d", batch.Attempt, t.at.Attempt)
	}
	waited := time.Since(began)
	values := t.valuesOf(batch)
	values.Signals = t.signals(ctx)
	all, err := t.step.AllFeeds(t.options, values)
	if err != nil {
		return nil, err
	}
	attempt := t.at.Attempt
	fetched, err := t.compute(patient, all, moved)
	if errors.Is(err, errAbandoned) || err != nil && err == patient.Err() {
		return nil, err
	}
	if err == nil && t.step.Verdict.Op != nil {
		fetched, err = t.heed(fetched)
	}
	if err != nil && !isRefusal(err) {
		return nil, fmt.Errorf("step %d: %w", t.at.Step+1, err)
	}
	t.at.Attempt++
	if err != nil {
		if lowered, err := t.lowerScale(all); lowered || err != nil {
			return nil, err
		}
		return nil, t.guard.refused(t.at, attempt, batch, all, err)
	}
	t.at.Step++
	t.guard.taken()
	m, err := t.moment(values, fetched)
	if err != nil {
		return nil, err
	}
	m.Took, m.Waited = time.Since(began), waited
	return m, nil
}

// valuesOf are the numbers of the attempt that is about to be made.
func (t *trainer) valuesOf(batch *dataset.Batch) StepValues {
	c := &t.config.Train
	warmup := 1.0
	if full := c.LossWeights.Consistency; full > 0 {
		warmup = c.ConsistencyWeight(t.at.Step, t.perEpoch) / full
	}
	return StepValues{
		Batch:  batch,
		Draws:  Draw(t.config.Seed, t.at.Attempt, t.options),
		Rates:  t.config.LearningRates(t.at.Step, t.at.Step/t.perEpoch),
		Warmup: warmup,
	}
}

// fetches are the numbers that every step returns, always the same ones:
// TensorFlow prepares the graph anew for every other set.
func (t *trainer) fetches() []tensorflow.Output {
	list := []tensorflow.Output{t.step.Losses, t.step.GradientNorms}
	if len(t.step.StatNames) > 0 {
		list = append(list, t.step.Stats)
	}
	if t.step.Verdict.Op != nil {
		list = append(list, t.step.Verdict)
	}
	return list
}

// moment describes the step just taken.
func (t *trainer) moment(values StepValues, fetched []*tensorflow.Tensor) (*Moment, error) {
	m := &Moment{
		Position: t.at, Total: t.total, PerEpoch: t.perEpoch, Epoch: t.at.Step / t.perEpoch,
		Rates: values.Rates, Warmup: values.Warmup, Refused: t.guard.total, values: values,
	}
	numbers := make([][]float64, len(fetched))
	for i, tensor := range fetched {
		var err error
		if numbers[i], err = floats(tensor); err != nil {
			return nil, err
		}
	}
	m.Losses = byName(t.step.LossNames, numbers[0])
	m.GradientNorms = playerNorms(t.options.Family.Players(), t.step.GradientNames, numbers[1])
	if len(numbers) > 2 {
		m.Stats = byName(t.step.StatNames, numbers[2])
	}
	return m, nil
}

// floats are the elements of a float or double tensor.
func floats(t *tensorflow.Tensor) ([]float64, error) {
	if t.DataType() == tensorflow.Double {
		return tf.Values[float64](t)
	}
	single, err := tf.Values[float32](t)
	wide := make([]float64, len(single))
	for i, v := range single {
		wide[i] = float64(v)
	}
	return wide, err
}

func byName(names []string, values []float64) map[string]float64 {
	m := make(map[string]float64, len(names))
	for i, name := range names {
		m[name] = values[i]
	}
	return m
}

// playerNorms are the norms of the gradients of whole players, given half the
// squared norm of each variable's.
func playerNorms(players []model.Player, variables []string, halfSquares []float64) map[string]float64 {
	norms := map[string]float64{}
	for i, name := range variables {
		if p, ok := model.OwnerOf(players, name); ok {
			norms[p.Name] += 2 * halfSquares[i]
		}
	}
	for player, square := range norms {
		norms[player] = math.Sqrt(square)
	}
	return norms
}
