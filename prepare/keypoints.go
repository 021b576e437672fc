package prepare

import (
	"fmt"
	"sync"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// kpDetector is a trained model's keypoint detector.
type kpDetector struct {
	h, w   int
	digest string

	mu      sync.Mutex // one call has all cores already
	session *tf.Session
	// picture [N, H, W, 3] is fed, as uint8; value [N, K, 2] are positions in
	// [-1, 1].
	picture, value tensorflow.Output
}

// openDetector builds the detector of a run or checkpoint. The caller closes
// it.
func openDetector(path string) (*kpDetector, error) {
	m, err := infer.Load(path)
	if err != nil {
		return nil, err
	}
	d := &kpDetector{digest: m.Digest()}
	d.h, d.w = m.Size()
	s := graph.New(tensorflow.Float)
	a := fomm.NewAnimator(s, m.Config.Model)
	in := s.WithTraining(false).At("prepare")
	d.picture = in.Placeholder("picture", tensorflow.Uint8, -1, int64(d.h), int64(d.w), 3)
	x := in.Div(in.Cast(d.picture, in.DType()), in.Scalar(255))
	d.value = a.KPDetector.Detect(in, x).Value
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("keypoints of %s: %w", path, err)
	}
	if d.session, err = tf.NewSession(s.Graph(), tf.SessionConfig{}); err != nil {
		return nil, fmt.Errorf("keypoints of %s: %w", path, err)
	}
	if err := m.Assign(d.session, s); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *kpDetector) close() { d.session.Close() }

// points finds keypoints. Pictures are stretched to the model's size: nothing
// is cut off, and no bars are there to be found.
func (d *kpDetector) points(frames []*video.Frame) ([][]point, error) {
	pixels := make([]byte, 0, len(frames)*d.h*d.w*3)
	for _, f := range frames {
		fitted, err := video.Stretch.Apply(f, d.w, d.h)
		if err != nil {
			return nil, err
		}
		pixels = append(pixels, fitted.Pix...)
	}
	batch, err := tf.NewTensor(pixels, int64(len(frames)), int64(d.h), int64(d.w), 3)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	out, err := d.session.Run(map[tensorflow.Output]*tensorflow.Tensor{d.picture: batch}, []tensorflow.Output{d.value}, nil)
	d.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("finding keypoints: %w", err)
	}
	values, err := tf.Values[float32](out[0])
	if err != nil {
		return nil, err
	}
	k := len(values) / 2 / len(frames)
	all := make([][]point, len(frames))
	for i, f := range frames {
		all[i] = make([]point, k)
		for j := range all[i] {
			// -1 and 1 are the centres of the first and the last pixel.
			x, y := float64(values[2*(i*k+j)]), float64(values[2*(i*k+j)+1])
			all[i][j] = point{
				((x+1)/2*float64(d.w-1) + 0.5) * float64(f.W) / float64(d.w),
				((y+1)/2*float64(d.h-1) + 0.5) * float64(f.H) / float64(d.h),
			}
		}
	}
	return all, nil
}
