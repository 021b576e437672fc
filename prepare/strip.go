package prepare

import (
	"image"
	"image/draw"
	"image/jpeg"
	"io"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/video"
)

// A strip shows a clip at a glance: frames side by side, evenly spaced.
const (
	stripFrames = 8
	stripSide   = 96
)

// strip collects frames of a clip whose length is not known: every stride-th
// one; when there are too many, every second of them is dropped.
type strip struct {
	stride int
	kept   []*video.Frame
}

func (s *strip) add(n int, frame *video.Frame) {
	s.stride = max(s.stride, 1)
	if n%s.stride != 0 {
		return
	}
	thumb, err := video.Crop.Apply(frame, stripSide, stripSide)
	if err != nil {
		return // a frame that cannot be shrunk is reported where it is fitted
	}
	s.kept = append(s.kept, thumb)
	if len(s.kept) == 4*stripFrames {
		for i := 0; i < len(s.kept)/2; i++ {
			s.kept[i] = s.kept[2*i]
		}
		s.kept = s.kept[:len(s.kept)/2]
		s.stride *= 2
	}
}

// write writes the strip as a jpg.
func (s *strip) write(files durable.FileSystem, path string) error {
	n := min(stripFrames, len(s.kept))
	sheet := image.NewRGBA(image.Rect(0, 0, n*stripSide, stripSide))
	for i := 0; i < n; i++ {
		at := 0
		if n > 1 {
			at = i * (len(s.kept) - 1) / (n - 1)
		}
		draw.Draw(sheet, image.Rect(i*stripSide, 0, (i+1)*stripSide, stripSide), s.kept[at].Image(), image.Point{}, draw.Src)
	}
	return durable.WriteOn(files, path, func(out io.Writer) error { return jpeg.Encode(out, sheet, &jpeg.Options{Quality: 85}) })
}
