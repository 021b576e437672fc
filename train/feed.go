package train

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
)

// feeds are the tensors of one Session.Run.
type feeds map[tensorflow.Output]*tensorflow.Tensor

// stepValues are all numbers that one attempt at a step is fed.
type stepValues struct {
	batch *dataset.Batch
	draws Draws
	rates config.Rates
	// warmup in [0, 1] scales L_cons.
	warmup float64
}

// feedsOf turns an attempt's numbers into tensors. All inputs are always fed,
// whether the variant reads them or not: TensorFlow prepares the graph anew for
// every other set of feeds.
func feedsOf(step *Step, o StepOptions, v stepValues) (feeds, error) {
	if b := v.batch; b.N != o.Batch || b.H != o.Height || b.W != o.Width {
		return nil, fmt.Errorf("the batch is %d pictures of %dx%d pixels, the step wants %d of %dx%d", b.N, b.H, b.W, o.Batch, o.Height, o.Width)
	}
	f := &feeder{feeds: feeds{}, dtype: step.Source.DataType()}
	n, h, w := int64(o.Batch), int64(o.Height), int64(o.Width)
	points := int64(o.Transform.PointsTPS)
	feed(f, step.SourceBytes, v.batch.Source, n, h, w, 3)
	feed(f, step.DrivingBytes, v.batch.Driving, n, h, w, 3)
	f.floats(step.Theta, v.draws.Theta, n, 2, 3)
	f.floats(step.ControlParams, v.draws.ControlParams, n, 1, points*points)
	feed(f, step.K, v.draws.K, n)
	feed(f, step.Boxes, v.draws.Boxes, n, 5)
	f.floats(step.LRGenerator, []float64{v.rates.Generator})
	f.floats(step.LRDiscriminator, []float64{v.rates.Discriminator})
	f.floats(step.LRKPDetector, []float64{v.rates.KPDetector})
	f.floats(step.ConsWarmup, []float64{v.warmup})
	return f.feeds, f.err
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

func feed[T tf.Element](f *feeder, to tensorflow.Output, values []T, dims ...int64) {
	t, err := tf.NewTensor(values, dims...)
	f.put(to, t, err)
}
