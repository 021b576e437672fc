package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/video"
)

// video evaluates one video; one that cannot be read is noted and left out.
func (e *evaluation) video(ctx context.Context, v dataset.TestVideo) (left bool, err error) {
	if !filepath.IsLocal(v.Name()) || strings.ContainsAny(v.Name(), `/\`) {
		return false, fmt.Errorf("test video %q has a name that is no file's", v.Name())
	}
	rows, frames, err := e.measure(ctx, v)
	var unread *readError
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.As(err, &unread):
		glog.Warningf("left out: %v", err)
		rows, frames = []result.VideoRow{{Error: err.Error()}}, nil
		e.joints.begin()
	case err != nil:
		return false, fmt.Errorf("video %s: %w", v.Name(), err)
	}
	if e.store.Done(v.Name()) {
		return unread != nil, nil // it was done again for its pictures alone
	}
	if err := e.joints.done(v.Name()); err != nil {
		return false, err
	}
	return unread != nil, e.store.Add(v.Name(), rows, frames)
}

// measure streams a video through the model and the metrics.
func (e *evaluation) measure(ctx context.Context, v dataset.TestVideo) (rows []result.VideoRow, frames []result.FrameRow, err error) {
	reader, err := v.Open(ctx)
	if err != nil {
		return nil, nil, &readError{fmt.Errorf("video %s: %w", v.Name(), err)}
	}
	defer reader.Close()
	out, err := e.frames.create(v)
	if err != nil {
		return nil, nil, err
	}
	defer out.abort()
	t := &videoTally{name: v.Name()}
	e.joints.begin()
	err = e.stream(ctx, v, reader, func(first int, real []*video.Frame, made []guess) error {
		block, err := e.compare(first, real, made)
		if err != nil {
			return err
		}
		t.add(block)
		e.progress.frames(len(block))
		return out.write(made)
	})
	if err == nil {
		err = out.close()
	}
	if err != nil {
		return nil, nil, err
	}
	return t.rows(), t.frames, nil
}

// stream predicts a video's frames batch by batch.
func (e *evaluation) stream(ctx context.Context, v dataset.TestVideo, reader video.Reader, visit func(first int, real []*video.Frame, made []guess) error) (err error) {
	begun := false
	defer func() {
		if begun {
			err = errors.Join(err, e.saliency.end())
			if ended := e.subject.end(); err == nil {
				err = ended
			}
		}
	}()
	for first, last := 0, false; !last; {
		var batch []*video.Frame
		if batch, last, err = nextFrames(ctx, v.Name(), reader, e.subject.batch()); err != nil {
			return err
		}
		if len(batch) == 0 {
			return nil
		}
		if !begun {
			begun = true
			if err := e.begin(ctx, v, batch[0]); err != nil {
				return err
			}
		}
		made, err := e.subject.predict(ctx, first, batch)
		if err != nil {
			return err
		}
		if err := visit(first, batch, made); err != nil {
			return err
		}
		first += len(batch)
	}
	return nil
}

// begin tells everybody that a video starts.
func (e *evaluation) begin(ctx context.Context, v dataset.TestVideo, source *video.Frame) error {
	if err := e.subject.begin(ctx, v, source); err != nil {
		return err
	}
	if err := e.saliency.begin(ctx, v); err != nil {
		return err
	}
	if err := e.keypoints.begin(ctx, v); err != nil {
		return err
	}
	return e.embeddings.begin(ctx, v)
}

// nextFrames reads up to n frames; last says that no more follow.
func nextFrames(ctx context.Context, name string, reader video.Reader, n int) (batch []*video.Frame, last bool, err error) {
	for len(batch) < n {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		f, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return batch, true, nil
		}
		if err != nil {
			return nil, false, &readError{fmt.Errorf("video %s: %w", name, err)}
		}
		batch = append(batch, f)
	}
	return batch, false, nil
}
