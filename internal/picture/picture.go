// Package picture turns what a network computes into pictures that a person
// can read: RGB batches, heatmaps with a fixed colour scale, keypoints, masks,
// boxes, difference images, and grids of them with captions.
//
// Arrays come flat and row-major, as TensorFlow gives them. What is not a
// number is never hidden: it is drawn in a colour that no scale contains.
package picture

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
)

// maxSide bounds the sides of a picture before it is allocated.
const maxSide = 1 << 16

// NotANumber is the colour of NaN in every picture: pure magenta.
var NotANumber = color.RGBA{255, 0, 255, 255}

// checkLength says whether an array of length values holds n pictures of
// h x w pixels with c channels.
func checkLength(length, n, h, w, c int) error {
	for _, d := range [4]int{n, h, w, c} {
		if d < 1 || d > maxSide {
			return fmt.Errorf("picture: shape [%d,%d,%d,%d] must have sides in [1, %d]", n, h, w, c, maxSide)
		}
	}
	if int64(n)*int64(h) > math.MaxInt64/int64(maxSide)/int64(maxSide) || int64(n)*int64(h)*int64(w)*int64(c) != int64(length) {
		return fmt.Errorf("picture: %d values are not of shape [%d,%d,%d,%d]", length, n, h, w, c)
	}
	return nil
}

// FromBytes makes pictures of RGB bytes, [n,h,w,3].
func FromBytes(pix []byte, n, h, w int) ([]*image.RGBA, error) {
	if err := checkLength(len(pix), n, h, w, 3); err != nil {
		return nil, err
	}
	return each(n, h, w, func(at int) color.RGBA {
		return color.RGBA{pix[3*at], pix[3*at+1], pix[3*at+2], 255}
	}), nil
}

// FromFloats makes pictures of RGB values in [0, 1], [n,h,w,3]. Values beyond
// are clipped.
func FromFloats(v []float32, n, h, w int) ([]*image.RGBA, error) {
	if err := checkLength(len(v), n, h, w, 3); err != nil {
		return nil, err
	}
	return each(n, h, w, func(at int) color.RGBA {
		r, g, b := v[3*at], v[3*at+1], v[3*at+2]
		if r != r || g != g || b != b {
			return NotANumber
		}
		return color.RGBA{level(float64(r)), level(float64(g)), level(float64(b)), 255}
	}), nil
}

// each makes n pictures; f gives the colour of pixel i of all of them.
func each(n, h, w int, f func(i int) color.RGBA) []*image.RGBA {
	pictures := make([]*image.RGBA, n)
	for k := range pictures {
		m := image.NewRGBA(image.Rect(0, 0, w, h))
		for i := 0; i < h*w; i++ {
			c := f(k*h*w + i)
			m.Pix[4*i], m.Pix[4*i+1], m.Pix[4*i+2], m.Pix[4*i+3] = c.R, c.G, c.B, c.A
		}
		pictures[k] = m
	}
	return pictures
}

// level gives the byte nearest to 255*v, clipped.
func level(v float64) byte {
	return byte(255*min(max(v, 0), 1) + 0.5)
}

// canvas copies a picture to one whose corner is (0, 0).
func canvas(src image.Image) *image.RGBA {
	b := src.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(dst, dst.Bounds(), src, b.Min, draw.Src)
	return dst
}

// filled is a picture of one colour.
func filled(w, h int, c color.Color) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

// Zoom enlarges a picture by a whole factor, each pixel to a square of its
// own, so that small pictures show what they are. Factors below 1 count as 1.
func Zoom(src image.Image, factor int) *image.RGBA {
	m := canvas(src)
	if factor <= 1 {
		return m
	}
	return Resize(m, m.Rect.Dx()*factor, m.Rect.Dy()*factor)
}

// Resize brings a picture to w x h pixels by nearest neighbour. Sides below 1
// count as 1.
func Resize(src image.Image, w, h int) *image.RGBA {
	m := canvas(src)
	w, h = min(max(w, 1), maxSide), min(max(h, 1), maxSide)
	sw, sh := m.Rect.Dx(), m.Rect.Dy()
	if sw == w && sh == h || sw == 0 || sh == 0 {
		return m
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := 0; y < h; y++ {
		row := m.Pix[(2*y+1)*sh/(2*h)*m.Stride:]
		for x := 0; x < w; x++ {
			at := 4 * ((2*x + 1) * sw / (2 * w))
			copy(dst.Pix[y*dst.Stride+4*x:][:4], row[at:at+4])
		}
	}
	return dst
}

// Stack puts pictures one below another, at the left, with gap white pixels
// between them.
func Stack(gap int, pictures ...image.Image) *image.RGBA {
	w, h := 0, 0
	for i, p := range pictures {
		if i > 0 {
			h += gap
		}
		w, h = max(w, p.Bounds().Dx()), h+p.Bounds().Dy()
	}
	dst := filled(w, h, color.White)
	y := 0
	for _, p := range pictures {
		b := p.Bounds()
		draw.Draw(dst, image.Rect(0, y, b.Dx(), y+b.Dy()), p, b.Min, draw.Over)
		y += b.Dy() + gap
	}
	return dst
}
