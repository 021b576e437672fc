package animate

import (
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/video"
)

// ReadableWidth is how many pixels wide pictures are shown at least: those of
// small models are enlarged by a whole factor.
const ReadableWidth = 192

// Enlargement is the whole factor by which pictures of a width are enlarged to be
// readable, 1 at least.
func Enlargement(w int) int { return max(1, (ReadableWidth+w-1)/w) }

// Marked enlarges a frame to a readable size and marks keypoints, in [-1, 1], by
// discs of one colour each.
func Marked(f *video.Frame, points [][2]float64) (*video.Frame, error) {
	places := make([]picture.Point, len(points))
	for i, p := range points {
		places[i] = picture.Point{X: p[0], Y: p[1]}
	}
	const discs = 80 // of them side by side are as wide as the picture
	style := picture.Style{KPSize: min(f.W, f.H) / (2 * discs)}
	return video.FromImage(style.Keypoints(f.Image(), places, Enlargement(f.W)))
}
