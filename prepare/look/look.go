// Package look is what is seen in a video without knowing what it shows: where
// the scene changes, how much moves, and the square around it. Frames are kept as
// small grey pictures, so that hours of film fit into memory.
package look

import "github.com/prioritycut/prioritycut/video"

// Side is the number of cells along either axis of the Frame grey picture
// that stands for a frame while a video is looked at.
const Side = 32

// Cells [Side, Side] are grey levels.
type Cells [Side * Side]byte

// CellsOf sums up a frame.
func CellsOf(f *video.Frame) Cells {
	cells, _ := shrink(f)
	return cells
}

// histogramBins are the bins of a frame's histogram of grey levels.
const histogramBins = 32

// Frame is what is kept of a frame.
type Frame struct {
	// Cells are the mean grey levels.
	Cells Cells
	// Blocks and Histogram tell how much the frame differs from the one before: its mean
	// difference of cells and the difference of histograms, both in [0, 1].
	Blocks, Histogram float32
}

// share says which cells a row or column of pixels belongs to, and how much of
// it to the first, in 256ths; the rest belongs to the next.
type share struct {
	cell  int
	first uint64
}

// shares divides n pixels among the cells of one axis. Pixels lie across the
// borders of cells: to count them whole would move edges in Frame pictures.
func shares(n int) []share {
	all := make([]share, n)
	for i := range all {
		from, to := i*Side*256/n, (i+1)*Side*256/n
		cell := from >> 8
		all[i] = share{cell, 256}
		if border := (cell + 1) << 8; to > border {
			all[i].first = uint64(256 * (border - from) / (to - from))
		}
	}
	return all
}

func luma(p []byte) uint64 {
	// Rec. 601 in 8-bit fixed Point.
	return (77*uint64(p[0]) + 150*uint64(p[1]) + 29*uint64(p[2])) >> 8
}

// shrink sums up a frame: grey cells, and shares of grey levels.
func shrink(f *video.Frame) (cells Cells, histogram [histogramBins]float32) {
	if f.W < Side || f.H < Side {
		f = repeated(f)
	}
	var bins [histogramBins]uint32
	var sums, weights [Side * Side]uint64
	columns, rows := shares(f.W), shares(f.H)
	var columnWeights [Side]uint64
	for _, c := range columns {
		columnWeights[c.cell] += c.first
		if c.first < 256 {
			columnWeights[c.cell+1] += 256 - c.first
		}
	}
	for y, r := range rows {
		var line [Side + 1]uint64
		pixels := f.Pix[3*f.W*y:][:3*f.W]
		for x, c := range columns {
			grey := luma(pixels[3*x:])
			bins[grey*histogramBins>>8]++
			line[c.cell] += c.first * grey
			line[c.cell+1] += (256 - c.first) * grey
		}
		for x := 0; x < Side; x++ {
			at := r.cell*Side + x
			sums[at] += r.first * line[x]
			weights[at] += r.first * columnWeights[x]
			if r.first < 256 {
				sums[at+Side] += (256 - r.first) * line[x]
				weights[at+Side] += (256 - r.first) * columnWeights[x]
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
	n := (Side + min(f.W, f.H) - 1) / min(f.W, f.H)
	g := video.NewFrame(n*f.W, n*f.H)
	for y := 0; y < g.H; y++ {
		for x := 0; x < g.W; x++ {
			copy(g.Pix[3*(y*g.W+x):][:3], f.Pix[3*(y/n*f.W+x/n):])
		}
	}
	return g
}

// Video is all that is kept of a video while it is looked at. The zero value has
// no frame yet.
type Video struct {
	W, H   int
	Frames []Frame
	// Points are keypoints of every PointStride-th frame, in pixels; none where
	// nobody finds them.
	Points [][]Point

	last [histogramBins]float32 // of the last frame
}

// Add takes the next frame in.
func (l *Video) Add(f *video.Frame) {
	var s Frame
	var histogram [histogramBins]float32
	s.Cells, histogram = shrink(f)
	if n := len(l.Frames); n > 0 {
		s.Blocks, s.Histogram = distance(&l.Frames[n-1].Cells, &s.Cells), histogramDistance(l.last, histogram)
	}
	l.last = histogram
	l.Frames = append(l.Frames, s)
	l.W, l.H = f.W, f.H
}

// Point is a place in a picture, in pixels.
type Point struct{ X, Y float64 }

// PointStride is how often keypoints are found: figures move little in a few
// frames, and detectors are slow.
const PointStride = 4

// distance is the mean absolute difference of cells in [0, 1].
func distance(a, b *Cells) float32 {
	sum := 0
	for i, v := range a {
		d := int(v) - int(b[i])
		sum += max(d, -d)
	}
	return float32(sum) / (255 * Side * Side)
}

// histogramDistance is half the sum of absolute differences, in [0, 1].
func histogramDistance(a, b [histogramBins]float32) float32 {
	var sum float32
	for i, v := range a {
		sum += max(v-b[i], b[i]-v)
	}
	return sum / 2
}

// Span is a stretch of frames: First to End without it.
type Span struct{ First, End int }

// Len is how many frames it has.
func (s Span) Len() int { return s.End - s.First }
