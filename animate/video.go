package animate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/video"
)

// Opener opens a video from its first frame; it may be called again for
// another pass.
type Opener func(ctx context.Context) (video.Reader, error)

// Driving opens a driving video in a file or folder. A strip's frames have the
// model's size.
func (a *Animator) Driving(path string, limits video.Limits) Opener {
	h, w := a.Size()
	return func(ctx context.Context) (video.Reader, error) {
		return video.Open(ctx, path, w, h, limits)
	}
}

// Job says what is animated, and how.
type Job struct {
	// Source is the picture whose figure moves, of any size.
	Source *video.Frame
	// Further are more pictures of the same figure, for models that take several.
	Further []*video.Frame
	// Driving is the video that it moves after, of any size.
	Driving Opener
	// Fit is how both come to the model's size; empty is the model's own way.
	Fit video.Fit
	// Motion is how driving keypoints become the source's.
	Motion Motion
	// Frames is how many frames the driving video is thought to have, for
	// Progress; 0 if unknown.
	Frames int
	// Warn is told at once what the result will suffer from; may be nil.
	Warn func(text string)
	// Progress is told of frames written; may be nil. It is called from one
	// goroutine at a time.
	Progress func(done, total int)
	// Observe sees the keypoints of the source, as those of frame SourceFrame,
	// then those of each driving frame in order, before they are related to the
	// source's; may be nil.
	Observe func(frame int, kp infer.Keypoints) error
	// Compose makes the frame that is written; nil writes the result.
	Compose func(Made) (*video.Frame, error)
}

// Made is a frame of an animation and what it was made of.
type Made struct {
	// Driving is the driving frame as it was fitted.
	Driving, Result *video.Frame
	// KPSource, KPDriving and KPResult are the places of keypoints in [-1, 1]: those
	// found in the source and in the driving frame, and those that the result was
	// made with. None where the model has no keypoints.
	KPSource, KPDriving, KPResult [][2]float64
}

// SourceFrame is the number under which Job.Observe sees the source.
const SourceFrame = -1

// Motion is how driving keypoints become the source's. The zero value is
// relative motion from the first frame.
type Motion struct {
	// Absolute takes the driving keypoints as they are.
	Absolute bool
	// DrivingJacobian takes the driving Jacobians as they are, in relative
	// motion. Of absolute motion that is so anyway.
	DrivingJacobian bool
	// AdaptVariance makes variances of keypoints relative too, else they are the
	// driving ones; ClipMean keeps keypoints within the picture. Both belong to
	// relative motion.
	AdaptVariance bool
	ClipMean      bool
	// AdaptScale scales relative motion by the ratio of the figures' sizes.
	AdaptScale bool
	// BestFrame is the initial frame of relative motion.
	BestFrame int
	// FindBestFrame looks for the frame whose pose is nearest to the source's
	// (PoseDistance) and takes it for BestFrame. It costs a pass over the video.
	FindBestFrame bool
}

// check reports what cannot go together.
func (m Motion) check() error {
	switch {
	case m.BestFrame < 0:
		return fmt.Errorf("best frame %d: frames count from 0", m.BestFrame)
	case m.FindBestFrame && m.BestFrame > 0:
		return errors.New("a best frame is either given or to be found")
	case m.Absolute && (m.AdaptScale || m.BestFrame > 0 || m.FindBestFrame):
		return errors.New("scale and best frame belong to relative motion: absolute motion knows neither")
	}
	return nil
}

// Report is what an animation came to.
type Report struct {
	// Frames written.
	Frames int
	// BestFrame is the initial frame.
	BestFrame int
	// PoseDistance of the source and the initial frame; negative if it cannot
	// be told or does not matter (absolute motion).
	PoseDistance float64
	// Scale of the motion.
	Scale float64
	// Reading, Computing and Writing are how long each took; they overlap
	// within Total.
	Reading, Computing, Writing, Total time.Duration
}

