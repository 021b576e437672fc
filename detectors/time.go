package detectors

import (
	"context"
	"errors"
	"slices"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// timed is how often a detector looks to be timed, after a first time that warms it
// up.
const timed = 5

// Time loads a detector and returns the median time in which it looks at a square
// picture of noise.
func Time(ctx context.Context, path string, side int) (_ time.Duration, err error) {
	m, err := savedmodel.Open(path, tf.SessionConfig{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	r := random.New(1)
	pix := make([]float32, side*side*3)
	for i := range pix {
		pix[i] = float32(r.Float64())
	}
	image, err := tf.NewTensor(pix, 1, int64(side), int64(side), 3)
	if err != nil {
		return 0, err
	}
	var times []time.Duration
	for range 1 + timed {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		began := time.Now()
		if _, err := m.Call(savedmodel.DefaultSignature, map[string]*tensorflow.Tensor{ImageName: image}); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	times = times[1:]
	slices.Sort(times)
	return times[timed/2], nil
}
