package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/detectors"
	"github.com/prioritycut/prioritycut/evaluate/joints"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

// detector is a SavedModel that looks at frames. Its signature serving_default
// (or the only one) takes
//
//	image  float32 [N, H, W, 3], RGB in [0, 1]
//
// and gives keypoints
//
//	keypoints  float32 [N, J, 2] or [N, J, 3]: x and y in pixels of the image
//	           it was given, (0, 0) the centre of the first pixel, and the
//	           confidence in [0, 1]; below 0.5, or both coordinates -1, is
//	           missing
//
// or embeddings
//
//	embedding  float32 [N, D]
//
// or masks
//
//	mask       float32 [N, H, W] in [0, 1]; from 0.5 on a pixel is salient
//
// An input or output of another name is taken where it is the only one. Where H
// and W are fixed, frames of another size are resized to them, aspect not kept,
// and keypoints are scaled back. Frames come in 8 bits, as they are written, so
// that a model and the pictures it wrote are judged alike.
//
// A model with the signatures of package detectors for regions looks at a frame
// and its prediction in one place, where the real frame has what is looked for.
type detector struct {
	path, digest             string
	kind                     vectorKind
	model                    *savedmodel.Model
	signature, input, output string
	h, w                     int // 0: any
	single, regional         bool
	// networks are what it is made of, where it tells.
	networks string
	// drawn is what one of the joints of drawn figures was trained on; nil of others.
	drawn *joints.Description
	// spent is how long it has looked at so many pictures.
	spent  time.Duration
	looked int
}

func openDetector(kind vectorKind, path string, session tf.SessionConfig) (*detector, error) {
	d := &detector{path: path, kind: kind}
	flag := kind.modelFlag()
	var err error
	d.digest, err = openedDigest(path, func() (err error) {
		d.model, err = savedmodel.Open(path, session)
		return err
	})
	if err != nil {
		d.model.Close()
		return nil, fmt.Errorf("`%s`: %w", flag, err)
	}
	if told, ok := detectors.Described(d.model); ok {
		d.networks = told.String()
	} else if told, ok := joints.Described(d.model); ok {
		d.drawn = &told
	}
	if err := d.bind(); err != nil {
		d.model.Close()
		return nil, fmt.Errorf("`%s`=%s: %w", flag, path, err)
	}
	return d, nil
}

// bind finds the signature's tensors.
func (d *detector) bind() error {
	signatures := d.model.Signatures()
	s, ok := signatures[savedmodel.DefaultSignature]
	if !ok && len(signatures) == 1 {
		for _, only := range signatures {
			s = only
		}
	} else if !ok {
		return fmt.Errorf("it has %d signatures and none is called %s", len(signatures), savedmodel.DefaultSignature)
	}
	d.signature = s.Name
	name, rank := string(detectors.Keypoints), 3
	switch d.kind {
	case embeddingVectors:
		name, rank = string(detectors.Embedding), 2
	case maskVectors:
		name = string(detectors.Mask)
	}
	var err error
	if d.input, err = only(s.Inputs, "image"); err != nil {
		return err
	}
	if d.output, err = only(s.Outputs, name); err != nil {
		return err
	}
	in, out := s.Inputs[d.input], s.Outputs[d.output]
	if in.DType != tensorflow.Float || len(in.Shape) != 4 || (in.Shape[3] != 3 && in.Shape[3] >= 0) || (in.Shape[0] >= 0 && in.Shape[0] != 1) {
		return fmt.Errorf("its input %s is %v, not float32 [N, H, W, 3] with N open", d.input, in)
	}
	if out.DType != tensorflow.Float || (out.Shape != nil && len(out.Shape) != rank) {
		return fmt.Errorf("its output %s is %v, not float32 of rank %d", d.output, out, rank)
	}
	d.single = in.Shape[0] == 1
	if in.Shape[1] > 0 && in.Shape[2] > 0 {
		d.h, d.w = int(in.Shape[1]), int(in.Shape[2])
	}
	if d.kind == maskVectors {
		if d.h > 0 {
			return errors.New("it makes masks of pictures of one size only: masks have the size of the frames")
		}
		return nil
	}
	return d.bindRegions()
}

// only returns the wanted name, or the only one there is.
func only(tensors map[string]savedmodel.TensorSpec, want string) (string, error) {
	if _, ok := tensors[want]; ok {
		return want, nil
	}
	if len(tensors) == 1 {
		for name := range tensors {
			return name, nil
		}
	}
	return "", fmt.Errorf("its signature has %d tensors and none is called %s", len(tensors), want)
}

func (d *detector) begin(context.Context, dataset.TestVideo) error { return nil }

func (d *detector) vectors(_ int, frames []*video.Frame) ([][]float32, error) {
	var there []*video.Frame
	for _, f := range frames {
		if f != nil {
			there = append(there, f)
		}
	}
	found, err := d.detect(there)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.path, err)
	}
	out := make([][]float32, len(frames))
	for i, f := range frames {
		if f != nil {
			out[i], found = found[0], found[1:]
		}
	}
	return out, nil
}

