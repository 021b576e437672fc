package joints

import (
	"errors"
	"fmt"

	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/tf"
)

// Options say what is trained, and for how long.
type Options struct {
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

// DefaultOptions train in some two minutes on two cores.
func DefaultOptions() Options {
	return Options{Width: 64, Height: 64, Steps: 600, Batch: 16, HeldOut: 384}
}

const (
	// Pictures of up to maxWhole pixels a side are looked at as they are, larger
	// ones smaller, with maxShrunk pixels a side at most: a pixel of those is worth
	// several of the picture, so they may be a little larger.
	maxWhole  = 96
	maxShrunk = 128
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
// pixels: both sides must be multiples of 16 after shrinking by a power of two,
// which is 1 where the longer one has at most 96 pixels, and else brings it to at
// most 128.
func CheckSize(w, h int) error {
	if min(w, h) < shapes.MinSide || max(w, h) > 1024 {
		return fmt.Errorf("joints: pictures of %dx%d pixels: sides must lie in [%d, 1024]", w, h, shapes.MinSide)
	}
	if unit := cell * shrinking(w, h); w%unit != 0 || h%unit != 0 {
		return fmt.Errorf("joints: pictures of %dx%d pixels: at this size both sides must be multiples of %d", w, h, unit)
	}
	return nil
}

// shrinking is the factor by which pictures are made smaller before the network
// looks at them: a power of two.
func shrinking(w, h int) int {
	side := max(w, h)
	if side <= maxWhole {
		return 1
	}
	f := 2
	for side > maxShrunk*f {
		f *= 2
	}
	return f
}

// ErrDiverged says that training led to numbers that are none.
var ErrDiverged = errors.New("joints: the loss is not finite any more: try another seed")
