package video

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	"github.com/prioritycut/prioritycut/internal/durable"
)

// ReadPicture reads a png or jpg file; which of the two is told by its content.
func ReadPicture(path string, limits Limits) (*Frame, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	frame, err := DecodePicture(f, limits)
	if err != nil {
		return nil, fmt.Errorf("picture %s: %w", path, err)
	}
	return frame, nil
}

// PictureSize reads no more than the header of a png or jpg file.
func PictureSize(path string, limits Limits) (w, h int, err error) {
	f, err := openRegular(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	_, config, err := pictureHeader(bufio.NewReader(f), limits.OrDefault())
	if err != nil {
		return 0, 0, fmt.Errorf("picture %s: %w", path, err)
	}
	return config.Width, config.Height, nil
}

// openRegular refuses what may block or has no end: pipes, devices, folders.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file (%s)", path, info.Mode().Type())
	}
	if info.Size() == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	return os.Open(path)
}

// DecodePicture decodes a png or jpg stream. The size is checked before.
func DecodePicture(r io.ReadSeeker, limits Limits) (*Frame, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	decode, _, err := pictureHeader(buffered, limits.OrDefault())
	if err != nil {
		return nil, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	buffered.Reset(r)
	img, err := decode(buffered)
	if err != nil {
		return nil, shortened(err)
	}
	return FromImage(img)
}

type decoder func(io.Reader) (image.Image, error)

// pictureHeader tells the format and checks the size that the header claims.
// It does not go by image.Decode, whose formats depend on what else is linked.
func pictureHeader(r *bufio.Reader, limits Limits) (decoder, image.Config, error) {
	magic, err := r.Peek(8)
	if err != nil {
		return nil, image.Config{}, errors.New("too short for a png or jpg")
	}
	var decode decoder
	var config image.Config
	switch {
	case bytes.HasPrefix(magic, []byte("\x89PNG\r\n\x1a\n")):
		decode = png.Decode
		config, err = png.DecodeConfig(r)
	case bytes.HasPrefix(magic, []byte("\xff\xd8")):
		decode = jpeg.Decode
		config, err = jpeg.DecodeConfig(r)
	default:
		return nil, image.Config{}, errors.New("neither png nor jpg")
	}
	if err != nil {
		return nil, image.Config{}, shortened(err)
	}
	return decode, config, limits.size(config.Width, config.Height)
}

// shortened says what a decoder means when it runs out of bytes.
func shortened(err error) error {
	noPixels := err == png.FormatError("not enough pixel data")
	if noPixels || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("ends too early: the file is cut off")
	}
	return err
}

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