// detect looks at frames, one by one where the model wants it so.
func (d *detector) detect(frames []*video.Frame) ([][]float32, error) {
	if len(frames) == 0 {
		return nil, nil
	}
	if d.single && len(frames) > 1 {
		var out [][]float32
		for i := range frames {
			one, err := d.detect(frames[i : i+1])
			if err != nil {
				return nil, err
			}
			out = append(out, one...)
		}
		return out, nil
	}
	w, h := frames[0].W, frames[0].H
	fitted := frames
	if d.h > 0 && (d.h != h || d.w != w) {
		fitted = make([]*video.Frame, len(frames))
		for i, f := range frames {
			var err error
			if fitted[i], err = video.Stretch.Apply(f, d.w, d.h); err != nil {
				return nil, err
			}
		}
	}
	image, err := floatPictures(fitted)
	if err != nil {
		return nil, err
	}
	out, err := d.call(d.signature, map[string]*tensorflow.Tensor{d.input: image}, d.output, len(frames))
	if err != nil {
		return nil, err
	}
	values, err := tf.Values[float32](out)
	if err != nil {
		return nil, err
	}
	scaleX, scaleY := float64(w)/float64(fitted[0].W), float64(h)/float64(fitted[0].H)
	return d.split(values, out.Shape(), fitted, scaleX, scaleY)
}

// split cuts the output into frames.
func (d *detector) split(values []float32, shape []int64, frames []*video.Frame, scaleX, scaleY float64) ([][]float32, error) {
	n := len(frames)
	if len(shape) == 0 || shape[0] != int64(n) || !d.fits(shape[1:], frames[0]) {
		return nil, fmt.Errorf("its output %s is %v for %d frames of %dx%d pixels", d.output, shape, n, frames[0].W, frames[0].H)
	}
	for _, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("its output %s holds a value that is no number", d.output)
		}
	}
	out := make([][]float32, n)
	each := len(values) / n
	for i := range out {
		one := values[i*each : (i+1)*each]
		if d.kind == keypointVectors {
			one = scaled(one, int(shape[len(shape)-1]), scaleX, scaleY)
		}
		out[i] = one
	}
	return out, nil
}

// fits reports whether the output of one frame has a shape of its kind.
func (d *detector) fits(shape []int64, f *video.Frame) bool {
	switch d.kind {
	case keypointVectors:
		return len(shape) == 2 && (shape[1] == 2 || shape[1] == 3)
	case maskVectors:
		return slices.Equal(shape, []int64{int64(f.H), int64(f.W)})
	}
	return len(shape) == 1
}

// scaled turns keypoints of width 2 or 3 into (x, y, confidence) in the frame's
// own pixels: the centre of pixel i lies at i + 1/2 of the picture's width.
func scaled(values []float32, width int, scaleX, scaleY float64) []float32 {
	out := make([]float32, 0, len(values)/width*3)
	for i := 0; i < len(values); i += width {
		x, y := values[i], values[i+1]
		confidence := float32(1)
		if width == 3 {
			confidence = values[i+2]
		}
		if x == -1 && y == -1 {
			confidence = 0
		}
		out = append(out, float32((float64(x)+0.5)*scaleX-0.5), float32((float64(y)+0.5)*scaleY-0.5), confidence)
	}
	return out
}

// String names the model and its content, and where it tells the networks in it or
// what it was trained on.
func (d *detector) String() string {
	name := baseName(d.path) + "@" + short(d.digest)
	switch {
	case d.networks != "":
		name += " (" + d.networks + ")"
	case d.drawn != nil:
		name += " (joints of " + d.drawn.TrainedOn + ")"
	}
	return name
}

// call has the model look at so many pictures.
func (d *detector) call(signature string, inputs map[string]*tensorflow.Tensor, output string, pictures int) (*tensorflow.Tensor, error) {
	began := time.Now()
	out, err := d.model.CallFor(signature, inputs, output)
	if err != nil {
		return nil, err
	}
	d.spent += time.Since(began)
	d.looked += pictures
	return out[output], nil
}

func (d *detector) close() error { return d.model.Close() }

// floatPictures is frames of one size as float32 [N, H, W, 3] in [0, 1].
func floatPictures(frames []*video.Frame) (*tensorflow.Tensor, error) {
	h, w := frames[0].H, frames[0].W
	flat := make([]float32, 0, len(frames)*h*w*3)
	for _, f := range frames {
		if f.W != w || f.H != h {
			return nil, fmt.Errorf("frames of %dx%d and %dx%d pixels", w, h, f.W, f.H)
		}
		for _, p := range f.Pix {
			flat = append(flat, float32(p)/255)
		}
	}
	return tf.NewTensor(flat, int64(len(frames)), int64(h), int64(w), 3)
}
