package prepare

import (
	"errors"
	"fmt"
	"sync"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/prepare/look"
	"github.com/prioritycut/prioritycut/video"
)

// kpDetector is a trained model's keypoint detector.
type kpDetector struct {
	digest string

	mu     sync.Mutex // one call has all cores already
	engine *infer.Engine
}

// openDetector opens the detector of a run or checkpoint. The caller closes it.
func openDetector(path string) (*kpDetector, error) {
	m, err := infer.Load(path)
	if err != nil {
		return nil, err
	}
	e, err := infer.New(m, infer.Options{})
	if err != nil {
		return nil, fmt.Errorf("keypoints of %s: %w", path, err)
	}
	if !e.HasKeypoints() {
		return nil, errors.Join(fmt.Errorf("model %s has no keypoints", path), e.Close())
	}
	return &kpDetector{digest: m.Digest(), engine: e}, nil
}

func (d *kpDetector) close() { d.engine.Close() }

// points finds keypoints. Pictures are stretched to the model's size: nothing
// is cut off, and no bars are there to be found.
func (d *kpDetector) points(frames []*video.Frame) ([][]look.Point, error) {
	h, w := d.engine.Size()
	fitted := make([]*video.Frame, len(frames))
	for i, f := range frames {
		var err error
		if fitted[i], err = video.Stretch.Apply(f, w, h); err != nil {
			return nil, err
		}
	}
	d.mu.Lock()
	pose, err := d.engine.Poses(fitted...)
	d.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("finding keypoints: %w", err)
	}
	all := make([][]look.Point, len(frames))
	for i, f := range frames {
		for _, p := range pose.Points(i) {
			// -1 and 1 are the centres of the first and the last pixel.
			all[i] = append(all[i], look.Point{
				X: ((p[0]+1)/2*float64(w-1) + 0.5) * float64(f.W) / float64(w),
				Y: ((p[1]+1)/2*float64(h-1) + 0.5) * float64(f.H) / float64(h),
			})
		}
	}
	return all, nil
}
