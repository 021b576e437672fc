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
	"github.com/prioritycut/prioritycut/tf"
)

// Batches hands out training batches in the order of their attempts.
type Batches interface {
	Next() (*dataset.Batch, error)
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
}

// loop takes steps until the run is complete or ctx is done. A step that has
// begun is finished first.
func (t *trainer) loop(ctx context.Context) error {
	var last *Moment
	for t.at.Step < t.total && ctx.Err() == nil {
		m, err := t.try()
		if err != nil {
			return err
		}
		if m == nil {
			continue // refused: the next attempt draws anew
		}
		for _, h := range t.hooks {
			if err := h.After(m); err != nil {
				return fmt.Errorf("after step %d: %w", m.Step, err)
			}
		}
		last = m
	}
	var errs []error
	for _, h := range t.hooks {
		errs = append(errs, h.End(last))
	}
	return errors.Join(errs...)
}

// try makes one attempt at a step. The moment is nil when the step was refused.
func (t *trainer) try() (*Moment, error) {
	began := time.Now()
	batch, err := t.batches.Next()
	if err != nil {
		return nil, err
	}
	if batch.Attempt != t.at.Attempt {
		return nil, fmt.Errorf("the data set gave batch %d for attempt %d", batch.Attempt, t.at.Attempt)
	}
	waited := time.Since(began)
	values := t.valuesOf(batch)
	feeds, err := feedsOf(t.step, t.options, values)
	if err != nil {
		return nil, err
	}
	attempt := t.at.Attempt
	fetched, err := t.run.Run(feeds, t.fetches(), []*tensorflow.Operation{t.step.Train})
	if err != nil && !isRefusal(err) {
		return nil, fmt.Errorf("step %d: %w", t.at.Step+1, err)
	}
	t.at.Attempt++
	if err != nil {
		return nil, t.guard.refused(t.at, attempt, batch, feeds, err)
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
func (t *trainer) valuesOf(batch *dataset.Batch) stepValues {
	c := &t.config.Train
	warmup := 1.0
	if full := c.LossWeights.Consistency; full > 0 {
		warmup = c.ConsistencyWeight(t.at.Step, t.perEpoch) / full
	}
	return stepValues{
		batch:  batch,
		draws:  Draw(t.config.Seed, t.at.Attempt, t.options),
		rates:  c.LearningRates(t.at.Step, t.at.Step/t.perEpoch),
		warmup: warmup,
	}
}

// fetches are the numbers that every step returns, always the same ones:
// TensorFlow prepares the graph anew for every other set.
func (t *trainer) fetches() []tensorflow.Output {
	list := []tensorflow.Output{t.step.Losses, t.step.GradientNorms}
	if len(t.step.StatNames) > 0 {
		list = append(list, t.step.Stats)
	}
	return list
}

// moment describes the step just taken.
func (t *trainer) moment(values stepValues, fetched []*tensorflow.Tensor) (*Moment, error) {
	m := &Moment{
		Position: t.at, Total: t.total, PerEpoch: t.perEpoch, Epoch: t.at.Step / t.perEpoch,
		Rates: values.rates, Warmup: values.warmup, Refused: t.guard.total, values: values,
	}
	numbers := make([][]float64, len(fetched))
	for i, tensor := range fetched {
		var err error
		if numbers[i], err = floats(tensor); err != nil {
			return nil, err
		}
	}
	m.Losses = byName(t.step.LossNames, numbers[0])
	m.GradientNorms = playerNorms(t.step.GradientNames, numbers[1])
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

// playerNorms are the norms of the gradients of whole networks, given half the
// squared norm of each variable's.
func playerNorms(variables []string, halfSquares []float64) map[string]float64 {
	norms := map[string]float64{}
	for i, name := range variables {
		norms[playerOf(name)] += 2 * halfSquares[i]
	}
	for player, square := range norms {
		norms[player] = math.Sqrt(square)
	}
	return norms
}
