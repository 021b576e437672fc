package evaluate

import (
	"context"
	"errors"
	"fmt"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/video"
)

// HoldsPredictions reports whether a folder holds frames that some program
// predicted, as Request.Predictions takes them.
func HoldsPredictions(ctx context.Context, root string) bool {
	_, _, err := firstSize(ctx, root)
	return err == nil
}

// PredictedFrame reads what a folder of predictions has for one frame of a test
// video, of w by h pixels. It is an error when there is none.
func PredictedFrame(ctx context.Context, root string, v dataset.TestVideo, index, w, h int) (f *video.Frame, err error) {
	path, err := findStored(root, v.Name())
	if err != nil {
		return nil, err
	}
	length, err := v.Len(ctx)
	if err != nil {
		return nil, err
	}
	if path != "" {
		stored, err := openStored(ctx, path, w, h, length, video.DefaultLimits)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, stored.close()) }()
		if f, err = stored.frame(index); err != nil {
			return nil, err
		}
	}
	if f == nil {
		return nil, usage.Wrap(fmt.Errorf("it holds no prediction of frame %d of video %s", index, v.Name()))
	}
	return f, nil
}
