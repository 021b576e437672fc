package prepare

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"sort"
	"time"

	"github.com/prioritycut/prioritycut/prepare/cutlist"
	"github.com/prioritycut/prioritycut/video"
)

// clock turns the times of a file of cuts into frames of one video.
type clock struct {
	in *input
	// rate of the film, 0 if unknown; times of all its stored frames where the
	// rate is variable.
	rate  float64
	times []time.Duration
}

func newClock(ctx context.Context, in *input, lines []cutlist.Cut, o *Options) (*clock, error) {
	k := &clock{in: in, rate: in.info.Rate}
	seconds := false
	for _, c := range lines {
		seconds = seconds || c.Ref.FPS > 0 || !c.Start.Open && c.Start.Unit == InSeconds || !c.End.Open && c.End.Unit == InSeconds
	}
	if seconds && in.kind == film && in.info.Variable {
		var err error
		if k.times, err = video.Timestamps(ctx, in.path, o.Limits); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// frame is the first frame at or after a moment, among those that are taken.
// Numbers of frames count at a reference rate; 0: they are the film's own.
func (k *clock) frame(m cutlist.Moment, ref float64) (int, error) {
	stored, err := k.storedFrame(m, ref)
	return k.in.takenBefore(stored), err
}

func (k *clock) storedFrame(m cutlist.Moment, ref float64) (int, error) {
	at := m.Value
	if m.Unit == InFrames {
		if ref == 0 || k.rate == 0 || k.times == nil && sameRate(ref, k.rate) {
			return int(m.Value), nil
		}
		at = m.Value / ref
	}
	// Times in files are rounded.
	const slack = 0.01 // of a frame
	switch {
	case k.times != nil:
		wanted := time.Duration((at - slack/max(k.rate, 1)) * float64(time.Second))
		return sort.Search(len(k.times), func(i int) bool { return k.times[i] >= wanted }), nil
	case k.rate > 0:
		return int(math.Ceil(at*k.rate - slack)), nil
	}
	return 0, errors.New("the video tells no rate: give frames, as in 120f")
}

// sameRate tells whether a rate of a published list is the film's: 29.97 stands
// for 30000/1001 there, which would shift frames far into a film by one.
func sameRate(listed, rate float64) bool { return math.Abs(listed-rate) <= 0.01 }

// measurePictures reads the size of a folder's first picture.
func (in *input) measurePictures(o *Options) error {
	names, err := video.ListFrames(in.path, o.Limits)
	if err != nil {
		return err
	}
	in.info.W, in.info.H, err = video.PictureSize(filepath.Join(in.path, names[0]), o.Limits)
	return err
}
