package figure

import (
	"fmt"
	"image"
	"math"
)

// Options say which figure is drawn of what.
type Options struct {
	// Number of the figure, 1 to 5.
	Number int
	// Checkpoints are runs or checkpoints: one for figures 1 and 2, one or more
	// for the others. Figures 4 and 5 show frames that other programs predicted
	// too, of folders as evaluate.Request.Predictions names them, beside a model.
	Checkpoints []string
	// Labels name the models in the figure; empty: their variants.
	Labels []string
	// Data names other test videos than those of the models' own data set:
	// shapes, sample:NAME or a path.
	Data string
	// Videos are names of test videos; empty: NumVideos of them, evenly spread.
	Videos []string
	// NumVideos is used where Videos is empty; 0 takes what suits the figure.
	NumVideos int
	// Frames are the driving frames of each video, counted from 0; empty: one
	// of each, evenly spread over their length.
	Frames []int
	// Percent of the foreground that the masks of figures 1 (one number) and 2
	// (a row each) cut. Empty: 30, and 10, 30, 50.
	Percent []float64
	// Box is the part that figure 4 enlarges, in pixels; empty: none.
	Box image.Rectangle
	// Device that computes, as in tf.SessionConfig.
	Device string
}

// plan is what the kinds of figures differ in.
type plan struct {
	oneModel bool
	videos   int       // by default
	percent  []float64 // by default; nil: takes none
	network  parts     // needed
	frames   bool      // predicted frames alone can be shown
}

var plans = map[int]plan{
	1: {oneModel: true, videos: 4, percent: []float64{30}, network: parts{mask: true}},
	2: {oneModel: true, videos: 1, percent: []float64{10, 30, 50}, network: parts{mask: true}},
	3: {videos: 4, network: parts{pixels: true}},
	4: {videos: 4, frames: true},
	5: {videos: 4, frames: true},
}

// maxRows bounds the pairs of a figure, each counted for every share cut.
const maxRows = 64

// Validate reports the first option that cannot be used, as far as no model is
// needed to know.
func (o Options) Validate() error {
	_, _, err := o.resolve()
	return err
}

// resolve checks the options and fills in what was left open.
func (o Options) resolve() (Options, plan, error) {
	p, known := plans[o.Number]
	if !known {
		return o, p, fmt.Errorf("there is no figure %d: there are 1 to %d", o.Number, len(plans))
	}
	refuse := func(format string, args ...any) (Options, plan, error) {
		return o, p, fmt.Errorf("figure %d: %w", o.Number, fmt.Errorf(format, args...))
	}
	switch {
	case len(o.Checkpoints) == 0:
		return refuse("no checkpoint is named")
	case p.oneModel && len(o.Checkpoints) > 1:
		return refuse("it shows one model, %d checkpoints are named", len(o.Checkpoints))
	case len(o.Labels) > 0 && len(o.Labels) != len(o.Checkpoints):
		return refuse("%d labels for %d checkpoints", len(o.Labels), len(o.Checkpoints))
	case len(o.Videos) > 0 && o.NumVideos > 0:
		return refuse("name videos or say how many, not both")
	case o.NumVideos < 0:
		return refuse("%d videos", o.NumVideos)
	case len(o.Percent) > 0 && p.percent == nil:
		return refuse("it shows no mask that a percentage could size; figures 1 and 2 do")
	case o.Number == 1 && len(o.Percent) > 1:
		return refuse("it shows one mask, %d percentages are given; figure 2 compares several", len(o.Percent))
	case o.Box != image.Rectangle{} && o.Number != 4:
		return refuse("only figure 4 enlarges a box")
	}
	for _, share := range o.Percent {
		if !(share >= 0 && share <= 100) {
			return refuse("%v percent: it must lie in [0, 100]", share)
		}
	}
	if len(o.Percent) == 0 {
		o.Percent = p.percent
	}
	if o.NumVideos == 0 {
		o.NumVideos = p.videos
	}
	return o, p, nil
}

// fraction is the k that cuts floor(percent/100 * n) of n pixels: the float32
// next to it may lie below and lose one.
func fraction(percent float64) float32 {
	share := percent / 100
	k := float32(share)
	if float64(k) < share {
		k = math.Nextafter32(k, 1)
	}
	return min(k, 1)
}
