package joints

import (
	"context"
	"fmt"
	"math"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/tf"
)

// Threshold is the confidence from which on a joint counts as found.
const Threshold = 0.5

// Joint is a joint as the detector sees it.
type Joint struct {
	X, Y       float64 // in pixels; (0, 0) is the centre of the first pixel
	Confidence float64 // in [0, 1]; below Threshold it is missing
}

// Found reports whether the detector is confident of the joint.
func (j Joint) Found() bool { return j.Confidence >= Threshold }

// Detect finds the joints in pictures [n, H, W, 3] with values in [0, 1]: n
// lists of NumJoints in the order of shapes.JointID.
func (d *Detector) Detect(pictures []float32) ([][]Joint, error) {
	size := 3 * d.o.Width * d.o.Height
	n := len(pictures) / size
	if n < 1 || n*size != len(pictures) {
		return nil, fmt.Errorf("joints: %d values are no pictures of %dx%d pixels", len(pictures), d.o.Width, d.o.Height)
	}
	fed, err := tf.NewTensor(pictures, int64(n), int64(d.o.Height), int64(d.o.Width), 3)
	if err != nil {
		return nil, err
	}
	out, err := d.session.Run(map[tensorflow.Output]*tensorflow.Tensor{d.image: fed}, []tensorflow.Output{d.keypoints}, nil)
	if err != nil {
		return nil, fmt.Errorf("joints: %w", err)
	}
	values, err := tf.Values[float32](out[0])
	if err != nil {
		return nil, err
	}
	found := make([][]Joint, n)
	for i := range found {
		for at := 3 * i * numJoints; at < 3*(i+1)*numJoints; at += 3 {
			found[i] = append(found[i], Joint{X: float64(values[at]), Y: float64(values[at+1]), Confidence: float64(values[at+2])})
		}
	}
	return found, nil
}

// Errors are what a detector makes of frames whose truth is known: the floor
// below which AKD and MKR of generated frames say nothing.
type Errors struct {
	// Frames that were looked at.
	Frames int `json:"frames"`
	// Pixels is the mean of |dx| and |dy| in pixels over the visible joints that
	// were found, averaged over frames, as AKD counts.
	Pixels float64 `json:"pixels"`
	// Visible joints of all frames, and those Found among them.
	Visible int `json:"visible"`
	Found   int `json:"found"`
	// Hidden joints of all frames, and those called visible among them.
	Hidden       int `json:"hidden"`
	FalseVisible int `json:"false_visible"`
	// Joints are the same joint by joint, in the order of shapes.JointID.
	Joints []JointError `json:"joints"`
}

// JointError is what a detector makes of one joint.
type JointError struct {
	Joint string `json:"joint"`
	// Pixels is the mean of |dx| and |dy| where it is visible and found.
	Pixels float64 `json:"pixels"`
	// Visible counts the frames that show it, Found those among them in which it
	// is found.
	Visible int `json:"visible"`
	Found   int `json:"found"`
}

// What a detector must reach on real frames, lest it hides what becomes of hands
// and feet.
const (
	mostWristPixels = 0.5
	mostMissing     = 2. // percent, of every joint
)

// Weak says in words which joints the detector is too weak for: AKD and MKR then
// tell of the detector more than of the pictures.
func (e Errors) Weak() []string {
	var words []string
	for _, j := range e.Joints {
		if missing := 100 - percent(j.Found, j.Visible); j.Visible > 0 && missing > mostMissing {
			words = append(words, fmt.Sprintf("%s: %.1f %% missing of %d in real frames", j.Joint, missing, j.Visible))
		}
		if strings.HasSuffix(j.Joint, "wrist") && j.Pixels > mostWristPixels {
			words = append(words, fmt.Sprintf("%s: %.2f pixels off in real frames", j.Joint, j.Pixels))
		}
	}
	return words
}

// String tells the errors in a line.
func (e Errors) String() string {
	text := fmt.Sprintf("%.2f pixels off per coordinate; %.1f %% of the visible joints found; %.1f %% of the hidden ones called visible; %d frames",
		e.Pixels, percent(e.Found, e.Visible), percent(e.FalseVisible, e.Hidden), e.Frames)
	for _, j := range e.Joints {
		if strings.HasSuffix(j.Joint, "wrist") && j.Found > 0 {
			text += fmt.Sprintf("; %s %.2f pixels off, %.1f %% missing", j.Joint, j.Pixels, 100-percent(j.Found, j.Visible))
		}
	}
	return text
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(max(whole, 1)) }

// errorSum adds up errors frame by frame.
type errorSum struct {
	Errors
	pixels   float64
	measured int // frames in which at least one visible joint was found
}

func (e *errorSum) add(t *shapes.Truth, found []Joint) {
	if e.Joints == nil {
		e.Joints = make([]JointError, numJoints)
	}
	e.Frames++
	sum, n := 0.0, 0
	for j, joint := range t.Joints {
		one := &e.Joints[j]
		switch {
		case !joint.Visible:
			e.Hidden++
			if found[j].Found() {
				e.FalseVisible++
			}
		default:
			e.Visible++
			one.Visible++
			if found[j].Found() {
				e.Found++
				one.Found++
				n++
				off := (math.Abs(found[j].X-joint.X) + math.Abs(found[j].Y-joint.Y)) / 2
				sum += off
				one.Pixels += off // the sum, until mean
			}
		}
	}
	if n > 0 {
		e.pixels += sum / float64(n)
		e.measured++
	}
}

// mean ends the counting.
func (e *errorSum) mean() Errors {
	if e.measured > 0 {
		e.Pixels = e.pixels / float64(e.measured)
	}
	for j := range e.Joints {
		one := &e.Joints[j]
		one.Joint = shapes.JointID(j).String()
		one.Pixels /= float64(max(one.Found, 1))
	}
	return e.Errors
}

// Measure looks at Options.HeldOut frames of the test split, which no training
// frame comes from: those of the 16 default test videos first.
func (d *Detector) Measure(ctx context.Context) (Errors, error) {
	set, err := d.o.set(0, (d.o.HeldOut+videoFrames-1)/videoFrames)
	if err != nil {
		return Errors{}, err
	}
	var sum errorSum
	for at := 0; at < d.o.HeldOut; at += d.o.Batch {
		if ctx.Err() != nil {
			return Errors{}, ctx.Err()
		}
		var pictures []float32
		var truths []*shapes.Truth
		for i := at; i < min(at+d.o.Batch, d.o.HeldOut); i++ {
			v, err := set.Video(shapes.Test, i/videoFrames)
			if err != nil {
				return Errors{}, err
			}
			frame, truth, err := v.Draw(i % videoFrames)
			if err != nil {
				return Errors{}, err
			}
			pictures, truths = append(pictures, unit(frame.Pix)...), append(truths, truth)
		}
		found, err := d.Detect(pictures)
		if err != nil {
			return Errors{}, err
		}
		for i, t := range truths {
			sum.add(t, found[i])
		}
	}
	return sum.mean(), nil
}
