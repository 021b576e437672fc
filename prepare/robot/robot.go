// Package robot reads the records of the robot pushing set.
package robot

import (
	"bytes"
	"fmt"
	"math"

	"github.com/prioritycut/prioritycut/internal/tfrecord"
	"github.com/prioritycut/prioritycut/video"
)

// Trajectory takes the frames of one camera out of a record of the robot
// pushing set: features 0/image_aux1/encoded, 1/image_aux1/encoded, ... of raw
// RGB bytes, 64x64x3, or of an encoded png or jpg.
func Trajectory(data []byte, camera string, limits video.Limits) ([]*video.Frame, error) {
	features, err := tfrecord.Bytes(data)
	if err != nil {
		return nil, err
	}
	var frames []*video.Frame
	var pixels int64
	for {
		name := fmt.Sprintf("%d/image_%s/encoded", len(frames), camera)
		values, ok := features[name]
		if !ok {
			break
		}
		if len(values) != 1 {
			return nil, fmt.Errorf("feature %s has %d values instead of 1", name, len(values))
		}
		frame, err := rawFrame(values[0], limits)
		if err != nil {
			return nil, fmt.Errorf("feature %s: %w", name, err)
		}
		if pixels += int64(frame.W) * int64(frame.H); pixels > limits.MaxPixels {
			return nil, fmt.Errorf("its pictures up to feature %s have more than %d pixels in all", name, limits.MaxPixels)
		}
		if len(frames) > 0 && (frame.W != frames[0].W || frame.H != frames[0].H) {
			return nil, fmt.Errorf("feature %s changes size from %dx%d to %dx%d pixels", name, frames[0].W, frames[0].H, frame.W, frame.H)
		}
		frames = append(frames, frame)
	}
	if len(frames) == 0 {
		return nil, fmt.Errorf("it has no feature 0/image_%s/encoded: this is not the layout of the robot pushing set, or the other `camera` has the pictures", camera)
	}
	return frames, nil
}

// rawFrame reads a square picture of raw RGB, or an encoded one.
func rawFrame(data []byte, limits video.Limits) (*video.Frame, error) {
	side := int(math.Round(math.Sqrt(float64(len(data)) / 3)))
	square := side > 0 && 3*side*side == len(data)
	encoded := bytes.HasPrefix(data, []byte("\x89PNG")) || bytes.HasPrefix(data, []byte("\xff\xd8\xff"))
	if encoded || !square { // the length of a png may be that of a square too
		f, err := video.DecodePicture(bytes.NewReader(data), limits)
		switch {
		case err == nil:
			return f, nil
		case !square:
			return nil, fmt.Errorf("%d bytes are neither a square of raw RGB nor a picture: %w", len(data), err)
		}
	}
	f := video.NewFrame(side, side)
	copy(f.Pix, data)
	return f, nil
}
