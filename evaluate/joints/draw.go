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

// set is the drawn data set with so many videos.
func (o Options) set(train, test int) (*shapes.Set, error) { return o.setOf(train, test, 1) }

// setOf is that set, its pictures drawn so many times smaller.
func (o Options) setOf(train, test, shrink int) (*shapes.Set, error) {
	return shapes.New(shapes.Options{
		Figures: o.Figures, TrainVideos: train, TestVideos: test, Frames: videoFrames, Width: o.Width / shrink, Height: o.Height / shrink,
	})
}

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

// put stores the i-th frame and its truth. scale brings its places to pixels of the
// pictures that are looked at.
func (b *batch) put(i int, pix []float32, t *shapes.Truth, scale float64) {
	copy(b.image[i*len(pix):], pix)
	for j, joint := range t.Joints {
		at := i*numJoints + j
		b.value[2*at], b.value[2*at+1] = float32(scale*joint.X), float32(scale*joint.Y)
		if joint.Visible {
			b.visible[at] = 1
		}
	}
}

// drawer draws batches to learn from; batch i is a pure function of the options
// and i. Where the network shrinks pictures, those that it learns from are drawn
// at the size that it sees, in a fraction of the time: pixel i of them stands for
// pixel shrink*i, as behind AntiAlias, which leaves edges about as sharp.
type drawer struct {
	o   Options
	set *shapes.Set
	// shrink is how much smaller than the pictures frames are drawn.
	shrink int
}

func newDrawer(o Options) (*drawer, error) {
	d := &drawer{o: o, shrink: zoomOf(o.Width, o.Height).shrink}
	var err error
	d.set, err = o.setOf(trainVideos, 0, d.shrink)
	return d, err
}

// cleanDrawer draws frames as they are, at full size.
func newCleanDrawer(o Options) (*drawer, error) {
	set, err := o.set(trainVideos, 0)
	return &drawer{o: o, set: set, shrink: 1}, err
}

// batch draws the frames of a step.
func (d *drawer) batch(step int) (*batch, error) {
	return d.draw(d.o.Batch, func(i int) (*random.Rand, bool) {
		return random.New(d.o.Seed, random.Label("joints"), uint64(step), uint64(i)), true
	})
}

// draw draws n frames, side by side on all cores. by gives the i-th one's random
// numbers, and says whether it is degraded.
func (d *drawer) draw(n int, by func(i int) (*random.Rand, bool)) (*batch, error) {
	w, h := d.o.Width/d.shrink, d.o.Height/d.shrink
	b := newBatch(n, w, h)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := 0; i < n; i++ {
		group.Go(func() error {
			r, degraded := by(i)
			pix, truth, err := d.frame(r)
			if err != nil {
				return err
			}
			if degraded {
				degrade(r, pix, w, h)
			}
			b.put(i, pix, truth, float64(d.shrink))
			return nil
		})
	}
	return b, group.Wait()
}

// frame draws any frame of any training video.
func (d *drawer) frame(r *random.Rand) ([]float32, *shapes.Truth, error) {
	v, err := d.set.Video(shapes.Train, r.IntN(trainVideos))
	if err != nil {
		return nil, nil, err
	}
	frame, truth, err := v.Draw(r.IntN(videoFrames))
	if err != nil {
		return nil, nil, err
	}
	return unit(frame.Pix), truth, nil
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
func degrade(r *random.Rand, pix []float32, w, h int) {
	if r.Bool() {
		blur(pix, w, h, r.Uniform(0.3, 1.2))
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
