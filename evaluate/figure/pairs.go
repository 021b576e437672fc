package figure

import (
	"context"
	"fmt"
	"strings"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/video"
)

// pair is a source picture and a driving frame of the same test video.
type pair struct {
	name            string
	index           int // of the driving frame
	source, driving *video.Frame
	video           dataset.TestVideo
}

// label names the pair where it stands beside a row.
func (p pair) label() string { return fmt.Sprintf("%s frame %d", shorten(p.name, 20), p.index) }

// shorten keeps the end of a name, which tells more than its beginning.
func shorten(name string, most int) string {
	r := []rune(name)
	if len(r) <= most {
		return name
	}
	return ".." + string(r[len(r)-most+2:])
}

// pairs reads the frames that the options name.
func (o Options) pairs(ctx context.Context, videos []dataset.TestVideo) ([]pair, error) {
	chosen, err := o.choose(videos)
	if err != nil {
		return nil, err
	}
	if n := len(chosen) * max(len(o.Frames), 1) * max(len(o.Percent), 1); n > maxRows {
		return nil, fmt.Errorf("%d pairs of frames and shares are more than a figure holds (%d): ask for fewer", n, maxRows)
	}
	var pairs []pair
	for i, v := range chosen {
		length, err := v.Len(ctx)
		if err != nil {
			return nil, fmt.Errorf("video %s: %w", v.Name(), err)
		}
		frames := o.Frames
		if len(frames) == 0 {
			frames = []int{(i + 1) * length / (len(chosen) + 1)}
		}
		for _, at := range frames {
			if at < 0 || at >= length {
				return nil, fmt.Errorf("video %s has no frame %d: it has frames 0 to %d", v.Name(), at, length-1)
			}
			read, err := v.Frames(ctx, 0, at)
			if err != nil {
				return nil, fmt.Errorf("video %s: %w", v.Name(), err)
			}
			pairs = append(pairs, pair{name: v.Name(), index: at, source: read[0], driving: read[1], video: v})
		}
	}
	return pairs, nil
}

// choose finds the videos that the options name, or spreads over all.
func (o Options) choose(videos []dataset.TestVideo) ([]dataset.TestVideo, error) {
	if len(videos) == 0 {
		return nil, fmt.Errorf("the data set has no test video")
	}
	if len(o.Videos) == 0 {
		n := min(o.NumVideos, len(videos))
		chosen := make([]dataset.TestVideo, n)
		for i := range chosen {
			chosen[i] = videos[i*len(videos)/n]
		}
		return chosen, nil
	}
	var chosen []dataset.TestVideo
	for _, name := range o.Videos {
		v, err := videoNamed(videos, name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, v)
	}
	return chosen, nil
}

func videoNamed(videos []dataset.TestVideo, name string) (dataset.TestVideo, error) {
	var some []string
	for _, v := range videos {
		if v.Name() == name {
			return v, nil
		}
		if len(some) < 8 {
			some = append(some, v.Name())
		}
	}
	return dataset.TestVideo{}, fmt.Errorf("there is no test video %q among the %d, which begin with %s", name, len(videos), strings.Join(some, ", "))
}
