package prepare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"time"

	"github.com/prioritycut/prioritycut/video"
)

// probe finds out what a film says of itself and which of its frames --fps
// takes. Frames are counted among those that are taken from here on.
func (in *input) probe(ctx context.Context, o *Options) error {
	if in.kind == pictures {
		names, err := video.ListFrames(in.path, o.Limits)
		if err != nil {
			return err
		}
		in.info = video.Info{Frames: len(names)}
		return nil
	}
	info, err := video.Probe(ctx, in.path, o.Limits)
	if err != nil {
		return err
	}
	in.info = info
	if o.FPS > 0 {
		times, err := video.Timestamps(ctx, in.path, o.Limits)
		if err != nil {
			return err
		}
		in.taken = thinned(times, o.FPS)
	}
	return nil
}

// thinned returns the numbers of the frames to take for at most fps frames a
// second: for each tick the frame that is shown then, none twice.
func thinned(times []time.Duration, fps float64) []int {
	taken := []int{}
	// A film of the wanted rate keeps all its frames although its times are
	// rounded.
	const slack = 0.1
	next := 0.0
	for i, at := range times {
		end := at.Seconds()
		if i+1 < len(times) {
			end = times[i+1].Seconds()
		} else if i > 0 { // shown as long as the one before
			end += (at - times[i-1]).Seconds()
		} else {
			end += 1 / fps
		}
		if ticks := end*fps - slack; next <= ticks {
			taken = append(taken, i)
			for next <= ticks {
				next++
			}
		}
	}
	return taken
}

// stored is the number of the stored frame behind a taken one.
func (in *input) stored(i int) int {
	switch {
	case in.taken == nil:
		return i
	case i < len(in.taken):
		return in.taken[i]
	case len(in.taken) > 0:
		return in.taken[len(in.taken)-1] + i - len(in.taken) + 1
	}
	return i
}

// takenBefore counts the taken frames among the first n stored ones.
func (in *input) takenBefore(n int) int {
	if in.taken == nil {
		return n
	}
	return sort.SearchInts(in.taken, n)
}

// place is the number of a stored frame among the taken ones, if it is one.
func (in *input) place(stored int) (at int, taken bool) {
	at = in.takenBefore(stored)
	return at, in.taken == nil || at < len(in.taken) && in.taken[at] == stored
}

// length is how many frames will be taken, 0 if nothing tells.
func (in *input) length() int {
	switch {
	case in.taken != nil:
		return len(in.taken)
	case in.info.Frames > 0:
		return in.info.Frames
	}
	return int(in.info.Rate*in.info.Duration.Seconds() + 0.5)
}

// footage reads the taken frames of a video, all of one size.
type footage struct {
	in     *input
	reader video.Reader
	stored int // frames read
	given  int // frames given
	w, h   int
}

func (in *input) open(ctx context.Context, o *Options) (*footage, error) {
	reader, err := video.Open(ctx, in.path, 0, 0, o.Limits)
	if err != nil {
		return nil, err
	}
	return &footage{in: in, reader: reader}, nil
}

// next returns the next taken frame; io.EOF after the last.
func (f *footage) next() (*video.Frame, error) {
	for {
		if f.in.taken != nil && f.given == len(f.in.taken) {
			return nil, io.EOF
		}
		frame, err := f.reader.Next()
		if err != nil {
			return nil, err
		}
		f.stored++
		if f.in.taken != nil && f.in.taken[f.given] != f.stored-1 {
			continue
		}
		if f.given == 0 {
			f.w, f.h = frame.W, frame.H
		} else if frame.W != f.w || frame.H != f.h {
			return nil, fmt.Errorf("changes size from %dx%d to %dx%d pixels at frame %d", f.w, f.h, frame.W, frame.H, f.stored-1)
		}
		f.given++
		return frame, nil
	}
}

// remarks are what was learned of the video so far.
func (f *footage) remarks() []string {
	if told, ok := f.reader.(video.Remarker); ok {
		return told.Remarks()
	}
	return nil
}

func (f *footage) close() { f.reader.Close() }

// damage turns the error that ended a video early into words: empty for its
// regular end, an error if the context ended.
func damage(ctx context.Context, err error) (string, error) {
	switch {
	case errors.Is(err, io.EOF):
		return "", nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	return err.Error(), nil
}
