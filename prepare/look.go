package prepare

import (
	"context"
	"image"

	"github.com/prioritycut/prioritycut/video"
)

// gridSide is the number of cells along either axis of the small grey picture
// that stands for a frame while a video is looked at.
const gridSide = 32

// histogramBins are the bins of a frame's histogram of grey levels.
const histogramBins = 32

// small is what is kept of a frame.
type small struct {
	// cells [gridSide, gridSide] are the mean grey levels.
	cells [gridSide * gridSide]byte
	// change tells how much the frame differs from the one before: its mean
	// difference of cells and the difference of histograms, both in [0, 1].
	blocks, histogram float32
}

// shrink sums up a frame: grey cells, and shares of grey levels.
func shrink(f *video.Frame) (cells [gridSide * gridSide]byte, histogram [histogramBins]float32) {
	var sums, counts [gridSide * gridSide]uint32
	var bins [histogramBins]uint32
	columns := make([]int, f.W)
	for x := range columns {
		columns[x] = x * gridSide / f.W
	}
	for y := 0; y < f.H; y++ {
		row := y * gridSide / f.H * gridSide
		line := f.Pix[3*f.W*y:][:3*f.W]
		for x, column := range columns {
			// Rec. 601 luma in 8-bit fixed point.
			grey := (77*uint32(line[3*x]) + 150*uint32(line[3*x+1]) + 29*uint32(line[3*x+2])) >> 8
			sums[row+column] += grey
			counts[row+column]++
			bins[grey*histogramBins>>8]++
		}
	}
	for i, n := range counts {
		if n > 0 {
			cells[i] = byte((sums[i] + n/2) / n)
			continue
		}
		// A picture narrower than the grid: the cell shows the pixel at its place.
		x, y := i%gridSide*f.W/gridSide, i/gridSide*f.H/gridSide
		p := f.Pix[3*(y*f.W+x):]
		cells[i] = byte((77*uint32(p[0]) + 150*uint32(p[1]) + 29*uint32(p[2])) >> 8)
	}
	for i, n := range bins {
		histogram[i] = float32(n) / float32(f.W*f.H)
	}
	return cells, histogram
}

// look is all that is kept of a video while it is looked at.
type look struct {
	w, h   int
	frames []small
	// points are keypoints of every pointStride-th frame, in pixels.
	points [][]point
	damage string // why it ended early
}

// point is a place in a picture, in pixels.
type point struct{ x, y float64 }

// pointStride is how often a detector is asked: figures move little in a few
// frames, and detectors are slow.
const pointStride = 4

// detector finds keypoints.
type detector interface {
	// points returns the keypoints of pictures, in pixels.
	points(frames []*video.Frame) ([][]point, error)
}

// lookAt reads a whole video.
func lookAt(ctx context.Context, in *input, o *Options, d detector) (*look, error) {
	f, err := in.open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer f.close()
	l := &look{}
	var last [histogramBins]float32
	var waiting []*video.Frame
	ask := func() error {
		if len(waiting) == 0 {
			return nil
		}
		found, err := d.points(waiting)
		l.points = append(l.points, found...)
		waiting = waiting[:0]
		if err != nil {
			return &modelError{err}
		}
		return nil
	}
	for {
		frame, err := f.next()
		if err != nil {
			if l.damage, err = damage(ctx, err); err != nil {
				return nil, err
			}
			break
		}
		var s small
		var histogram [histogramBins]float32
		s.cells, histogram = shrink(frame)
		if n := len(l.frames); n > 0 {
			s.blocks, s.histogram = distance(&l.frames[n-1].cells, &s.cells), histogramDistance(last, histogram)
		}
		last = histogram
		if d != nil && len(l.frames)%pointStride == 0 {
			const batch = 8
			if waiting = append(waiting, frame); len(waiting) == batch {
				if err := ask(); err != nil {
					return nil, err
				}
			}
		}
		l.frames = append(l.frames, s)
		o.Progress.Frames(1)
	}
	l.w, l.h = f.w, f.h
	return l, ask()
}

// distance is the mean absolute difference of cells in [0, 1].
func distance(a, b *[gridSide * gridSide]byte) float32 {
	sum := 0
	for i, v := range a {
		d := int(v) - int(b[i])
		sum += max(d, -d)
	}
	return float32(sum) / (255 * gridSide * gridSide)
}

// histogramDistance is half the sum of absolute differences, in [0, 1].
func histogramDistance(a, b [histogramBins]float32) float32 {
	var sum float32
	for i, v := range a {
		sum += max(v-b[i], b[i]-v)
	}
	return sum / 2
}

// span is a stretch of frames: First to End without it.
type span struct{ First, End int }

func (s span) len() int { return s.End - s.First }

// rect is a box in pixels that goes through JSON in short.
type rect [4]int // left, top, width, height

func newRect(r image.Rectangle) rect { return rect{r.Min.X, r.Min.Y, r.Dx(), r.Dy()} }

func (r rect) rectangle() image.Rectangle { return image.Rect(r[0], r[1], r[0]+r[2], r[1]+r[3]) }

// whole means that no box is cut out.
func (r rect) whole() bool { return r == rect{} }
