package infer

import (
	"testing"

	"github.com/prioritycut/prioritycut/video"
)

// FuzzNotes reads the notes of anybody's SavedModel: an error, or what a model can
// be.
func FuzzNotes(f *testing.F) {
	good, err := Notes{FormatVersion: 1, Variant: "fomm", FrameShape: [3]int{32, 32, 3}, Fit: video.Crop, NumKP: 3}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("format_version: 1\nframe_shape: [1, 2]\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := decodeNotes(data)
		if err != nil {
			return
		}
		if n.FormatVersion < 1 || n.FrameShape[0] < 1 || n.FrameShape[1] < 1 || n.FrameShape[0] > video.MaxSide || n.FrameShape[2] != 3 || n.NumKP < 0 {
			t.Errorf("%+v", n)
		}
	})
}
