// Package drawing makes pictures with edges and slopes, and their files, for
// tests of what decodes, fits and compares pictures.
package drawing

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"testing"
)

// New is a picture of w by h pixels.
func New(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			c := color.NRGBA{uint8(255 * u), uint8(255 * v), uint8(127 + 127*math.Sin(9*u+5*v)), 255}
			if (x/7+y/5)%3 == 0 {
				c.R = 255 - c.R
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// Grey is the picture without colour.
func Grey(img image.Image) *image.Gray {
	b := img.Bounds()
	grey := image.NewGray(b)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			grey.Set(x, y, img.At(x, y))
		}
	}
	return grey
}

// Translucent gives the picture an alpha that must not dim its colours.
func Translucent(img *image.NRGBA) *image.NRGBA {
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = uint8(i * 7 % 256)
	}
	return img
}

// PNG is the picture's file.
func PNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// JPEG is the picture's file, of quality 95.
func JPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
