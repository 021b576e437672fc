package robot

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/prioritycut/prioritycut/video"
)

// FuzzTrajectory reads records of anybody: an error, or pictures of one size
// within the limits.
func FuzzTrajectory(f *testing.F) {
	field := func(number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
	}
	var features []byte
	for i := range 3 {
		key := field(1, fmt.Appendf(nil, "%d/image_aux1/encoded", i))
		features = append(features, field(1, append(key, field(2, field(1, field(1, make([]byte, 3*4*4))))...))...)
	}
	f.Add(field(1, features))
	f.Add(features)
	f.Add([]byte{})
	limits := video.Limits{MaxPixels: 1 << 12, MaxFrames: 8}
	f.Fuzz(func(t *testing.T, data []byte) {
		frames, err := Trajectory(data, "aux1", limits)
		if err != nil {
			return
		}
		for _, frame := range frames {
			if len(frame.Pix) != 3*frame.W*frame.H || int64(frame.W)*int64(frame.H) > limits.MaxPixels {
				t.Errorf("%dx%d, %d bytes", frame.W, frame.H, len(frame.Pix))
			}
		}
	})
}
