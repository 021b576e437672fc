package evaluate

import (
	"context"
	"errors"
	"fmt"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/graph"
)

// ErrNoVideo says that there was nothing to validate on.
var ErrNoVideo = errors.New("there is no test video to validate on")

// truthful is a drawn video, which knows its foreground.
type truthful interface {
	Truth(frame int) (*shapes.Truth, error)
}

// Errors are mean absolute differences of pictures in [0, 1]: of predictions,
// and of what needs no model, all over the same pixels of the same frames.
type Errors struct {
	// L1 of the model's predictions.
	L1 float64
	// CopySource is the L1 of the source frame in place of a prediction.
	CopySource float64
	// MeanFrame is the L1 of the mean of the video's frames, which knows every
	// frame but no motion.
	MeanFrame float64
	// Frozen is the L1 of the model's predictions when the driving keypoints
	// are replaced by the source's: what is left without motion.
	Frozen float64
}

// Result is what a validation found.
type Result struct {
	// Videos and Frames that were compared.
	Videos, Frames int
	// Skipped names the videos that could not be read.
	Skipped []string
	// Whole is over whole pictures.
	Whole Errors
	// Foreground is over the pixels of the drawn figures; nil where the truth
	// is not known.
	Foreground *Errors
	// BackgroundIoU compares the model's background mask with the drawn
	// background: pixels in both over pixels in either, counted over all
	// frames. 0 where the truth is not known, or the model has no such mask.
	BackgroundIoU float64
	// HasBackground says that the model has a background mask to compare.
	HasBackground bool
}

// Options say how much is validated.
type Options struct {
	// Videos is the largest number of videos, taken from the first on; 0 takes
	// all.
	Videos int
	// Frames is the largest number of frames of each, evenly spread; 0 takes
	// all.
	Frames int
	// BGThreshold is tau of Eq. 1: a pixel is background when its alpha exceeds
	// it.
	BGThreshold float64
}

// Validate reconstructs test videos and compares them with what they should be.
// Videos that cannot be read are skipped, unless none can.
func Validate(ctx context.Context, run graph.Runner, r *Reconstructor, videos []dataset.TestVideo, o Options) (*Result, error) {
	if o.Videos > 0 && o.Videos < len(videos) {
		videos = videos[:o.Videos]
	}
	if len(videos) == 0 {
		return nil, ErrNoVideo
	}
	total := &tally{drawn: true}
	var skipped []string
	var unread *readError
	for _, v := range videos {
		one := &tally{o: o}
		err := one.video(ctx, run, r, v)
		switch {
		case err == nil:
			total.merge(one)
		case ctx.Err() == nil && errors.As(err, &unread):
			skipped = append(skipped, v.Name())
		default:
			return nil, fmt.Errorf("validation: %w", err)
		}
	}
	if total.videos == 0 {
		return nil, fmt.Errorf("validation: no test video can be read: %w", unread)
	}
	result := total.result()
	result.Skipped = skipped
	return result, nil
}

// spread picks at most n of the indices 0 ... length-1, evenly, the first
// always among them; 0 picks all.
func spread(length, n int) []int {
	if n <= 0 || n > length {
		n = length
	}
	picked := make([]int, n)
	for i := range picked {
		picked[i] = i * length / n
	}
	return picked
}

// tally sums over frames and videos.
type tally struct {
	o      Options
	videos int
	frames int
	whole  Errors
	drawn  bool // every video knows its foreground
	inside Errors
	figure int // frames that show a figure
	both   int
	either int
}

