package dataset

import (
	"context"

	"github.com/prioritycut/prioritycut/video"
)

// TestVideo is a video of the test set: its frames in order, fitted, never
// augmented.
type TestVideo struct{ c *clip }

// Test returns the test videos in the order of their names.
func (d *Dataset) Test() []TestVideo {
	videos := make([]TestVideo, len(d.test))
	for i, c := range d.test {
		videos[i] = TestVideo{c}
	}
	return videos
}

// Name tells the video from the others of the test set.
func (t TestVideo) Name() string { return t.c.name }

// Drawn is the video of the Source the set was made from, which may know more
// than its pictures (joints, foreground); nil for files.
func (t TestVideo) Drawn() Video { return t.c.drawn }

// Len is the number of frames, at least 1. A film is decoded to count them, at
// the first call.
func (t TestVideo) Len(ctx context.Context) (int, error) {
	all, err := t.c.open(ctx)
	if err != nil {
		return 0, err
	}
	return all.length(), nil
}

// Frames returns the frames of the given indices (0..Len-1).
func (t TestVideo) Frames(ctx context.Context, indices ...int) ([]*video.Frame, error) {
	all, err := t.c.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := inRange(indices, all.length(), t.c.name); err != nil {
		return nil, err
	}
	return all.at(ctx, indices...)
}

// Open streams the frames from the first to the last; memory does not depend
// on their number. Close the reader in the end.
func (t TestVideo) Open(ctx context.Context) (video.Reader, error) {
	all, err := t.c.open(ctx)
	if err != nil {
		return nil, err
	}
	if s, ok := all.(streamer); ok {
		return s.stream(ctx)
	}
	return sequence(ctx, all), nil
}

// Paced is a test video as it is to be watched: at a constant rate.
type Paced struct {
	// Rate is the frames a second as a fraction; empty where nothing tells it, as
	// for folders of frames.
	Rate string
	// Frames is how many there are, or about so many.
	Frames int
	// Open streams them, fitted.
	Open func(ctx context.Context) (video.Reader, error)
}

// Paced returns the video at its own rate. Of a film whose pictures follow each
// other unevenly each frame is the picture that is shown at its time; of a part
// of such a film the frames are those of Open, at its mean rate.
func (t TestVideo) Paced(ctx context.Context) (Paced, error) {
	n, err := t.Len(ctx)
	if err != nil {
		return Paced{}, err
	}
	p := Paced{Frames: n, Open: t.Open}
	if t.c.film == nil {
		return p, nil
	}
	f := t.c.film
	info, err := video.Probe(ctx, f.path, f.limits)
	if err != nil {
		return Paced{}, err
	}
	if info.SteadyRate != "" {
		p.Rate = info.ExactRate
	}
	if _, part := t.c.loaded.(*cutFrames); part || p.Rate == "" {
		return p, nil
	}
	p.Rate, p.Frames = info.SteadyRate, info.SteadyFrames()
	p.Open = func(ctx context.Context) (video.Reader, error) { return f.openAt(ctx, info.SteadyRate) }
	return p, nil
}

// openAt reads the file itself, whatever of it is kept: its reader may learn
// what viewers should know (video.Remarker).
func (f *filmFile) openAt(ctx context.Context, rate string) (video.Reader, error) {
	r, err := video.OpenFilmAt(ctx, f.path, rate, f.limits)
	if err != nil {
		return nil, err
	}
	return &fittedReader{r, f.fit, f.w, f.h}, nil
}
