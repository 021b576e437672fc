package train

import (
	"fmt"
	"maps"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
)

// feeds are the tensors of one Session.Run.
type feeds = map[tensorflow.Output]*tensorflow.Tensor

// StepValues are all numbers that one attempt at a step is fed.
type StepValues struct {
	// Batch holds the pictures, of a worker those of its part.
	Batch *dataset.Batch
	// Draws are the attempt's random numbers, for the whole batch.
	Draws Draws
	// Rates are the learning rates.
	Rates config.Rates
	// Warmup in [0, 1] scales the warmed terms.
	Warmup float64
	// Signals are what this replica tells the others.
	Signals [numSignals]float64
	// Micro is the number of the micro-batch that is fed, from 0.
	Micro int
}

// Feeds turns an attempt's numbers into tensors, for all replicas of the step in its
// session. All inputs are always fed, whether the variant reads them or not:
// TensorFlow prepares the graph anew for every other set of feeds.
func (step *Step) Feeds(o StepOptions, v StepValues) (map[tensorflow.Output]*tensorflow.Tensor, error) {
	all, err := step.ownFeeds(o, v)
	for i, m := range step.Mirrors {
		if err != nil {
			return nil, err
		}
		o.Replicas.Rank = i + 1
		var more feeds
		more, err = m.Step.ownFeeds(o, v)
		maps.Copy(all, more)
	}
	return all, err
}

// ownFeeds are those of one replica.
func (step *Step) ownFeeds(o StepOptions, v StepValues) (feeds, error) {
	pairs := o.own() * o.parts()
	if o.Replicas.InSession {
		pairs = o.Batch
	}
	if b := v.Batch; b.N != pairs || b.H != o.Height || b.W != o.Width {
		return nil, fmt.Errorf("the batch is %d pictures of %dx%d pixels, the step wants %d of %dx%d", b.N, b.H, b.W, pairs, o.Height, o.Width)
	}
	if v.Micro < 0 || v.Micro >= o.parts() {
		return nil, fmt.Errorf("micro-batch %d of %d", v.Micro, o.parts())
	}
	f := &feeder{feeds: feeds{}, dtype: step.Source.DataType()}
	n, h, w := int64(o.own()), int64(o.Height), int64(o.Width)
	feed(f, step.SourceBytes, pixels(o, v.Micro, v.Batch.Source), n, h, w, 3)
	feed(f, step.DrivingBytes, pixels(o, v.Micro, v.Batch.Driving), n, h, w, 3)
	for _, d := range o.Family.Draws(o.own(), o.Height, o.Width) {
		f.drawn(step.Draws[d.Name], partOfDrawn(o, v.Micro, v.Draws[d.Name]), d.Dims...)
	}
	for player, to := range step.Rates {
		f.floats(to, []float64{v.Rates[player]})
	}
	f.floats(step.Warmup, []float64{v.Warmup})
	if step.Signals.Op != nil {
		f.floats(step.Signals, v.Signals[:], numSignals)
	}
	if step.Part.Op != nil {
		f.floats(step.Part, []float64{float64(v.Micro)})
	}
	return f.feeds, f.err
}

// AllFeeds are the Feeds of every micro-batch of an attempt, one where there are
// none.
func (step *Step) AllFeeds(o StepOptions, v StepValues) ([]map[tensorflow.Output]*tensorflow.Tensor, error) {
	list := make([]feeds, o.parts())
	for i := range list {
		var err error
		v.Micro = i
		if list[i], err = step.Feeds(o, v); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// feeder gathers feeds and the first error.
type feeder struct {
	feeds feeds
	dtype tensorflow.DataType
	err   error
}

func (f *feeder) put(to tensorflow.Output, t *tensorflow.Tensor, err error) {
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("feeding %s: %w", to.Op.Name(), err)
	}
	f.feeds[to] = t
}

// floats feeds numbers in the graph's dtype.
func (f *feeder) floats(to tensorflow.Output, values []float64, dims ...int64) {
	t, err := graph.NewTensor(f.dtype, values, dims...)
	f.put(to, t, err)
}

// drawn feeds what a model.Draw gave.
func (f *feeder) drawn(to tensorflow.Output, values any, dims ...int64) {
	switch v := values.(type) {
	case []float64:
		f.floats(to, v, dims...)
	case []float32:
		feed(f, to, v, dims...)
	case []int32:
		feed(f, to, v, dims...)
	default:
		f.put(to, nil, fmt.Errorf("numbers of type %T cannot be drawn", values))
	}
}

func feed[T tf.Element](f *feeder, to tensorflow.Output, values []T, dims ...int64) {
	t, err := tf.NewTensor(values, dims...)
	f.put(to, t, err)
}
