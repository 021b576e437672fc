// Package shapes draws the built-in data set: short videos of textured puppets
// that dance, walk and wave in front of a textured background which trembles
// by at most a pixel. Arms and legs pass in front of and behind the body, so
// the videos are full of real occlusion.
//
// A video is a pure function of (seed, split, index): nothing is stored, any
// frame can be drawn at any time, and every pixel's truth is known (joints and
// whether they are seen, foreground, label of each part, motion from one frame
// to another). All draws come from internal/random, all pixels from plain
// float64 arithmetic; where the processor fuses multiplications and additions
// a pixel may differ by one level of 255, nothing more.
//
// The properties that let a model learn from it within minutes are deliberate:
// the same part has about the same colour in all videos, the figure covers
// about a quarter of the picture and moves strongly and smoothly, and the
// background is duller and keeps still but for that pixel.
package shapes

import (
	"fmt"

	"github.com/prioritycut/prioritycut/internal/random"
)

// Limits of a set. They bound memory before it is allocated.
const (
	// MinSide is the least width and height at which a figure can be told.
	MinSide = 16
	// MaxSide is the greatest width and height.
	MaxSide = 4096
	// MaxFrames is the greatest length of a video.
	MaxFrames = 1 << 16
	// MaxVideos is the greatest number of videos in a split.
	MaxVideos = 1 << 24
)

// Split tells the training videos from those held back for tests. The values
// are labels of random streams and never change.
type Split int

const (
	// Train is the split that a model learns from.
	Train Split = 0
	// Test is the split of figures that no training video shows.
	Test Split = 1
)

// String gives the name of the split: "train" or "test".
func (s Split) String() string {
	switch s {
	case Train:
		return "train"
	case Test:
		return "test"
	}
	return fmt.Sprintf("Split(%d)", int(s))
}

// Figures says who is drawn. The words are part of data sets' names.
type Figures string

// The figures that there are.
const (
	// Puppets look alike but for shades and patterns; the zero value.
	Puppets Figures = ""
	// People differ in face, hair, skin, clothes and proportions.
	People Figures = "people"
)

// Options describe a set of videos.
type Options struct {
	// Figures says who dances in them.
	Figures Figures
	// TrainVideos is the number of videos to learn from.
	TrainVideos int
	// TestVideos is the number of unseen videos.
	TestVideos int
	// Frames is the length of each video. The motion is periodic in time and
	// does not depend on it.
	Frames int
	// Width and Height are in pixels; the figure fits the smaller of the two.
	Width, Height int
	// Seed chooses the figures, their motion and the backgrounds.
	Seed int64
}

// DefaultOptions is the set of the preset shapes-64: 200 videos to learn from
// and 16 unseen ones, of 24 frames at 64x64.
func DefaultOptions() Options {
	return Options{TrainVideos: 200, TestVideos: 16, Frames: 24, Width: 64, Height: 64}
}

// Validate reports the first option that is out of range.
func (o Options) Validate() error {
	if o.Figures != Puppets && o.Figures != People {
		return fmt.Errorf("shapes: there are no figures %q: only %q, or shapes alone, which are puppets", o.Figures, People)
	}
	for _, c := range []struct {
		name         string
		v, low, high int
	}{
		{"number of training videos", o.TrainVideos, 0, MaxVideos},
		{"number of test videos", o.TestVideos, 0, MaxVideos},
		{"number of frames", o.Frames, 1, MaxFrames},
		{"width", o.Width, MinSide, MaxSide},
		{"height", o.Height, MinSide, MaxSide},
	} {
		if c.v < c.low || c.v > c.high {
			return fmt.Errorf("shapes: %s is %d: it must lie in [%d, %d]", c.name, c.v, c.low, c.high)
		}
	}
	return nil
}

// Set is a drawn data set. It holds nothing but its options and is safe for
// concurrent use.
type Set struct {
	options Options
}

// New returns the set that the options describe, or says which one is wrong.
func New(o Options) (*Set, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return &Set{options: o}, nil
}

// Options returns what the set was made of.
func (s *Set) Options() Options { return s.options }

// Len returns the number of videos in a split; 0 for an unknown one.
func (s *Set) Len(split Split) int {
	switch split {
	case Train:
		return s.options.TrainVideos
	case Test:
		return s.options.TestVideos
	}
	return 0
}

// Video returns one video of a split. It depends on the seed, the split and
// the index alone: the size only says how finely it is drawn, and the number
// of videos does not change those that exist.
func (s *Set) Video(split Split, index int) (*Video, error) {
	if index < 0 || index >= s.Len(split) {
		return nil, fmt.Errorf("shapes: no video %d in split %v, which has %d", index, split, s.Len(split))
	}
	return s.video(split, index), nil
}

// video makes a video of an index that is in range.
func (s *Set) video(split Split, index int) *Video {
	o := s.options
	stream := func(what string) *random.Rand {
		return random.New(o.Seed, random.Label("shapes"), uint64(split), uint64(index), random.Label(what))
	}
	f := newPuppet(stream)
	if o.Figures == People {
		f = newPerson(stream)
	}
	return &Video{
		name:       fmt.Sprintf("%v-%04d", split, index),
		frames:     o.Frames,
		view:       newView(o.Width, o.Height),
		figure:     f,
		dance:      newDance(stream("dance")),
		background: newBackground(stream("background")),
	}
}

// figure is what one of them looks like, whatever it does.
type figure struct {
	body   body
	shapes [NumParts]outline
	outfit outfit
}

func newPuppet(stream func(what string) *random.Rand) figure {
	b := newBody(stream("body"))
	return figure{body: b, shapes: outlines(&b), outfit: newOutfit(stream("outfit"), b)}
}
