package video

import (
	"fmt"
	"math"
	"sync"
)

// Fit says how a picture of one size becomes one of another. It means the same
// wherever pictures enter: training, evaluation and animation.
type Fit string

const (
	// Stretch scales both axes on their own: the aspect is lost, as in the
	// reference's demo.
	Stretch Fit = "stretch"
	// Crop keeps the aspect and cuts what stands out, equally on both sides.
	Crop Fit = "crop"
	// Pad keeps the aspect and the whole picture and fills up with black,
	// equally on both sides.
	Pad Fit = "pad"
)

// Validate reports a value that is none of the three.
func (f Fit) Validate() error {
	switch f {
	case Stretch, Crop, Pad:
		return nil
	}
	return fmt.Errorf("%q is none of stretch, crop, pad", string(f))
}

// MaxSide bounds the sides of what pictures are fitted to.
const MaxSide = 1 << 15

// Apply returns the picture at w x h pixels: itself if it has that size. It is
// resampled with a Catmull-Rom kernel that is widened where the picture
// shrinks, so that fine texture does not alias.
func (f Fit) Apply(in *Frame, w, h int) (*Frame, error) {
	if err := f.Validate(); err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide {
		return nil, fmt.Errorf("fit: cannot make a picture of %dx%d pixels: sides must lie in 1..%d", w, h, MaxSide)
	}
	if err := in.check(); err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	if in.W == w && in.H == h {
		return in, nil
	}
	out := NewFrame(w, h)
	from, to := f.windows(in.W, in.H, w, h)
	resample(in, from, out, to)
	return out, nil
}

// check reports a frame whose pixels do not agree with its size.
func (f *Frame) check() error {
	if f == nil {
		return fmt.Errorf("there is no picture")
	}
	if f.W < 1 || f.H < 1 || len(f.Pix) != 3*f.W*f.H {
		return fmt.Errorf("a picture of %dx%d pixels holds %d bytes instead of 3*%d*%d", f.W, f.H, len(f.Pix), f.W, f.H)
	}
	return nil
}

// span is a stretch of one axis in pixels; picture edges lie at whole numbers.
type span struct{ lo, hi float64 }

// windows returns which part of a picture of inW x inH goes to which part of
// one of w x h (x axis, y axis).
func (f Fit) windows(inW, inH, w, h int) (from, to [2]span) {
	from = [2]span{{0, float64(inW)}, {0, float64(inH)}}
	to = [2]span{{0, float64(w)}, {0, float64(h)}}
	wide := float64(inW)*float64(h) > float64(w)*float64(inH)
	switch {
	case f == Crop && wide:
		from[0] = centre(inW, float64(inH)*float64(w)/float64(h))
	case f == Crop:
		from[1] = centre(inH, float64(inW)*float64(h)/float64(w))
	case f == Pad && wide:
		to[1] = whole(centre(h, float64(w)*float64(inH)/float64(inW)))
	case f == Pad:
		to[0] = whole(centre(w, float64(h)*float64(inW)/float64(inH)))
	}
	return from, to
}

// centre is the middle part of an axis of n pixels.
func centre(n int, length float64) span {
	margin := (float64(n) - length) / 2
	return span{margin, float64(n) - margin}
}

// whole rounds to pixels, at least one, so that bars have sharp edges.
func whole(s span) span {
	lo := math.Floor(s.lo + 0.5)
	return span{lo, max(lo+1, math.Floor(s.hi+0.5))}
}

// taps are the weights of a resampled axis: output pixel i is the sum of
// weights[i*width+j] * input[first[i]+j]. Weights sum to 1; input pixels
// outside the picture are left out.
type taps struct {
	first   []int
	width   int
	weights []float32
}

type tapsKey struct {
	n, out   int
	from, to span
}

// tapsCache keeps the weights of the few sizes that a program uses.
var tapsCache struct {
	sync.Mutex
	kept map[tapsKey]*taps
}

