package infer

import (
	"errors"
	"fmt"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

// frameCalls are SigEncode, SigKeypoints (or SigPose) and SigFrame of a
// SavedModel, which fit together. Tensors are found by what they are, so that
// what is kept of a source may have any names.
type frameCalls struct {
	// pose is SigKeypoints or SigPose.
	pose string
	// source and picture are the inputs of SigEncode and of pose.
	source, picture string
	// found, own and driving are poses, tensors by part: what the signature pose
	// finds, the source's own among the outputs of SigEncode, and the inputs of
	// SigFrame.
	found, own, driving map[string]string
	// kept are the outputs of SigEncode that SigFrame takes.
	kept []string
	// several says that SigEncode tells Confidence.
	several bool
}

// pictureSize is that of all pictures of a model, 0 while it is not known.
type pictureSize struct{ h, w int }

// bindFrame finds out which tensor is what.
func bindFrame(signatures map[string]savedmodel.SignatureDef, size *pictureSize) (*frameCalls, error) {
	c := &frameCalls{pose: SigKeypoints}
	if _, ok := signatures[SigPose]; ok {
		c.pose = SigPose
	}
	for _, name := range []string{SigEncode, c.pose, SigFrame} {
		if _, ok := signatures[name]; !ok {
			return nil, fmt.Errorf("it has no signature %q", name)
		}
	}
	var err error
	if c.source, err = size.of(signatures[SigEncode].Inputs); err != nil {
		return nil, fmt.Errorf("%s: %w", SigEncode, err)
	}
	if c.picture, err = size.of(signatures[c.pose].Inputs); err != nil {
		return nil, fmt.Errorf("%s: %w", c.pose, err)
	}
	if err := c.bindPose(signatures[SigEncode].Outputs, signatures[c.pose].Outputs, signatures[SigFrame].Inputs); err != nil {
		return nil, err
	}
	if spec, ok := signatures[SigFrame].Outputs[Prediction]; !ok || !size.isOf(spec) {
		return nil, fmt.Errorf("%s: it has no output prediction, float32[?,%d,%d,3]", SigFrame, size.h, size.w)
	}
	_, c.several = signatures[SigEncode].Outputs[Confidence]
	return c, nil
}

// bindPose divides the inputs of SigFrame into what is kept of a source and the
// driving pose.
func (c *frameCalls) bindPose(encoded, pose, inputs map[string]savedmodel.TensorSpec) (err error) {
	if c.found, err = partsAmong(pose, c.pose == SigKeypoints); err != nil {
		return fmt.Errorf("%s: %w", c.pose, err)
	}
	if c.own, err = partsAmong(encoded, c.pose == SigKeypoints); err != nil {
		return fmt.Errorf("%s: %w", SigEncode, err)
	}
	rest := map[string]savedmodel.TensorSpec{}
	for _, input := range sorted(inputs) {
		if _, ok := encoded[input]; ok {
			c.kept = append(c.kept, input)
		} else {
			rest[input] = inputs[input]
		}
	}
	if c.driving, err = partsAmong(rest, c.pose == SigKeypoints); err != nil || len(c.driving) != len(rest) {
		return fmt.Errorf("%s: its inputs are not the outputs of %s and a driving pose", SigFrame, SigEncode)
	}
	for part := range c.driving {
		if c.found[part] == "" {
			return fmt.Errorf("%s takes a %s, but %s gives none", SigFrame, part, c.pose)
		}
	}
	return nil
}

// partForms are the parts of poses and the sizes of one picture's, -1 for any.
var partForms = map[string][]int64{Value: {-1, 2}, Jacobian: {-1, 2, 2}, Variance: {-1, -1, -1}, Grid: {-1, -1, 2}}

// partsAmong finds the parts of a pose among tensors: a part's tensor ends in its
// name and has its form.
func partsAmong(specs map[string]savedmodel.TensorSpec, keypoints bool) (map[string]string, error) {
	parts := map[string]string{}
	for part, form := range partForms {
		for name, spec := range specs {
			if strings.HasSuffix(name, part) && spec.DType == tensorflow.Float && hasForm(spec.Shape, form) {
				parts[part] = name
			}
		}
	}
	if keypoints && parts[Value] == "" {
		return nil, errors.New("it has no keypoints (...value, float32[?,K,2])")
	}
	return parts, nil
}

func hasForm(shape, form []int64) bool {
	if len(shape) != 1+len(form) {
		return false
	}
	for i, d := range form {
		if d >= 0 && shape[i+1] != d {
			return false
		}
	}
	return true
}

// of finds the one input of a signature, which is a picture. All have one size.
func (size *pictureSize) of(inputs map[string]savedmodel.TensorSpec) (string, error) {
	for name, spec := range inputs {
		if len(spec.Shape) != 4 || len(inputs) != 1 {
			break
		}
		h, w := int(spec.Shape[1]), int(spec.Shape[2])
		if size.h == 0 {
			size.h, size.w = h, w
		}
		if h < 1 || w < 1 || h > video.MaxSide || w > video.MaxSide || !size.isOf(spec) {
			break
		}
		return name, nil
	}
	return "", errors.New("its input is not one picture, float32[?,H,W,3] of a fixed size")
}

func (size *pictureSize) isOf(spec savedmodel.TensorSpec) bool {
	return isPictures(spec) && spec.Shape[1] == int64(size.h) && spec.Shape[2] == int64(size.w)
}

// isPictures reports whether a tensor is float32 [N, H, W, 3] with open N.
func isPictures(s savedmodel.TensorSpec) bool {
	return s.DType == tensorflow.Float && len(s.Shape) == 4 && s.Shape[0] < 0 && s.Shape[3] == 3
}

// absoluteCall is SigAbsolute of a SavedModel.
type absoluteCall struct {
	outputs map[string]savedmodel.TensorSpec
}

// bindAbsolute checks SigAbsolute: source and driving, float32 [N, H, W, 3] in
// [0, 1], to prediction likewise.
func bindAbsolute(signatures map[string]savedmodel.SignatureDef, size *pictureSize) (*absoluteCall, error) {
	s, ok := signatures[SigAbsolute]
	if !ok {
		return nil, fmt.Errorf("it has no signature %q (source, driving -> prediction): export the model with this program", SigAbsolute)
	}
	for _, name := range []string{Source, Driving} {
		spec, ok := s.Inputs[name]
		if !ok || len(s.Inputs) != 2 || !isPictures(spec) {
			return nil, fmt.Errorf("its signature %q must take source and driving, float32 [N, H, W, 3]", SigAbsolute)
		}
		for i, to := range []*int{&size.h, &size.w} {
			fixed := int(spec.Shape[i+1])
			if fixed > 0 && *to > 0 && fixed != *to {
				return nil, fmt.Errorf("its signature %q takes pictures of several sizes", SigAbsolute)
			}
			*to = max(*to, fixed)
		}
	}
	if spec, ok := s.Outputs[Prediction]; !ok || spec.DType != tensorflow.Float {
		return nil, fmt.Errorf("its signature %q must give a float32 prediction", SigAbsolute)
	}
	return &absoluteCall{s.Outputs}, nil
}

// gives reports wanted maps that the signature has not.
func (c *absoluteCall) gives(want []string, h, w int) error {
	for _, name := range want {
		if name != Prediction && !isMap(c.outputs[name], h, w) {
			return fmt.Errorf("its signature %q gives no %s, float32 [N, H, W, 1] of the pictures' size", SigAbsolute, name)
		}
	}
	return nil
}

// isMap reports whether an output is a map of the pictures' size.
func isMap(s savedmodel.TensorSpec, h, w int) bool {
	if s.DType != tensorflow.Float || len(s.Shape) != 4 {
		return false
	}
	for i, n := range []int{h, w, 1} {
		if size := s.Shape[i+1]; size >= 0 && size != int64(n) {
			return false
		}
	}
	return true
}
