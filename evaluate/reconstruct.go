package evaluate

import (
	"context"
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// Reconstructor reconstructs videos from their first frames. It is a part of a
// graph that shares the networks of an animator, with running averages in place
// of a batch's statistics.
type Reconstructor struct {
	// Height and Width of the pictures.
	Height, Width int
	// Source [1, H, W, 3] and Driving [N, H, W, 3] are fed, as uint8; N is open.
	Source, Driving tensorflow.Output
	// Prediction [N, H, W, 3] in (0, 1).
	Prediction tensorflow.Output
	// Background [N, H, W, 1] is the background alpha at the pictures' size.
	Background tensorflow.Output
	// Occlusion [N, H, W, 1] likewise; it does not exist where the model
	// estimates none. Deformed [N, H, W, 3] is the source moved by the motion
	// alone.
	Occlusion, Deformed tensorflow.Output
	// KPSource [1, K, 2] and KPDriving [N, K, 2].
	KPSource, KPDriving tensorflow.Output

	// encoded is all that a prediction takes from the source.
	encoded []tensorflow.Output
}

// NewReconstructor adds the inference of an animator on pictures of h by w
// pixels to the graph of s.
func NewReconstructor(s *graph.Scope, a *fomm.Animator, h, w int) (*Reconstructor, error) {
	s = s.WithTraining(false).At("reconstruct")
	r := &Reconstructor{Height: h, Width: w}
	size := [2]int64{int64(h), int64(w)}
	r.Source = s.Placeholder("source", tensorflow.Uint8, 1, size[0], size[1], 3)
	r.Driving = s.Placeholder("driving", tensorflow.Uint8, -1, size[0], size[1], 3)
	picture := func(bytes tensorflow.Output) tensorflow.Output {
		return s.Div(s.Cast(bytes, s.DType()), s.Scalar(255))
	}
	source, driving := picture(r.Source), picture(r.Driving)
	kpSource := a.KPDetector.Detect(s.At("kp_source"), source).Keypoints
	kpDriving := a.KPDetector.Detect(s.At("kp_driving"), driving).Keypoints

	// The source is encoded once and repeated for each driving frame.
	encoded := a.Generator.Encode(s, source)
	r.encoded = []tensorflow.Output{encoded.Small, encoded.Features, kpSource.Value}
	if kpSource.Jacobian.Op != nil {
		r.encoded = append(r.encoded, kpSource.Jacobian)
	}
	repeat := repeater(s, driving)
	encoded.Small, encoded.Features = repeat(encoded.Small), repeat(encoded.Features)
	g := a.Generator.Decode(s, encoded, kpSource, kpDriving)

	r.Prediction = g.Prediction
	r.Background = s.ResizeBilinear(g.Background(s), h, w)
	if g.OcclusionMap.Op != nil {
		r.Occlusion = s.ResizeBilinear(g.OcclusionMap, h, w)
	}
	r.Deformed = a.Generator.Deformed(s, repeat(source), g.Motion)
	r.KPSource, r.KPDriving = kpSource.Value, kpDriving.Value
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reconstruction: %w", err)
	}
	return r, nil
}

// repeater returns a function that repeats maps [1, h, w, C] as often as there
// are pictures in like: [N, h, w, C].
func repeater(s *graph.Scope, like tensorflow.Output) func(tensorflow.Output) tensorflow.Output {
	zeros := s.Scale(s.Slice(like, []int{0, 0, 0, 0}, []int{-1, 1, 1, 1}), 0) // [N, 1, 1, 1]
	return func(x tensorflow.Output) tensorflow.Output { return s.Add(x, zeros) }
}

// Reconstruction is one frame.
type Reconstruction struct {
	// Index of the frame in its video, and the frame.
	Index   int
	Driving *video.Frame
	// Prediction [H, W, 3] in (0, 1) and Background [H, W], the alpha.
	Prediction, Background []float32
}

// Video reconstructs the given frames of a video and hands each to visit, in
// order. Memory does not grow with the number of frames.
func (r *Reconstructor) Video(ctx context.Context, run graph.Runner, v dataset.TestVideo, frames []int, visit func(Reconstruction) error) error {
	first, err := readFrames(ctx, v, 0)
	if err != nil {
		return err
	}
	source, err := r.encode(run, first[0])
	if err != nil {
		return fmt.Errorf("encoding the first frame of video %s: %w", v.Name(), err)
	}
	for len(frames) > 0 {
		n := min(batchOf(r.Height, r.Width), len(frames))
		batch, err := readFrames(ctx, v, frames[:n]...)
		if err != nil {
			return err
		}
		predictions, backgrounds, err := r.decode(run, source, batch)
		if err != nil {
			return fmt.Errorf("reconstructing video %s: %w", v.Name(), err)
		}
		pixels := r.Height * r.Width
		for i := range batch {
			err := visit(Reconstruction{
				Index: frames[i], Driving: batch[i],
				Prediction: predictions[i*3*pixels : (i+1)*3*pixels],
				Background: backgrounds[i*pixels : (i+1)*pixels],
			})
			if err != nil {
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

// encodedSource are the values of all that a prediction takes from its source.
type encodedSource map[tensorflow.Output]*tensorflow.Tensor

// encode computes what all frames of a video have in common.
func (r *Reconstructor) encode(run graph.Runner, source *video.Frame) (encodedSource, error) {
	fed, err := r.tensor(source)
	if err != nil {
		return nil, err
	}
	values, err := run.Run(map[tensorflow.Output]*tensorflow.Tensor{r.Source: fed}, r.encoded, nil)
	if err != nil {
		return nil, err
	}
	encoded := encodedSource{}
	for i, o := range r.encoded {
		encoded[o] = values[i]
	}
	return encoded, nil
}

// decode predicts frames: [N, H, W, 3] in (0, 1), and the background alpha
// [N, H, W].
func (r *Reconstructor) decode(run graph.Runner, source encodedSource, driving []*video.Frame) (predictions, backgrounds []float32, err error) {
	frames, err := r.tensor(driving...)
	if err != nil {
		return nil, nil, err
	}
	feeds := map[tensorflow.Output]*tensorflow.Tensor{r.Driving: frames}
	for o, t := range source {
		feeds[o] = t
	}
	out, err := run.Run(feeds, []tensorflow.Output{r.Prediction, r.Background}, nil)
	if err != nil {
		return nil, nil, err
	}
	if predictions, err = tf.Values[float32](out[0]); err != nil {
		return nil, nil, err
	}
	backgrounds, err = tf.Values[float32](out[1])
	return predictions, backgrounds, err
}

func (r *Reconstructor) feeds(source *video.Frame, driving []*video.Frame) (map[tensorflow.Output]*tensorflow.Tensor, error) {
	first, err := r.tensor(source)
	if err != nil {
		return nil, err
	}
	rest, err := r.tensor(driving...)
	if err != nil {
		return nil, err
	}
	return map[tensorflow.Output]*tensorflow.Tensor{r.Source: first, r.Driving: rest}, nil
}

// tensor is frames [N, H, W, 3] as bytes.
func (r *Reconstructor) tensor(frames ...*video.Frame) (*tensorflow.Tensor, error) {
	flat := make([]byte, 0, len(frames)*r.Height*r.Width*3)
	for _, f := range frames {
		if f.W != r.Width || f.H != r.Height {
			return nil, fmt.Errorf("a frame has %dx%d pixels, the model takes %dx%d", f.W, f.H, r.Width, r.Height)
		}
		flat = append(flat, f.Pix...)
	}
	return tf.NewTensor(flat, int64(len(frames)), int64(r.Height), int64(r.Width), 3)
}
