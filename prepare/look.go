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

// share says which cells a row or column of pixels belongs to, and how much of
// it to the first, in 256ths; the rest belongs to the next.
type share struct {
	cell  int
	first uint64
}

// shares divides n pixels among the cells of one axis. Pixels lie across the
// borders of cells: to count them whole would move edges in small pictures.
func shares(n int) []share {
	all := make([]share, n)
	for i := range all {
		from, to := i*gridSide*256/n, (i+1)*gridSide*256/n
		cell := from >> 8
		all[i] = share{cell, 256}
		if border := (cell + 1) << 8; to > border {
			all[i].first = uint64(256 * (border - from) / (to - from))
		}
	}
	return all
}

func luma(p []byte) uint64 {
	// Rec. 601 in 8-bit fixed point.
	return (77*uint64(p[0]) + 150*uint64(p[1]) + 29*uint64(p[2])) >> 8
}

// shrink sums up a frame: grey cells, and shares of grey levels.
func shrink(f *video.Frame) (cells [gridSide * gridSide]byte, histogram [histogramBins]float32) {
	if f.W < gridSide || f.H < gridSide {
		f = repeated(f)
	}
	var bins [histogramBins]uint32
	var sums, weights [gridSide * gridSide]uint64
	columns, rows := shares(f.W), shares(f.H)
	var columnWeights [gridSide]uint64
	for _, c := range columns {
		columnWeights[c.cell] += c.first
		if c.first < 256 {
			columnWeights[c.cell+1] += 256 - c.first
		}
	}
	for y, r := range rows {
		var line [gridSide + 1]uint64
		pixels := f.Pix[3*f.W*y:][:3*f.W]
		for x, c := range columns {
			grey := luma(pixels[3*x:])
			bins[grey*histogramBins>>8]++
			line[c.cell] += c.first * grey
			line[c.cell+1] += (256 - c.first) * grey
		}
		for x := 0; x < gridSide; x++ {
			at := r.cell*gridSide + x
			sums[at] += r.first * line[x]
			weights[at] += r.first * columnWeights[x]
			if r.first < 256 {
				sums[at+gridSide] += (256 - r.first) * line[x]
				weights[at+gridSide] += (256 - r.first) * columnWeights[x]
			}
		}
	}
	for i := range cells {
		cells[i] = byte((sums[i] + weights[i]/2) / weights[i])
	}
	for i, n := range bins {
		histogram[i] = float32(n) / float32(f.W*f.H)
	}
	return cells, histogram
}

// repeated enlarges a picture with fewer pixels than the grid has cells by
// repeating its pixels.
func repeated(f *video.Frame) *video.Frame {
	n := (gridSide + min(f.W, f.H) - 1) / min(f.W, f.H)
	g := video.NewFrame(n*f.W, n*f.H)
	for y := 0; y < g.H; y++ {
		for x := 0; x < g.W; x++ {
			copy(g.Pix[3*(y*g.W+x):][:3], f.Pix[3*(y/n*f.W+x/n):])
		}
	}
	return g
}

// look is all that is kept of a video while it is looked at.
type look struct {
	w, h   int
	frames []small
	parts  []span // the scenes
	// points are keypoints of every pointStride-th frame, in pixels.
	points [][]point
	damage string // why it ended early
	// remarks are what was learned of the video while it was read.
	remarks []string
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

// lookAt reads a whole video, or as much of a long one as there is memory for.
func lookAt(ctx context.Context, in *input, o *Options, d detector) (*look, error) {
	whole := *in
	whole.taken = nil
	f, err := whole.open(ctx, o)
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
		if len(l.frames) == o.looked {
			l.damage = "no more are looked at; divide the film"
			break
		}
		var s small
		var histogram [histogramBins]float32
		s.cells, histogram = shrink(frame)
		if n := len(l.frames); n > 0 {
			s.blocks, s.histogram = distance(&l.frames[n-1].cells, &s.cells), histogramDistance(last, histogram)
		}
		last = histogram
		if at, taken := in.place(len(l.frames)); d != nil && taken && at%pointStride == 0 {
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
	l.w, l.h, l.remarks = f.w, f.h, f.remarks()
	l.parts = l.scenes()
	l.thin(in)
	return l, ask()
}

// thin leaves the frames that are taken. Scenes are those of all frames: of few
// a second, each would differ from the next as if the scene had changed.
func (l *look) thin(in *input) {
	if in.taken == nil {
		return
	}
	n := in.takenBefore(len(l.frames))
	for i, stored := range in.taken[:n] { // stored >= i
		l.frames[i] = l.frames[stored]
	}
	l.frames = l.frames[:n]
	parts := l.parts[:0]
	for _, p := range l.parts {
		if p = (span{in.takenBefore(p.First), in.takenBefore(p.End)}); p.len() > 0 {
			parts = append(parts, p)
		}
	}
	l.parts = parts
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