// Video animates a picture after a video and writes each frame to sink, which
// takes pictures of the model's size (Size), or of what Job.Compose makes. Closing the sink, or aborting it
// after an error, is the caller's. Of the frames a few batches are in memory.
func (a *Animator) Video(ctx context.Context, job Job, sink video.Writer) (Report, error) {
	begun := time.Now()
	r := &running{engine: a.engine, job: job}
	r.h, r.w = a.Size()
	r.report.Scale, r.report.PoseDistance = 1, -1
	if r.job.Fit == "" {
		r.job.Fit = a.engine.Fit
	}
	err := r.begin(ctx)
	if err == nil {
		err = r.stream(ctx, sink)
	}
	r.report.Total = time.Since(begun)
	return r.report, err
}

// running is the state of one animation.
type running struct {
	engine *infer.Engine
	h, w   int
	job    Job
	report Report

	source     *infer.Encoded
	poseSource infer.Pose
	initial    infer.Pose // of the initial frame, once it is known
	remarked   bool       // what the driving video's reader learned was told
}

// begin encodes the source and finds the initial frame, if it is not the first.
func (r *running) begin(ctx context.Context) error {
	if r.job.Source == nil || r.job.Driving == nil {
		return errors.New("an animation needs a source picture and a driving video")
	}
	if err := r.job.Motion.check(); err != nil {
		return err
	}
	if !r.job.Motion.Absolute && !r.engine.HasKeypoints() {
		return errors.New("the model has no keypoints, so that there is no relative motion: ask for absolute motion")
	}
	if err := r.encode(); err != nil {
		return fmt.Errorf("source picture: %w", err)
	}
	if err := r.observe(SourceFrame, r.poseSource); err != nil {
		return err
	}
	r.report.BestFrame = r.job.Motion.BestFrame
	switch {
	case r.job.Motion.FindBestFrame:
		return r.findInitial(ctx)
	case r.job.Motion.BestFrame > 0:
		return r.seekInitial(ctx)
	}
	return nil
}

// encode encodes the source.
func (r *running) encode() error {
	var sources []*video.Frame
	for _, f := range append([]*video.Frame{r.job.Source}, r.job.Further...) {
		fitted, err := r.job.Fit.Apply(f, r.w, r.h)
		if err != nil {
			return err
		}
		sources = append(sources, fitted)
	}
	var err error
	if r.source, err = r.engine.Encode(sources...); err != nil {
		return err
	}
	r.poseSource, err = r.source.Pose()
	return err
}

// observe shows the keypoints of pictures; first is the number of the first.
func (r *running) observe(first int, poses infer.Pose) error {
	if r.job.Observe == nil {
		return nil
	}
	kp, err := keypointsOf(poses)
	for i := 0; err == nil && i < kp.N; i++ {
		err = r.job.Observe(first+i, kp.At(i))
	}
	return err
}

// batches of frames go from stage to stage; one waits between two stages.
const waiting = 1

// stream runs reading, computing and writing side by side. The first error, or
// the end of ctx, ends all three.
func (r *running) stream(ctx context.Context, sink video.Writer) error {
	group, ctx := errgroup.WithContext(ctx)
	read := make(chan []*video.Frame, waiting)
	computed := make(chan []*video.Frame, waiting)
	group.Go(func() error {
		defer close(read)
		return r.read(ctx, func(batch []*video.Frame) error { return send(ctx, read, batch) })
	})
	group.Go(func() error {
		defer close(computed)
		for done := 0; ; {
			batch, err := receive(ctx, read)
			if batch == nil || err != nil {
				return err
			}
			frames, err := r.compute(done, batch)
			if err == nil {
				err = send(ctx, computed, frames)
			}
			if err != nil {
				return err
			}
			done += len(batch)
		}
	})
	group.Go(func() error {
		for {
			frames, err := receive(ctx, computed)
			if frames == nil || err != nil {
				return err
			}
			if err := r.write(frames, sink); err != nil {
				return err
			}
		}
	})
	return group.Wait()
}

