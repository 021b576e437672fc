package evaluate

import (
	"context"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/video"
)

// subject is what is evaluated: it predicts the frames of test videos, one
// video after the other.
type subject interface {
	// describe fills in what the subject is, and the protocol as far as the
	// subject decides it: sizes, fit, align_corners.
	describe(*result.Run)
	// params are those of the data set that it is evaluated on.
	params() dataset.Params
	// expect is told the test videos, of which the first n will begin, and
	// identifies what it reads from files while it predicts: another word,
	// another evaluation.
	expect(all []dataset.TestVideo, n int) (inputs string, err error)
	// begin starts a video by its first frame.
	begin(ctx context.Context, v dataset.TestVideo, source *video.Frame) error
	// predict predicts the frames from index first on.
	predict(ctx context.Context, first int, driving []*video.Frame) ([]guess, error)
	// end finishes a video after its last frame.
	end() error
	// batch is how many frames predict takes at most.
	batch() int
	close() error
}

// guess is a predicted frame.
type guess struct {
	// pix [H, W, 3] in [0, 1]; nil where there is no prediction.
	pix []float32
	// frame is the same in 8 bits, as it is written.
	frame *video.Frame
	// background [H, W] is the model's alpha; nil where it is not known.
	background []float32
}

// truncated is a prediction in 8 bits as the reference writes it: 255*x in
// float32, the fraction cut off.
func truncated(pix []float32, h, w int) *video.Frame {
	f := video.NewFrame(w, h)
	for i, v := range pix {
		f.Pix[i] = byte(min(max(255*v, 0), 255))
	}
	return f
}
