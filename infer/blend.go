package infer

import (
	"errors"
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
)

// errOneSource says that there is no weight to average several sources by.
var errOneSource = errors.New("the model takes one source picture")

// blend makes one encoded source of n: the mean of what is kept of them, each
// pixel weighed by its Confidence (X2Face, section 3.1), which is dropped then.
func blend(encoded map[string]*tensorflow.Tensor, n int) (map[string]*tensorflow.Tensor, error) {
	confidence := encoded[Confidence]
	switch {
	case n == 1:
		return encoded, nil
	case n < 1:
		return nil, errors.New("there is no source picture")
	case confidence == nil:
		return nil, errOneSource
	}
	weights, err := tf.Values[float32](confidence)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Confidence, err)
	}
	out := map[string]*tensorflow.Tensor{}
	for name, t := range encoded {
		if name == Confidence {
			continue
		}
		values, err := tf.Values[float32](t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		mean, err := weighed(values, weights, n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if out[name], err = tf.NewTensor(mean, append([]int64{1}, t.Shape()[1:]...)...); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, nil
}

// weighed is the mean over n maps of values [n, h, w, C] by weights [n, h, w, 1].
func weighed(values, weights []float32, n int) ([]float32, error) {
	pixels := len(weights) / n
	if len(weights) != n*pixels || pixels == 0 || len(values)%len(weights) != 0 {
		return nil, fmt.Errorf("%d values cannot be weighed by %d", len(values), len(weights))
	}
	channels := len(values) / len(weights)
	mean := make([]float32, pixels*channels)
	for p := 0; p < pixels; p++ {
		var total float64
		for i := 0; i < n; i++ {
			total += float64(weights[i*pixels+p])
		}
		for c := 0; c < channels; c++ {
			var sum float64
			for i := 0; i < n; i++ {
				sum += float64(weights[i*pixels+p]) * float64(values[(i*pixels+p)*channels+c])
			}
			mean[p*channels+c] = float32(sum / total)
		}
	}
	return mean, nil
}
