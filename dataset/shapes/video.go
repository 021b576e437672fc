package shapes

import (
	"fmt"

	"github.com/prioritycut/prioritycut/video"
)

// Video is one drawn video. It holds a few numbers, not pixels: frames are
// drawn when they are asked for, any of them at any time. It does not change
// and is safe for concurrent use.
type Video struct {
	name       string
	frames     int
	view       view
	figure     figure
	dance      dance
	background background
}

// Name is unique in the set, such as "test-0003".
func (v *Video) Name() string { return v.name }

// Len returns the number of frames.
func (v *Video) Len() int { return v.frames }

// Size returns width and height in pixels.
func (v *Video) Size() (w, h int) { return v.view.w, v.view.h }

// Frame draws frame t. It fails only if t is out of range.
func (v *Video) Frame(t int) (*video.Frame, error) {
	f, _, err := v.Draw(t)
	return f, err
}

// Draw draws frame t and tells the truth about it. It fails only if t is out
// of range.
func (v *Video) Draw(t int) (*video.Frame, *Truth, error) {
	if err := v.check(t); err != nil {
		return nil, nil, err
	}
	c, p := v.drawn(t)
	back := make([]float32, len(c.ink))
	v.background.draw(back, v.view, t)
	return c.flatten(back), newTruth(c, p), nil
}

// Truth tells the truth about frame t without drawing its background. It fails
// only if t is out of range.
func (v *Video) Truth(t int) (*Truth, error) {
	if err := v.check(t); err != nil {
		return nil, err
	}
	return newTruth(v.drawn(t)), nil
}

func (v *Video) check(t int) error {
	if t < 0 || t >= v.frames {
		return fmt.Errorf("shapes: video %s has no frame %d, only [0, %d)", v.name, t, v.frames)
	}
	return nil
}

// drawn draws the figure of frame t alone.
func (v *Video) drawn(t int) (*canvas, *pose) {
	p := v.dance.pose(&v.figure.body, t)
	c := newCanvas(v.view)
	for _, id := range drawOrder {
		c.part(id, p.parts[id], v.figure.shapes[id], &v.figure.outfit)
	}
	return c, p
}
