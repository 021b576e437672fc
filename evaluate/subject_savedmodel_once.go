package evaluate

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// The signatures that tell the source's part of a prediction from a frame's: a
// source goes through encode_source once, and animate_frame takes what came out
// for any number of frames, along with what keypoints finds in them.
const (
	encodeSignature    = "encode_source"
	keypointsSignature = "keypoints"
	frameSignature     = "animate_frame"
	keypointsPrefix    = "kp_driving_"
)

// encodesOnce reports whether these signatures fit together.
func encodesOnce(signatures map[string]tf.SignatureDef) bool {
	encode, keypoints, frame := signatures[encodeSignature], signatures[keypointsSignature], signatures[frameSignature]
	have := map[string]bool{}
	for name := range encode.Outputs {
		have[name] = true
	}
	for name := range keypoints.Outputs {
		have[keypointsPrefix+name] = true
	}
	for name := range frame.Inputs {
		if !have[name] {
			return false
		}
	}
	_, source := encode.Inputs["source"]
	_, image := keypoints.Inputs["image"]
	_, prediction := frame.Outputs["prediction"]
	return source && image && prediction
}

// encode computes what all frames of a video have in common.
func (m *savedModelSubject) encode() error {
	source, err := floatPictures([]*video.Frame{m.source})
	if err != nil {
		return err
	}
	m.encoded, err = m.model.Call(encodeSignature, map[string]*tensorflow.Tensor{"source": source})
	return err
}

// animate predicts frames from the encoded source.
func (m *savedModelSubject) animate(driving *tensorflow.Tensor, _ int) (map[string]*tensorflow.Tensor, error) {
	keypoints, err := m.model.Call(keypointsSignature, map[string]*tensorflow.Tensor{"image": driving})
	if err != nil {
		return nil, err
	}
	inputs := map[string]*tensorflow.Tensor{}
	for name := range m.model.Signatures()[frameSignature].Inputs {
		if t, ok := m.encoded[name]; ok {
			inputs[name] = t
			continue
		}
		inputs[name] = keypoints[name[len(keypointsPrefix):]]
	}
	return m.model.CallFor(frameSignature, inputs, "prediction")
}
