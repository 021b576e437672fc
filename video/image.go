package video

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"

	"github.com/prioritycut/prioritycut/internal/durable"
)

// FromImage converts any picture, dropping its alpha.
func FromImage(img image.Image) (*Frame, error) {
	if img == nil || img.Bounds().Empty() {
		return nil, errors.New("the picture has no pixels")
	}
	b := img.Bounds()
	f := NewFrame(b.Dx(), b.Dy())
	switch img := img.(type) {
	case *image.YCbCr:
		f.fromYCbCr(img)
	case *image.Gray:
		f.each(func(x, y int, px []byte) {
			v := img.Pix[y*img.Stride+x]
			px[0], px[1], px[2] = v, v, v
		})
	case *image.RGBA: // opaque in every decoder that gives it
		f.from4(img.Pix, img.Stride)
	case *image.NRGBA:
		f.from4(img.Pix, img.Stride)
	case *image.Paletted:
		f.fromPaletted(img)
	default:
		f.each(func(x, y int, px []byte) { setPixel(px, img.At(b.Min.X+x, b.Min.Y+y)) })
	}
	return f, nil
}

// each calls set for every pixel, in rows.
func (f *Frame) each(set func(x, y int, px []byte)) {
	for y := 0; y < f.H; y++ {
		for x := 0; x < f.W; x++ {
			i := 3 * (y*f.W + x)
			set(x, y, f.Pix[i:i+3:i+3])
		}
	}
}

// from4 takes the first three of four bytes.
func (f *Frame) from4(pix []byte, stride int) {
	for y := 0; y < f.H; y++ {
		row := pix[y*stride:][:4*f.W]
		out := f.Pix[3*y*f.W:][:3*f.W]
		for x := 0; x < f.W; x++ {
			out[3*x], out[3*x+1], out[3*x+2] = row[4*x], row[4*x+1], row[4*x+2]
		}
	}
}

func (f *Frame) fromYCbCr(img *image.YCbCr) {
	b := img.Bounds()
	// Chroma of a column, relative to the first one of its row.
	columns := make([]int, f.W)
	for x := range columns {
		columns[x] = img.COffset(b.Min.X+x, b.Min.Y) - img.COffset(b.Min.X, b.Min.Y)
	}
	for y := 0; y < f.H; y++ {
		luma := img.Y[img.YOffset(b.Min.X, b.Min.Y+y):][:f.W]
		chroma := img.COffset(b.Min.X, b.Min.Y+y)
		cb, cr := img.Cb[chroma:], img.Cr[chroma:]
		out := f.Pix[3*y*f.W:][:3*f.W]
		for x, c := range columns {
			out[3*x], out[3*x+1], out[3*x+2] = color.YCbCrToRGB(luma[x], cb[c], cr[c])
		}
	}
}

func (f *Frame) fromPaletted(img *image.Paletted) {
	var palette [256][3]byte
	for i := range palette {
		if i < len(img.Palette) {
			setPixel(palette[i][:], img.Palette[i])
		}
	}
	f.each(func(x, y int, px []byte) { copy(px, palette[img.Pix[y*img.Stride+x]][:]) })
}

// setPixel drops alpha without mixing it into the colour.
func setPixel(px []byte, c color.Color) {
	switch c := c.(type) {
	case color.NRGBA:
		px[0], px[1], px[2] = c.R, c.G, c.B
	case color.NRGBA64:
		px[0], px[1], px[2] = to8(c.R), to8(c.G), to8(c.B)
	case color.Gray16:
		px[0], px[1], px[2] = to8(c.Y), to8(c.Y), to8(c.Y)
	case color.RGBA64: // opaque in every decoder that gives it
		px[0], px[1], px[2] = to8(c.R), to8(c.G), to8(c.B)
	default:
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		px[0], px[1], px[2] = n.R, n.G, n.B
	}
}

// to8 rounds 0..65535 to 0..255.
func to8(v uint16) byte { return byte((uint32(v) + 128) / 257) }

// Image returns a copy as the standard library's type.
func (f *Frame) Image() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, f.W, f.H))
	for i, j := 0, 0; j+4 <= len(img.Pix) && i+3 <= len(f.Pix); i, j = i+3, j+4 {
		img.Pix[j], img.Pix[j+1], img.Pix[j+2], img.Pix[j+3] = f.Pix[i], f.Pix[i+1], f.Pix[i+2], 255
	}
	return img
}

// EncodePNG writes the frame as a png without alpha.
func EncodePNG(w io.Writer, f *Frame) error {
	if err := f.check(); err != nil {
		return fmt.Errorf("png: %w", err)
	}
	return png.Encode(w, f.Image())
}

// WritePNG writes a png file, whole or not at all: a reader never sees half of
// it. The folder must exist.
func WritePNG(path string, f *Frame) error {
	if err := durable.Write(path, func(w io.Writer) error { return EncodePNG(w, f) }); err != nil {
		return fmt.Errorf("write picture %s: %w", path, err)
	}
	return nil
}
