package animate

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/video"
)

// setInitial takes the pose of the frame that motion is relative to and
// says what speaks against it.
func (r *running) setInitial(pose infer.Pose) {
	r.initial = pose
	source, initial := r.poseSource.Points(0), pose.Points(0)
	if distance, ok := PoseDistance(source, initial); ok {
		r.report.PoseDistance = distance
		if distance > FarPose {
			advice := "give a driving frame of like pose (`best_frame`) or let one be found (`find_best_frame`)"
			if r.job.Motion.FindBestFrame {
				advice = "it is the nearest one in the video: another source or another video would do better"
			}
			r.warn(fmt.Sprintf("source and driving frame %d are far apart in pose (distance %.2f, from %.2f on relative motion distorts): %s",
				r.report.BestFrame, distance, FarPose, advice))
		}
	}
	if r.job.Motion.AdaptScale {
		scale, ok := movementScale(source, initial)
		if r.report.Scale = scale; !ok {
			r.warn("the scale of the motion is left as it is: keypoints that lie in a line or a point have no size")
		}
	}
}

func (r *running) warn(text string) {
	if r.job.Warn != nil {
		r.job.Warn(text)
	}
}

// errEnough ends a pass over a video before its end.
var errEnough = errors.New("enough")

// seekInitial takes frame BestFrame as the initial one.
func (r *running) seekInitial(ctx context.Context) error {
	first, want := 0, r.job.Motion.BestFrame
	err := r.read(ctx, func(batch []*video.Frame) error {
		if first += len(batch); first <= want {
			return nil
		}
		pose, err := r.engine.Poses(batch[want-(first-len(batch))])
		if err != nil {
			return err
		}
		r.setInitial(pose)
		return errEnough
	})
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err == nil:
		return fmt.Errorf("best frame %d: the driving video has %d frames, counted from 0", want, first)
	}
	return err
}

// findInitial takes the frame whose pose is nearest to the source's.
func (r *running) findInitial(ctx context.Context) error {
	source := r.poseSource.Points(0)
	if _, ok := PoseDistance(source, source); !ok {
		return errors.New("the best frame cannot be found: the source's keypoints lie in a line or a point, so that it has no pose")
	}
	first, best, least := 0, infer.Pose{}, math.Inf(1)
	err := r.read(ctx, func(batch []*video.Frame) error {
		poses, err := r.engine.Poses(batch...)
		if err != nil {
			return err
		}
		for i := range batch {
			if d, ok := PoseDistance(source, poses.Points(i)); ok && d < least {
				least, best, r.report.BestFrame = d, poses.At(i), first+i
			}
		}
		first += len(batch)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	if best.N == 0 {
		return errors.New("the best frame cannot be found: the keypoints of no driving frame span an area")
	}
	r.setInitial(best)
	return nil
}
