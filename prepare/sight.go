package prepare

import (
	"context"
	"image"

	"github.com/prioritycut/prioritycut/prepare/look"
	"github.com/prioritycut/prioritycut/video"
)

// sight is what was seen of a video that was read.
type sight struct {
	look.Video
	parts  []look.Span // the scenes
	damage string      // why it ended early
	// remarks are what was learned of the video while it was read.
	remarks []string
}

// detector finds keypoints.
type detector interface {
	// points returns the keypoints of pictures, in pixels.
	points(frames []*video.Frame) ([][]look.Point, error)
}

// lookAt reads a whole video, or as much of a long one as there is memory for.
func lookAt(ctx context.Context, in *input, o *Options, d detector) (*sight, error) {
	whole := *in
	whole.taken = nil
	f, err := whole.open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer f.close()
	l := &sight{}
	var waiting []*video.Frame
	ask := func() error {
		if len(waiting) == 0 {
			return nil
		}
		found, err := d.points(waiting)
		l.Points = append(l.Points, found...)
		waiting = waiting[:0]
		if err != nil {
			return &modelError{err}
		}
		return nil
	}
	for {
		frame, err := f.next()
		if err != nil {
			if l.damage, err = damage(ctx, err); err != nil {
				return nil, err
			}
			break
		}
		if len(l.Frames) == o.looked {
			l.damage = "no more are looked at; divide the film"
			break
		}
		if at, taken := in.place(len(l.Frames)); d != nil && taken && at%look.PointStride == 0 {
			const batch = 8
			if waiting = append(waiting, frame); len(waiting) == batch {
				if err := ask(); err != nil {
					return nil, err
				}
			}
		}
		l.Add(frame)
		o.Progress.Frames(1)
	}
	l.W, l.H, l.remarks = f.w, f.h, f.remarks()
	l.parts = l.Scenes()
	l.thin(in)
	return l, ask()
}

// thin leaves the frames that are taken. Scenes are those of all frames: of few
// a second, each would differ from the next as if the scene had changed.
func (l *sight) thin(in *input) {
	if in.taken == nil {
		return
	}
	n := in.takenBefore(len(l.Frames))
	for i, stored := range in.taken[:n] { // stored >= i
		l.Frames[i] = l.Frames[stored]
	}
	l.Frames = l.Frames[:n]
	parts := l.parts[:0]
	for _, p := range l.parts {
		if p = (look.Span{First: in.takenBefore(p.First), End: in.takenBefore(p.End)}); p.Len() > 0 {
			parts = append(parts, p)
		}
	}
	l.parts = parts
}

// rect is a box in pixels that goes through JSON in short.
type rect [4]int // left, top, width, height

func newRect(r image.Rectangle) rect { return rect{r.Min.X, r.Min.Y, r.Dx(), r.Dy()} }

func (r rect) rectangle() image.Rectangle { return image.Rect(r[0], r[1], r[0]+r[2], r[1]+r[3]) }

// whole means that no box is cut out.
func (r rect) whole() bool { return r == rect{} }
