package dataset

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
	step := byte(int(shift * 255)) // wraps, like the sum below
	for i := 0; i+3 <= len(pix); i += 3 {
		h, s, v := toHSV(pix[i], pix[i+1], pix[i+2])
		pix[i], pix[i+1], pix[i+2] = fromHSV(h+step, s, v)
	}
}

// toHSV gives hue, saturation and value in 0..255, truncated.
func toHSV(r, g, b byte) (h, s, v byte) {
	greatest, least := max(r, g, b), min(r, g, b)
	if greatest == least {
		return 0, 0, greatest
	}
	span := float32(greatest - least)
	rc := float32(greatest-r) / span
	gc := float32(greatest-g) / span
	bc := float32(greatest-b) / span
	var sector float32
	switch greatest {
	case r:
		sector = bc - gc
	case g:
		sector = float32(2 + float64(rc) - float64(bc))
	default:
		sector = float32(4 + float64(gc) - float64(rc))
	}
	turn := float64(sector)/6 + 1
	if turn >= 1 {
		turn--
	}
	return byte(float64(float32(turn)) * 255), byte(float64(span/float32(greatest)) * 255), greatest
}

// fromHSV is the way back, with rounded levels.
func fromHSV(h, s, v byte) (r, g, b byte) {
	if s == 0 {
		return v, v, v
	}
	sixths := float64(h) * 6 / 255
	sector := int(sixths)
	rest := float64(float32(sixths - float64(sector)))
	part := float64(float32(float64(s) / 255))
	value := float64(v)
	p := level(value * (1 - part))
	q := level(value * (1 - float64(part*rest)))
	t := level(value * (1 - float64(part*(1-rest))))
	switch sector % 6 {
	case 0:
		return v, t, p
	case 1:
		return q, v, p
	case 2:
		return p, v, t
	case 3:
		return p, q, v
	case 4:
		return t, p, v
	}
	return v, p, q
}

// level rounds a number of 0..255.
func level(v float64) byte { return byte(v + 0.5) }