func send(ctx context.Context, to chan<- []*video.Frame, batch []*video.Frame) error {
	select {
	case to <- batch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive returns nil after the last batch.
func receive(ctx context.Context, from <-chan []*video.Frame) ([]*video.Frame, error) {
	select {
	case batch := <-from:
		return batch, ctx.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// read reads the driving video in batches of fitted frames. With a nil error
// of each, it ends at the end of the video.
func (r *running) read(ctx context.Context, each func([]*video.Frame) error) (err error) {
	begun := time.Now()
	reader, err := r.job.Driving(ctx)
	if err != nil {
		return fmt.Errorf("driving video: %w", err)
	}
	defer reader.Close()
	for last := false; !last; {
		batch := make([]*video.Frame, 0, r.engine.Batch())
		for len(batch) < r.engine.Batch() && !last {
			frame, err := reader.Next()
			switch {
			case err == io.EOF:
				last = true
				continue
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				return fmt.Errorf("driving video: %w", err)
			}
			if frame, err = r.job.Fit.Apply(frame, r.w, r.h); err != nil {
				return fmt.Errorf("driving video: %w", err)
			}
			batch = append(batch, frame)
		}
		r.remark(reader)
		r.report.Reading += time.Since(begun)
		if len(batch) > 0 {
			if err := each(batch); err != nil {
				return err
			}
		}
		begun = time.Now()
	}
	return nil
}

// remark passes on what the reader has learned of the video, once.
func (r *running) remark(reader video.Reader) {
	told, ok := reader.(video.Remarker)
	if !ok || r.remarked || r.job.Warn == nil {
		return
	}
	for _, text := range told.Remarks() {
		r.remarked = true
		r.job.Warn("driving video: " + text)
	}
}

// compute animates a batch; first is the number of its first frame.
func (r *running) compute(first int, batch []*video.Frame) ([]*video.Frame, error) {
	begun := time.Now()
	defer func() { r.report.Computing += time.Since(begun) }()
	driving, err := r.engine.Poses(batch...)
	if err != nil {
		return nil, err
	}
	if err := r.observe(first, driving); err != nil {
		return nil, err
	}
	pose, err := r.carry(driving)
	if err != nil {
		return nil, err
	}
	decoded, err := r.engine.Decode(r.source, pose)
	if err != nil {
		return nil, err
	}
	results, err := frames(decoded[infer.Prediction], r.h, r.w)
	for i := 0; i < len(results) && err == nil && r.job.Compose != nil; i++ {
		results[i], err = r.job.Compose(Made{
			Driving: batch[i], Result: results[i],
			KPSource: r.poseSource.Points(0), KPDriving: driving.Points(i), KPResult: pose.Points(i),
		})
	}
	return results, err
}

// carry relates driving poses to the source's.
func (r *running) carry(driving infer.Pose) (infer.Pose, error) {
	if r.job.Motion.Absolute {
		return driving, nil
	}
	if r.initial.N == 0 {
		r.setInitial(driving.At(0))
	}
	return driving.Relative(r.poseSource, r.initial, infer.Relation{
		Scale: r.report.Scale, Jacobian: !r.job.Motion.DrivingJacobian, Variance: r.job.Motion.AdaptVariance, Clip: r.job.Motion.ClipMean,
	})
}

func (r *running) write(frames []*video.Frame, sink video.Writer) error {
	begun := time.Now()
	defer func() { r.report.Writing += time.Since(begun) }()
	for _, f := range frames {
		if err := sink.Write(f); err != nil {
			return err
		}
		r.report.Frames++
		if r.job.Progress != nil {
			r.job.Progress(r.report.Frames, r.job.Frames)
		}
	}
	return nil
}

// SourcePicture reads the picture that is to move, as viewers show it.
func SourcePicture(path string, limits video.Limits) (*video.Frame, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch video.KindOf(path, info.IsDir()) {
	case video.Folder, video.FilmFile:
		return nil, fmt.Errorf("source %s is a video: the source is one picture (png or jpg); take one frame out of it", path)
	}
	return video.ReadPicture(path, limits)
}