// video adds the errors of one video.
func (t *tally) video(ctx context.Context, run graph.Runner, r *Reconstructor, v dataset.TestVideo) error {
	length, err := v.Len(ctx)
	if err != nil {
		return &readError{err}
	}
	frames := spread(length, t.o.Frames)
	mean, err := meanFrame(ctx, v, frames)
	if err != nil {
		return err
	}
	source, err := readFrames(ctx, v, 0)
	if err != nil {
		return err
	}
	copied := unit(source[0].Pix)
	truth, drawn := v.Drawn().(truthful)
	t.videos, t.drawn = 1, drawn
	// The first frame is the source, so its prediction is the one with the
	// driving keypoints replaced by the source's.
	var frozen []float32
	return r.Video(ctx, run, v, frames, func(f Reconstruction) error {
		if frozen == nil {
			frozen = append(frozen, f.Prediction...)
		}
		guesses := [4][]float32{f.Prediction, copied, mean, frozen}
		target := unit(f.Driving.Pix)
		t.frames++
		t.whole.add(guesses, target, nil)
		if !drawn {
			return nil
		}
		known, err := truth.Truth(f.Index)
		if err != nil {
			return &readError{err}
		}
		figure := known.Foreground()
		if len(figure)*3 != len(target) {
			return fmt.Errorf("video %s, frame %d: its foreground has %d pixels, the picture %d", v.Name(), f.Index, len(figure), len(target)/3)
		}
		if t.inside.add(guesses, target, figure) {
			t.figure++
		}
		if f.Background != nil {
			t.background(f.Background, figure)
		}
		return nil
	})
}

// merge adds what was summed over other videos.
func (t *tally) merge(u *tally) {
	t.videos += u.videos
	t.frames += u.frames
	t.figure += u.figure
	t.both += u.both
	t.either += u.either
	t.drawn = t.drawn && u.drawn
	t.whole.merge(u.whole)
	t.inside.merge(u.inside)
}

// background compares the background mask of a frame with the truth.
func (t *tally) background(alpha []float32, figure []byte) {
	for i, a := range alpha {
		said, is := float64(a) > t.o.BGThreshold, figure[i] == 0
		if said && is {
			t.both++
		}
		if said || is {
			t.either++
		}
	}
}

func (t *tally) result() *Result {
	r := &Result{Videos: t.videos, Frames: t.frames, Whole: t.whole.over(t.frames)}
	if t.drawn && t.figure > 0 {
		inside := t.inside.over(t.figure)
		r.Foreground = &inside
		r.BackgroundIoU, r.HasBackground = float64(t.both)/float64(max(t.either, 1)), t.either > 0
	}
	return r
}

// add adds the L1 of each guess (prediction, copy, mean, frozen) to e, over the
// pixels where figure is not 0, or all where it is nil. It reports whether
// there was any.
func (e *Errors) add(guesses [4][]float32, target []float32, figure []byte) bool {
	sums := [4]*float64{&e.L1, &e.CopySource, &e.MeanFrame, &e.Frozen}
	for i, guess := range guesses {
		sum, n := l1(guess, target, figure)
		if n == 0 {
			return false
		}
		*sums[i] += sum / float64(n)
	}
	return true
}

func (e *Errors) merge(f Errors) {
	e.L1 += f.L1
	e.CopySource += f.CopySource
	e.MeanFrame += f.MeanFrame
	e.Frozen += f.Frozen
}

func (e Errors) over(n int) Errors {
	d := float64(max(n, 1))
	return Errors{L1: e.L1 / d, CopySource: e.CopySource / d, MeanFrame: e.MeanFrame / d, Frozen: e.Frozen / d}
}

// meanFrame is the mean of frames [H, W, 3] in [0, 1].
func meanFrame(ctx context.Context, v dataset.TestVideo, frames []int) ([]float32, error) {
	var sum []int64
	for _, i := range frames {
		one, err := readFrames(ctx, v, i)
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = make([]int64, len(one[0].Pix))
		}
		for j, p := range one[0].Pix {
			sum[j] += int64(p)
		}
	}
	mean := make([]float32, len(sum))
	for j, s := range sum {
		mean[j] = float32(float64(s) / float64(255*len(frames)))
	}
	return mean, nil
}
