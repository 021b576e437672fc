package joints

import (
	"errors"
	"fmt"

	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/tf"
)

// Options say what is trained, and for how long.
type Options struct {
	// Figures whose joints are learned: puppets, or people.
	Figures shapes.Figures
	// Width and Height of the pictures. See CheckSize.
	Width, Height int
	// Steps of training, each on Batch drawn frames.
	Steps, Batch int
	// Seed that first weights and the draws of frames follow from. The figures
	// themselves are those of every drawn data set.
	Seed int64
	// HeldOut is the number of frames of the test split that the finished
	// detector is measured on.
	HeldOut int
	// Session says where it computes.
	Session tf.SessionConfig
}

// DefaultOptions train in a minute on two cores, for pictures of 256x256 pixels in
// three; people, who look unlike each other, take half as long again.
func DefaultOptions(figures shapes.Figures) Options {
	o := Options{Figures: figures, Width: 64, Height: 64, Steps: 600, Batch: 16, HeldOut: 384}
	if figures == shapes.People {
		o.Steps = 900
	}
	return o
}

const (
	// Pictures of more than maxDoubled and at most maxWhole pixels a side are looked
	// at as they are, smaller ones doubled, so that a heatmap is as fine as they are.
	// Larger ones are shrunk, to maxShrunk pixels a side at most: a pixel of those is
	// worth several of the picture, so they may be a little larger.
	maxDoubled = 48
	maxWhole   = 96
	maxShrunk  = 128
	// cell is the least common size of the network's maps, in pixels: one
	// halving of the stem, three of the hourglass.
	cell = 2 << levels

	maxBatch   = 1024
	maxSteps   = 10_000_000
	maxHeldOut = 100_000
)

// Validate reports the first option that is out of range.
func (o Options) Validate() error {
	if err := CheckSize(o.Width, o.Height); err != nil {
		return err
	}
	if _, err := o.set(0, 1); err != nil {
		return err
	}
	for _, c := range []struct {
		name         string
		v, low, high int
	}{
		{"number of steps", o.Steps, 1, maxSteps},
		{"batch", o.Batch, 1, maxBatch},
		{"number of held-out frames", o.HeldOut, 1, maxHeldOut},
	} {
		if c.v < c.low || c.v > c.high {
			return fmt.Errorf("joints: %s is %d: it must lie in [%d, %d]", c.name, c.v, c.low, c.high)
		}
	}
	return o.Session.Validate()
}

// CheckSize reports whether the detector can be built for pictures of w by h
// pixels: both sides must be multiples of 16 as the network looks at them, which
// is doubled where the longer one has at most 48 pixels, as they are up to 96, and
// else shrunk by the power of two that brings it to at most 128.
func CheckSize(w, h int) error {
	if min(w, h) < shapes.MinSide || max(w, h) > 1024 {
		return fmt.Errorf("joints: pictures of %dx%d pixels: sides must lie in [%d, 1024]", w, h, shapes.MinSide)
	}
	z := zoomOf(w, h)
	if unit := cell * z.shrink / z.grow; w%unit != 0 || h%unit != 0 {
		return fmt.Errorf("joints: pictures of %dx%d pixels: at this size both sides must be multiples of %d", w, h, unit)
	}
	return nil
}

// zoom is how the network looks at pictures: shrink times smaller and grow times
// larger, powers of two of which one is 1.
type zoom struct{ shrink, grow int }

func zoomOf(w, h int) zoom {
	z, side := zoom{1, 1}, max(w, h)
	if side <= maxDoubled {
		z.grow = 2
	}
	if side > maxWhole {
		for z.shrink = 2; side > maxShrunk*z.shrink; z.shrink *= 2 {
		}
	}
	return z
}

// pixel is the length of a pixel that the network sees, in those of the picture.
func (z zoom) pixel() float64 { return float64(z.shrink) / float64(z.grow) }

// place is where coordinate i of what the network sees lies in the picture: pixel i
// of a shrunken picture is pixel shrink*i, those of a doubled one halve the
// picture's.
func (z zoom) place(i float64) float64 {
	if z.grow > 1 {
		return (i+0.5)/float64(z.grow) - 0.5
	}
	return i * float64(z.shrink)
}

// ErrDiverged says that training led to numbers that are none.
var ErrDiverged = errors.New("joints: the loss is not finite any more: try another seed")
