package joints

import (
	"context"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/internal/random"
)

// The drawn videos that are learned from. Their number does not change those
// that a model trains on; more figures make a detector of any figure.
const (
	trainVideos = 1 << 16
	videoFrames = 24
)

// batch is what one step is fed.
type batch struct {
	image   []float32 // [N, H, W, 3]
	value   []float32 // [N, J, 2]
	visible []float32 // [N, J]
}

func newBatch(n, w, h int) *batch {
	return &batch{
		image: make([]float32, n*w*h*3), value: make([]float32, n*numJoints*2), visible: make([]float32, n*numJoints),
	}
}

// put stores the i-th frame and its truth.
func (b *batch) put(i int, pix []float32, t *shapes.Truth) {
	copy(b.image[i*len(pix):], pix)
	for j, joint := range t.Joints {
		at := i*numJoints + j
		b.value[2*at], b.value[2*at+1] = float32(joint.X), float32(joint.Y)
		if joint.Visible {
			b.visible[at] = 1
		}
	}
}

// drawer draws batches to learn from; batch i is a pure function of the options
// and i.
type drawer struct {
	o   Options
	set *shapes.Set
}

func newDrawer(o Options) (*drawer, error) {
	set, err := shapes.New(shapes.Options{TrainVideos: trainVideos, Frames: videoFrames, Width: o.Width, Height: o.Height})
	return &drawer{o: o, set: set}, err
}

// batch draws the frames of a step, side by side on all cores.
func (d *drawer) batch(step int) (*batch, error) {
	b := newBatch(d.o.Batch, d.o.Width, d.o.Height)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := 0; i < d.o.Batch; i++ {
		group.Go(func() error {
			r := random.New(d.o.Seed, random.Label("joints"), uint64(step), uint64(i))
			v, err := d.set.Video(shapes.Train, r.IntN(trainVideos))
			if err != nil {
				return err
			}
			frame, truth, err := v.Draw(r.IntN(videoFrames))
			if err != nil {
				return err
			}
			pix := unit(frame.Pix)
			d.degrade(r, pix)
			b.put(i, pix, truth)
			return nil
		})
	}
	return b, group.Wait()
}

// ahead draws the batches of all steps, a few ahead of who reads them. The
// channel is closed early if ctx ends or an error, which is then in err, occurs.
func (d *drawer) ahead(ctx context.Context, steps int, err *error) <-chan *batch {
	out := make(chan *batch, 4)
	go func() {
		defer close(out)
		for step := 0; step < steps; step++ {
			b, e := d.batch(step)
			if e != nil {
				*err = e // seen by the reader after the channel is closed
				return
			}
			select {
			case out <- b:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// unit turns bytes into numbers in [0, 1].
func unit(pix []byte) []float32 {
	out := make([]float32, len(pix))
	for i, b := range pix {
		out[i] = float32(b) / 255
	}
	return out
}

// degrade makes a picture look as generated ones may: half of them are blurred,
// all are a little off in colour and noisy.
func (d *drawer) degrade(r *random.Rand, pix []float32) {
	if r.Bool() {
		sigma := r.Uniform(0.3, 1.2) * float64(shrinking(d.o.Width, d.o.Height))
		blur(pix, d.o.Width, d.o.Height, sigma)
	}
	var gain [3]float64
	for c := range gain {
		gain[c] = r.Uniform(0.85, 1.15)
	}
	noise := r.Uniform(0, 0.03)
	for i := range pix {
		v := float64(pix[i])*gain[i%3] + noise*r.Normal()
		pix[i] = float32(min(max(v, 0), 1))
	}
}

// blur convolves an RGB picture with a Gaussian, one axis after the other;
// border pixels are repeated.
func blur(pix []float32, w, h int, sigma float64) {
	reach := int(math.Ceil(2.5 * sigma))
	taps := make([]float32, 2*reach+1)
	sum := float32(0)
	for i := range taps {
		z := float64(i-reach) / sigma
		taps[i] = float32(math.Exp(-z * z / 2))
		sum += taps[i]
	}
	for i := range taps {
		taps[i] /= sum
	}
	line := make([]float32, max(w, h))
	along := func(n, start, stride int) {
		for i := 0; i < n; i++ {
			line[i] = pix[start+i*stride]
		}
		for i := 0; i < n; i++ {
			v := float32(0)
			for k, t := range taps {
				v += t * line[min(max(i+k-reach, 0), n-1)]
			}
			pix[start+i*stride] = v
		}
	}
	for c := 0; c < 3; c++ {
		for y := 0; y < h; y++ {
			along(w, 3*y*w+c, 3)
		}
		for x := 0; x < w; x++ {
			along(h, 3*x+c, 3*w)
		}
	}
}
