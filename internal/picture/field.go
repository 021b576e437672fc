package picture

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// Field is a picture of one number per pixel: a mask, an occlusion map, the
// scores of a discriminator, an error.
type Field struct {
	W, H   int
	Values []float32 // [H,W]
}

// NewField checks that v is [h,w].
func NewField(v []float32, h, w int) (Field, error) {
	if err := checkLength(len(v), 1, h, w, 1); err != nil {
		return Field{}, err
	}
	return Field{W: w, H: h, Values: v}, nil
}

// Fields takes one channel of each picture of v, [n,h,w,c].
func Fields(v []float32, n, h, w, c, channel int) ([]Field, error) {
	if err := checkLength(len(v), n, h, w, c); err != nil {
		return nil, err
	}
	if channel < 0 || channel >= c {
		return nil, fmt.Errorf("picture: no channel %d among %d", channel, c)
	}
	fields := make([]Field, n)
	for k := range fields {
		values := make([]float32, h*w)
		for i := range values {
			values[i] = v[(k*h*w+i)*c+channel]
		}
		fields[k] = Field{W: w, H: h, Values: values}
	}
	return fields, nil
}

// FieldOfBytes makes a field of bytes, [h,w]: a byte b becomes b / top.
func FieldOfBytes(b []byte, h, w int, top float32) (Field, error) {
	if err := checkLength(len(b), 1, h, w, 1); err != nil {
		return Field{}, err
	}
	values := make([]float32, len(b))
	for i, v := range b {
		values[i] = float32(v) / top
	}
	return Field{W: w, H: h, Values: values}, nil
}

// Difference is the mean over the channels of |a - b| at each pixel, in
// [0, 1]. The pictures must be of one size.
func Difference(a, b image.Image) (Field, error) {
	p, q := canvas(a), canvas(b)
	if p.Rect != q.Rect {
		return Field{}, fmt.Errorf("picture: difference of %dx%d and %dx%d pixels", p.Rect.Dx(), p.Rect.Dy(), q.Rect.Dx(), q.Rect.Dy())
	}
	f := Field{W: p.Rect.Dx(), H: p.Rect.Dy(), Values: make([]float32, p.Rect.Dx()*p.Rect.Dy())}
	for i := range f.Values {
		sum := 0
		for c := 4 * i; c < 4*i+3; c++ {
			d := int(p.Pix[c]) - int(q.Pix[c])
			sum += max(d, -d)
		}
		f.Values[i] = float32(sum) / (3 * 255)
	}
	return f, nil
}

// Range gives the least and the greatest of the values that are numbers; NaN
// twice if there is none.
func (f Field) Range() (least, greatest float64) {
	least, greatest = math.NaN(), math.NaN()
	for _, v := range f.Values {
		x := float64(v)
		if math.IsNaN(x) {
			continue
		}
		if !(x >= least) {
			least = x
		}
		if !(x <= greatest) {
			greatest = x
		}
	}
	return least, greatest
}

// Heat draws the field in the colours of a scale.
func (f Field) Heat(s Scale) *image.RGBA {
	return each(1, f.H, f.W, func(i int) color.RGBA { return s.Colour(float64(f.Values[i])) })[0]
}

// Tint draws a mask: black where it is 0, the given colour where it is 1.
func (f Field) Tint(c color.RGBA) *image.RGBA {
	return each(1, f.H, f.W, func(i int) color.RGBA {
		v := float64(f.Values[i])
		if math.IsNaN(v) {
			return NotANumber
		}
		return mix(color.RGBA{0, 0, 0, 255}, c, v)
	})[0]
}

// mix goes from a (k = 0) to b (k = 1).
func mix(a, b color.RGBA, k float64) color.RGBA {
	k = min(max(k, 0), 1)
	part := func(p, q uint8) uint8 { return uint8(float64(p) + (float64(q)-float64(p))*k + 0.5) }
	return color.RGBA{part(a.R, b.R), part(a.G, b.G), part(a.B, b.B), part(a.A, b.A)}
}

// at gives the value nearest to pixel (x, y) of a picture of w x h pixels.
func (f Field) at(x, y, w, h int) float64 {
	return float64(f.Values[(2*y+1)*f.H/(2*h)*f.W+(2*x+1)*f.W/(2*w)])
}

// Mask makes a picture transparent: a pixel keeps its colour where the field is 1
// and shows a chequered ground where it is 0, as nothing in a picture does. A
// coarser field is enlarged by nearest neighbour.
func (f Field) Mask(src image.Image) *image.RGBA {
	return f.blend(src, func(x, y int, p color.RGBA, v float64) color.RGBA {
		return mix(chequered(x, y), p, v)
	})
}

// chequered is the ground of what is transparent, in squares of some pixels.
func chequered(x, y int) color.RGBA {
	const side = 4
	if (x/side+y/side)%2 == 0 {
		return color.RGBA{250, 250, 250, 255}
	}
	return color.RGBA{226, 226, 226, 255}
}

// Overlay lays a colour over a picture where the field is 1, as strongly as
// strength in [0, 1] says. A coarser field is enlarged by nearest neighbour.
func (f Field) Overlay(src image.Image, c color.RGBA, strength float64) *image.RGBA {
	return f.blend(src, func(_, _ int, p color.RGBA, v float64) color.RGBA {
		return mix(p, c, strength*min(max(v, 0), 1))
	})
}

func (f Field) blend(src image.Image, pixel func(x, y int, p color.RGBA, v float64) color.RGBA) *image.RGBA {
	m := canvas(src)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if len(f.Values) == 0 {
		return m
	}
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			v := f.at(x, y, w, h)
			if math.IsNaN(v) {
				m.SetRGBA(x, y, NotANumber)
				continue
			}
			m.SetRGBA(x, y, pixel(x, y, m.RGBAAt(x, y), v))
		}
	}
	return m
}

// Outline draws the border of the region where the field is at least
// threshold, just outside of it.
func (f Field) Outline(src image.Image, threshold float64, c color.RGBA) *image.RGBA {
	m := canvas(src)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if len(f.Values) == 0 {
		return m
	}
	inside := func(x, y int) bool {
		return x >= 0 && y >= 0 && x < w && y < h && f.at(x, y, w, h) >= threshold
	}
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			if !inside(x, y) && (inside(x-1, y) || inside(x+1, y) || inside(x, y-1) || inside(x, y+1)) {
				m.SetRGBA(x, y, c)
			}
		}
	}
	return m
}