// maxTapsKept bounds the cache against a folder of pictures of many sizes.
const maxTapsKept = 64

func cachedTaps(key tapsKey) *taps {
	tapsCache.Lock()
	t := tapsCache.kept[key]
	tapsCache.Unlock()
	if t != nil {
		return t
	}
	t = makeTaps(key)
	tapsCache.Lock()
	defer tapsCache.Unlock()
	if tapsCache.kept == nil || len(tapsCache.kept) >= maxTapsKept {
		tapsCache.kept = map[tapsKey]*taps{}
	}
	tapsCache.kept[key] = t
	return t
}

// makeTaps computes weights for the output pixels within key.to.
func makeTaps(key tapsKey) *taps {
	scale := (key.from.hi - key.from.lo) / (key.to.hi - key.to.lo)
	stretch := max(scale, 1)
	lo, hi := int(key.to.lo), int(key.to.hi)
	t := &taps{width: min(key.n, int(math.Ceil(4*stretch))+1), first: make([]int, hi-lo)}
	t.weights = make([]float32, (hi-lo)*t.width)
	row := make([]float64, t.width)
	for i := range t.first {
		at := key.from.lo + (float64(i)+0.5)*scale // in input pixels
		first := int(math.Ceil(at - 2*stretch - 0.5))
		first = max(0, min(first, key.n-t.width))
		var sum float64
		for j := range row {
			row[j] = catmullRom((float64(first+j) + 0.5 - at) / stretch)
			sum += row[j]
		}
		for j, v := range row {
			t.weights[i*t.width+j] = float32(v / sum)
		}
		t.first[i] = first
	}
	return t
}

// catmullRom is the cubic kernel with B = 0, C = 1/2; its support is [-2, 2].
func catmullRom(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((-0.5*x+2.5)*x-4)*x + 2
	}
	return 0
}

// resample fills the part `to` of out from the part `from` of in, first along
// x, then along y.
func resample(in *Frame, from [2]span, out *Frame, to [2]span) {
	tx := cachedTaps(tapsKey{in.W, out.W, from[0], to[0]})
	ty := cachedTaps(tapsKey{in.H, out.H, from[1], to[1]})
	w := len(tx.first)

	// Only the input rows that some output row looks at.
	firstRow := ty.first[0]
	lastRow := ty.first[len(ty.first)-1] + ty.width
	rows := make([]float32, (lastRow-firstRow)*3*w)
	for y := firstRow; y < lastRow; y++ {
		tx.horizontal(in.Pix[3*in.W*y:3*in.W*(y+1)], rows[(y-firstRow)*3*w:(y-firstRow+1)*3*w])
	}

	left, top := int(to[0].lo), int(to[1].lo)
	sum := make([]float32, 3*w)
	for i, first := range ty.first {
		clear(sum)
		for j, weight := range ty.weights[i*ty.width : (i+1)*ty.width] {
			if weight == 0 {
				continue
			}
			row := rows[(first-firstRow+j)*3*w:][:3*w]
			for k, v := range row {
				sum[k] += float32(weight * v)
			}
		}
		line := out.Pix[3*(out.W*(top+i)+left):][:3*w]
		for k, v := range sum {
			line[k] = clip8(v)
		}
	}
}

// horizontal resamples one row of RGB pixels.
func (t *taps) horizontal(in []byte, out []float32) {
	for i, first := range t.first {
		var r, g, b float32
		weights := t.weights[i*t.width : (i+1)*t.width]
		px := in[3*first:][:3*len(weights)]
		for j, weight := range weights {
			r += float32(weight * float32(px[3*j]))
			g += float32(weight * float32(px[3*j+1]))
			b += float32(weight * float32(px[3*j+2]))
		}
		out[3*i], out[3*i+1], out[3*i+2] = r, g, b
	}
}

// clip8 rounds to the nearest level of 0..255.
func clip8(v float32) byte {
	switch {
	case v <= 0:
		return 0
	case v >= 254.5:
		return 255
	}
	return byte(v + 0.5)
}
