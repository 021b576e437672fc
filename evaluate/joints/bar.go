package joints

import (
	"context"
	"math"
	"slices"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// What the bars are set by: real frames of training videos, no more of them than
// were learned from.
const (
	barFrames = 768
	// mayBeMissed is the share of them in which a joint that is seen may be missed: a
	// quarter of what is allowed on unseen videos, whose figures differ more from one
	// another than so few frames tell.
	mayBeMissed = mostMissing / 100 / 4
)

// setBars lowers, joint by joint, the confidence that counts as found, where real
// frames that show a joint would miss it too often. Cross-entropy asks for the
// likelier answer, and of a joint that is hidden more often than not that is
// "hidden", whenever it is hard to tell. It never raises one.
func (d *Detector) setBars(ctx context.Context) error {
	draws, err := newCleanDrawer(d.o)
	if err != nil {
		return err
	}
	var seen [numJoints][]float64 // logits where a joint is visible
	frames := min(barFrames, d.o.Steps*d.o.Batch)
	for at := 0; at < frames; at += d.o.Batch {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b, err := draws.clean(at, min(at+d.o.Batch, frames))
		if err != nil {
			return err
		}
		found, err := d.Detect(b.image)
		if err != nil {
			return err
		}
		for i, joints := range found {
			for j, joint := range joints {
				if b.visible[i*numJoints+j] == 1 {
					seen[j] = append(seen[j], logit(joint.Confidence))
				}
			}
		}
	}
	bars := make([]float32, numJoints)
	for j := range bars {
		bars[j] = float32(barOf(seen[j]))
	}
	t, err := tf.NewTensor(bars, int64(numJoints))
	if err != nil {
		return err
	}
	return graph.Assign(d.session, map[*graph.Variable]*tensorflow.Tensor{d.net.bar: t})
}

// barOf is the greatest logit, at most 0, that no more than mayBeMissed of the
// given ones lie below.
func barOf(seen []float64) float64 {
	if len(seen) == 0 {
		return 0
	}
	slices.Sort(seen)
	return min(0, seen[int(mayBeMissed*float64(len(seen)))])
}

// logit undoes the sigmoid, as far as float32 can tell.
func logit(p float64) float64 {
	const least = 1e-7
	p = min(max(p, least), 1-least)
	return math.Log(p / (1 - p))
}

// clean draws frames, as they are, of training videos.
func (d *drawer) clean(from, to int) (*batch, error) {
	return d.draw(to-from, func(i int) (*random.Rand, bool) {
		return random.New(d.o.Seed, random.Label("bars"), uint64(from+i)), false
	})
}
