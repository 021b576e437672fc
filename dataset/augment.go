package dataset

import (
	"math"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/video"
)

// draw fills in how the pair is varied: one draw for both frames. w and h are
// the size of the pictures.
func (a AugmentationParams) draw(r *random.Rand, w, h int, it *Item) {
	// Every number is drawn, whatever is switched on: switching one
	// augmentation leaves the draws of the others as they were.
	timeFlip, horizontalFlip := r.Bool(), r.Bool()
	ratio := r.Float64()
	cropX, cropY := r.Float64(), r.Float64()
	it.Brightness = factor(r.Float64(), a.JitterParam.Brightness)
	it.Contrast = factor(r.Float64(), a.JitterParam.Contrast)
	it.Saturation = factor(r.Float64(), a.JitterParam.Saturation)
	it.Hue = a.JitterParam.Hue * (2*r.Float64() - 1)
	for i, change := range r.Perm(len(it.JitterOrder)) {
		it.JitterOrder[i] = uint8(change)
	}

	it.TimeFlip = a.FlipParam.TimeFlip && timeFlip
	it.HorizontalFlip = a.FlipParam.HorizontalFlip && !it.TimeFlip && horizontalFlip
	if it.TimeFlip {
		it.Source, it.Driving = it.Driving, it.Source
	}
	it.Resize = 1
	if a.ResizeParam.on() {
		lo, hi := a.ResizeParam.Ratio[0], a.ResizeParam.Ratio[1]
		it.Resize = lo + float64((hi-lo)*ratio)
	}
	if a.CropParam.on() {
		scaledW, scaledH := scaledSize(w, h, it.Resize)
		it.CropX = int(cropX * float64(max(scaledW, w)-w+1))
		it.CropY = int(cropY * float64(max(scaledH, h)-h+1))
	}
}

// factor maps u of [0, 1) to [max(0, 1-strength), 1+strength].
func factor(u, strength float64) float64 {
	if strength == 0 {
		return 1
	}
	lo, hi := math.Max(0, 1-strength), 1+strength
	return lo + float64((hi-lo)*u)
}

func scaledSize(w, h int, ratio float64) (scaledW, scaledH int) {
	return max(1, int(float64(w)*ratio)), max(1, int(float64(h)*ratio))
}

// write puts the augmented frame to out, which has the frame's size.
func (it *Item) write(f *video.Frame, out []byte) {
	it.flipScaleCrop(f, out)
	it.jitter(out)
}

// flipScaleCrop takes each output pixel from where the flip, the scaling by
// nearest neighbour, the repeated border and the window say it comes from.
func (it *Item) flipScaleCrop(f *video.Frame, out []byte) {
	if it.Resize == 1 && !it.HorizontalFlip {
		copy(out, f.Pix)
		return
	}
	scaledW, scaledH := scaledSize(f.W, f.H, it.Resize)
	columns := origin(f.W, scaledW, it.CropX)
	rows := origin(f.H, scaledH, it.CropY)
	if it.HorizontalFlip {
		for i, x := range columns {
			columns[i] = f.W - 1 - x
		}
	}
	for y, fromY := range rows {
		from := f.Pix[3*f.W*fromY:][:3*f.W]
		to := out[3*f.W*y:][:3*f.W]
		for x, fromX := range columns {
			copy(to[3*x:3*x+3], from[3*fromX:3*fromX+3])
		}
	}
}

// origin returns, for each of n output pixels of one axis, the input pixel:
// n pixels are scaled to `scaled`, grown to at least n by repeating the border
// (the odd one behind), and the window of n that starts at crop is cut.
func origin(n, scaled, crop int) []int {
	before := max(n-scaled, 0) / 2
	at := make([]int, n)
	for i := range at {
		position := min(max(crop+i-before, 0), scaled-1)
		// The centre of the scaled pixel, in input pixels.
		at[i] = min(n-1, int((float64(position)+0.5)*float64(n)/float64(scaled)))
	}
	return at
}
