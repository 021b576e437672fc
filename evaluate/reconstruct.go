package evaluate

import (
	"context"
	"fmt"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/video"
)

// Reconstructor reconstructs videos from their first frames, by a network that
// may share its graph with others.
type Reconstructor struct{ *infer.Network }

// NewReconstructor adds the inference of an animator on pictures of h by w
// pixels to the graph of s.
func NewReconstructor(s *graph.Scope, a model.Animator, h, w int) (*Reconstructor, error) {
	n, err := infer.NewNetwork(s, a, h, w)
	if err != nil {
		return nil, err
	}
	return &Reconstructor{n}, nil
}

// Reconstruction is one frame.
type Reconstruction struct {
	// Index of the frame in its video, and the frame.
	Index   int
	Driving *video.Frame
	// Prediction [H, W, 3] in (0, 1) and Background [H, W], the alpha; nil where
	// the model has none.
	Prediction, Background []float32
}

// Video reconstructs the given frames of a video and hands each to visit, in
// order. Memory does not grow with the number of frames.
func (r *Reconstructor) Video(ctx context.Context, run graph.Runner, v dataset.TestVideo, frames []int, visit func(Reconstruction) error) error {
	first, err := readFrames(ctx, v, 0)
	if err != nil {
		return err
	}
	source, err := r.Encode(run, first[0])
	if err != nil {
		return fmt.Errorf("encoding the first frame of video %s: %w", v.Name(), err)
	}
	want := []string{infer.Prediction}
	if r.Background.Op != nil {
		want = append(want, infer.Background)
	}
	for len(frames) > 0 {
		n := min(infer.BatchOf(r.Height, r.Width), len(frames))
		batch, err := readFrames(ctx, v, frames[:n]...)
		if err != nil {
			return err
		}
		made, err := r.Reconstruct(run, source, batch, want...)
		if err != nil {
			return fmt.Errorf("reconstructing video %s: %w", v.Name(), err)
		}
		pixels := r.Height * r.Width
		for i := range batch {
			one := Reconstruction{Index: frames[i], Driving: batch[i], Prediction: made[infer.Prediction][i*3*pixels : (i+1)*3*pixels]}
			if all := made[infer.Background]; all != nil {
				one.Background = all[i*pixels : (i+1)*pixels]
			}
			if err := visit(one); err != nil {
				return err
			}
		}
		frames = frames[n:]
	}
	return nil
}

// readError says that a video could not be read: the model is not to blame.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// readFrames reads frames; they have the size of the data set's pictures.
func readFrames(ctx context.Context, v dataset.TestVideo, indices ...int) ([]*video.Frame, error) {
	frames, err := v.Frames(ctx, indices...)
	if err != nil {
		return nil, &readError{fmt.Errorf("video %s: %w", v.Name(), err)}
	}
	return frames, nil
}
