package dataset

import (
	"math"
	"sync"
)

// The colour arithmetic below is the one of 8-bit images in Pillow, which the
// reference's augmentation goes through: the same roundings and truncations,
// so that a model sees the same colours. Pictures are flat RGB.

// The four changes of colour, in the numbering of Item.JitterOrder.
const (
	jitterBrightness = iota
	jitterContrast
	jitterSaturation
	jitterHue
)

// jitter changes the colours of a picture in place, in the item's order.
func (it *Item) jitter(pix []byte) {
	for _, change := range it.JitterOrder {
		switch change {
		case jitterBrightness:
			brightness(pix, it.Brightness)
		case jitterContrast:
			contrast(pix, it.Contrast)
		case jitterSaturation:
			saturation(pix, it.Saturation)
		case jitterHue:
			shiftHue(pix, it.Hue)
		}
	}
}

// blend is from + factor*(to-from) in float32, truncated; beyond 0..1 of the
// factor also clipped.
func blend(from, to byte, factor float32) byte {
	v := float32(from) + float32(factor*float32(int(to)-int(from)))
	switch {
	case v <= 0:
		return 0
	case v >= 255:
		return 255
	}
	return byte(v)
}

// blendTable tabulates blend from one level.
func blendTable(from byte, factor float64) *[256]byte {
	var table [256]byte
	for v := range table {
		table[v] = blend(from, byte(v), float32(factor))
	}
	return &table
}

func apply(pix []byte, table *[256]byte) {
	for i, v := range pix {
		pix[i] = table[v]
	}
}

// brightness blends with black.
func brightness(pix []byte, factor float64) {
	if factor != 1 {
		apply(pix, blendTable(0, factor))
	}
}

// contrast blends with the rounded mean of the picture's grey levels.
func contrast(pix []byte, factor float64) {
	if factor == 1 || len(pix) < 3 {
		return
	}
	var sum uint64
	for i := 0; i+3 <= len(pix); i += 3 {
		sum += uint64(grey(pix[i], pix[i+1], pix[i+2]))
	}
	mean := byte(float64(sum)/float64(len(pix)/3) + 0.5)
	apply(pix, blendTable(mean, factor))
}

// saturation blends with the grey picture.
func saturation(pix []byte, factor float64) {
	if factor == 1 {
		return
	}
	f := float32(factor)
	for i := 0; i+3 <= len(pix); i += 3 {
		g := grey(pix[i], pix[i+1], pix[i+2])
		pix[i] = blend(g, pix[i], f)
		pix[i+1] = blend(g, pix[i+1], f)
		pix[i+2] = blend(g, pix[i+2], f)
	}
}

// grey is the luma of ITU-R 601 in 16-bit fixed point, rounded.
func grey(r, g, b byte) byte {
	return byte((uint32(r)*19595 + uint32(g)*38470 + uint32(b)*7471 + 0x8000) >> 16)
}

// shiftHue turns the hue, stored in 8 bits, by a part of a full turn. A shift
// of less than 1/255 still quantises the colours through HSV, as the original.
func shiftHue(pix []byte, shift float64) {
	if shift == 0 {
		return
	}
	tables := hueTables()
	step := byte(int(shift * 255)) // wraps, like the sum below
	for i := 0; i+3 <= len(pix); i += 3 {
		h, s, v := tables.toHSV(pix[i], pix[i+1], pix[i+2])
		pix[i], pix[i+1], pix[i+2] = tables.fromHSV(h+step, s, v)
	}
}

// hueTable holds what is costly about a colour's way to HSV and back.
type hueTable struct {
	// hue[sector][span][rest]: rest is how far the middle channel lies below
	// the greatest, span how far the least does; sector is twice the number of
	// the greatest channel, plus one if the least comes next after it.
	hue [6][256][256]byte
	// saturation[greatest][span].
	saturation [256][256]byte
	// sector and rest of a hue, part of full saturation.
	sector [256]uint8
	rest   [256]float64
	part   [256]float64
}

var hueTables = sync.OnceValue(func() *hueTable {
	t := &hueTable{}
	for span := 1; span < 256; span++ {
		for rest := 0; rest <= span; rest++ {
			for sector := range t.hue {
				t.hue[sector][span][rest] = hueOf(sector, span, rest)
			}
		}
		for greatest := span; greatest < 256; greatest++ {
			t.saturation[greatest][span] = byte(float64(float32(span)/float32(greatest)) * 255)
		}
	}
	for v := range t.sector {
		sixths := float64(v) * 6 / 255
		t.sector[v] = uint8(sixths)
		t.rest[v] = float64(float32(sixths - math.Floor(sixths)))
		t.part[v] = float64(float32(float64(v) / 255))
	}
	return t
})

// hueOf is the hue in 0..255, truncated: distances of the other two channels
// from the greatest, in units of the span, as float32 like the original.
func hueOf(sector, span, rest int) byte {
	middle := float32(rest) / float32(span)
	next, last := middle, float32(1) // of the two channels after the greatest
	if sector%2 == 1 {
		next, last = 1, middle
	}
	var sixths float32
	switch sector / 2 {
	case 0:
		sixths = last - next
	case 1:
		sixths = float32(2 + float64(last) - float64(next))
	default:
		sixths = float32(4 + float64(last) - float64(next))
	}
	turn := float64(sixths)/6 + 1
	if turn >= 1 {
		turn--
	}
	return byte(float64(float32(turn)) * 255)
}

// toHSV gives hue, saturation and value in 0..255, truncated.
func (t *hueTable) toHSV(r, g, b byte) (h, s, v byte) {
	switch v = max(r, g, b); v {
	case min(r, g, b):
		return 0, 0, v
	case r:
		h, s = t.turn(0, v, g, b)
	case g:
		h, s = t.turn(2, v, b, r)
	default:
		h, s = t.turn(4, v, r, g)
	}
	return h, s, v
}

// turn looks up the hue and the saturation of a colour with the greatest
// channel and the two that follow it in the circle r, g, b.
func (t *hueTable) turn(sector int, greatest, next, last byte) (h, s byte) {
	if next < last {
		span := greatest - next
		return t.hue[sector+1][span][greatest-last], t.saturation[greatest][span]
	}
	span := greatest - last
	return t.hue[sector][span][greatest-next], t.saturation[greatest][span]
}

// fromHSV is the way back, with rounded levels.
func (t *hueTable) fromHSV(h, s, v byte) (r, g, b byte) {
	if s == 0 {
		return v, v, v
	}
	part, rest, value := t.part[s], t.rest[h], float64(v)
	low := level(value * (1 - part))
	switch t.sector[h] {
	case 0, 6:
		return v, level(value * (1 - float64(part*(1-rest)))), low
	case 1:
		return level(value * (1 - float64(part*rest))), v, low
	case 2:
		return low, v, level(value * (1 - float64(part*(1-rest))))
	case 3:
		return low, level(value * (1 - float64(part*rest))), v
	case 4:
		return level(value * (1 - float64(part*(1-rest)))), low, v
	}
	return v, low, level(value * (1 - float64(part*rest)))
}

// level rounds a number of 0..255.
func level(v float64) byte { return byte(v + 0.5) }
