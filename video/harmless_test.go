package video

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

// zeros compresses so many zeros.
func zeros(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	block := make([]byte, 1<<16)
	for ; n > 0; n -= len(block) {
		if _, err := w.Write(block[:min(len(block), n)]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pngOf makes a png of a header and pixel data.
func pngOf(w, h uint32, depth, kind, interlace byte, idat ...[]byte) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	b := appendChunk([]byte(pngMagic), "IHDR", append(head, depth, kind, 0, 0, interlace))
	for _, body := range idat {
		b = appendChunk(b, "IDAT", body)
	}
	return appendChunk(b, "IEND", nil)
}

// The bytes that a header announces are those that the decoder needs: with one
// less it complains, with one more there is too much.
func TestAnnouncedPixelData(t *testing.T) {
	for kind, depths := range map[byte][]byte{0: {1, 2, 4, 8, 16}, 2: {8, 16}, 4: {8, 16}, 6: {8, 16}} {
		for _, depth := range depths {
			for _, interlace := range []byte{0, 1} {
				for _, size := range [][2]uint32{{1, 1}, {2, 3}, {5, 1}, {9, 8}, {13, 17}} {
					p := newPNGFile(pngOf(size[0], size[1], depth, kind, interlace))
					if _, body, _, err := p.next(); err != nil || p.header(body, DefaultLimits) != nil {
						t.Fatal(err)
					}
					n := int(p.announced())
					for off, ok := range map[int]bool{0: true, -1: false, 1: false} {
						_, err := png.Decode(bytes.NewReader(pngOf(size[0], size[1], depth, kind, interlace, zeros(t, n+off))))
						if (err == nil) != ok {
							t.Errorf("%dx%d, %d bits of kind %d, interlaced %d: %d bytes %+d: %v", size[0], size[1], depth, kind, interlace, n, off, err)
						}
					}
				}
			}
		}
	}
}

func TestHarmless(t *testing.T) {
	drawn := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for i := range 40 * 30 {
		drawn.SetNRGBA(i%40, i/40, color.NRGBA{uint8(6 * (i % 40)), uint8(8 * (i / 40)), 99, uint8(i)})
	}
	plain := encodePNG(t, drawn)
	if got, pixels, err := Harmless(plain, Limits{}); err != nil || pixels != 1200 || !bytes.Equal(got, plain) {
		t.Errorf("a plain png: %d pixels, %v, changed %t", pixels, err, !bytes.Equal(got, plain))
	}
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, drawn, nil); err != nil {
		t.Fatal(err)
	}
	if got, pixels, err := Harmless(photo.Bytes(), Limits{}); err != nil || pixels != 1200 || !bytes.Equal(got, photo.Bytes()) {
		t.Errorf("a jpg: %d pixels, %v", pixels, err)
	}

	// Ancillary chunks go, pixels that were not announced are never inflated
	// again, and the picture stays.
	p := newPNGFile(plain)
	var noisy []byte
	for {
		name, body, _, err := p.next()
		if err != nil {
			break
		}
		if name == "IDAT" {
			noisy = appendChunk(noisy, "zTXt", append([]byte("Comment\x00\x00"), zeros(t, 1<<20)...))
			body = more(t, body, 1<<20)
		}
		noisy = appendChunk(noisy, name, body)
	}
	noisy = append([]byte(pngMagic), noisy...)
	got, _, err := Harmless(noisy, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(decoded.(*image.NRGBA).Pix, drawn.Pix) || bytes.Contains(got, []byte("zTXt")) {
		t.Error("another picture is left")
	}
	frame, err := DecodePicture(bytes.NewReader(noisy), Limits{})
	if want, _ := FromImage(drawn); err != nil || !bytes.Equal(frame.Pix, want.Pix) {
		t.Errorf("decoded: %v", err)
	}
}

// more appends zeros to compressed data.
func more(t testing.TB, body []byte, n int) []byte {
	t.Helper()
	r, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var all, out bytes.Buffer
	if _, err := all.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	w := zlib.NewWriter(&out)
	if _, err := w.Write(append(all.Bytes(), make([]byte, n)...)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestHarmlessRefuses(t *testing.T) {
	good := zeros(t, 4*(1+3*4))
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"text":             {[]byte("no picture at all"), "neither png nor jpg"},
		"too large":        {pngOf(20, 20, 8, 2, 0, good), "more than the limit"},
		"an overflow":      {pngOf(1<<31, 4, 8, 2, 0, good), "overflow"},
		"no such pixels":   {pngOf(4, 4, 8, 5, 0, good), "no pixels"},
		"no such depth":    {pngOf(4, 4, 3, 2, 0, good), "no pixels"},
		"too few pixels":   {pngOf(4, 4, 8, 2, 0, zeros(t, 5)), "cut off"},
		"no pixels":        {pngOf(4, 4, 8, 2, 0), "cut off"},
		"half a file":      {pngOf(4, 4, 8, 2, 0, good)[:40], "cut off"},
		"damaged pixels":   {pngOf(4, 4, 8, 2, 0, []byte("no zlib at all")), "invalid header"},
		"two headers":      {appendChunk(pngOf(4, 4, 8, 2, 0, good)[:33], "IHDR", make([]byte, 13)), "two headers"},
		"an unknown chunk": {appendChunk(pngOf(4, 4, 8, 2, 0, good)[:33], "ABCD", nil), `needs a chunk "ABCD"`},
	} {
		if _, _, err := Harmless(c.file, Limits{MaxPixels: 100}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// progressive is a small jpg of so many scans without a picture.
func progressive(scans int) []byte {
	b := []byte("\xff\xd8\xff\xc2\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00")
	for range scans {
		b = append(b, "\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00\x12\xff\x00\x34\xff\xd0"...)
	}
	return append(b, 0xff, 0xd9)
}

// Each scan of a progressive jpg goes over all pixels, however few bytes it has.
func TestScansAreBounded(t *testing.T) {
	if err := checkScans(bytes.NewReader(progressive(maxScans))); err != nil {
		t.Errorf("%d scans: %v", maxScans, err)
	}
	for _, decode := range []func([]byte) error{
		func(b []byte) error { return checkScans(bytes.NewReader(b)) },
		func(b []byte) error { _, _, err := Harmless(b, Limits{}); return err },
		func(b []byte) error { _, err := DecodePicture(bytes.NewReader(b), Limits{}); return err },
	} {
		if err := decode(progressive(maxScans + 1)); err == nil || !strings.Contains(err.Error(), "more than 100 times") {
			t.Error(err)
		}
	}
}

func FuzzHarmless(f *testing.F) {
	img := image.NewGray(image.Rect(0, 0, 5, 4))
	f.Add(encodePNG(f, img))
	f.Add(pngOf(3, 3, 8, 6, 1, zeros(f, 50)))
	f.Add(pngOf(3, 3, 8, 2, 0, zeros(f, 1000)))
	f.Add(progressive(2))
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, img, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(photo.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		limits := Limits{MaxPixels: 4096}
		out, pixels, err := Harmless(file, limits)
		if err != nil {
			return
		}
		if pixels < 1 || pixels > limits.MaxPixels {
			t.Errorf("%d pixels", pixels)
		}
		if again, _, err := Harmless(out, limits); err != nil || !bytes.Equal(again, out) {
			t.Errorf("what came out is changed again: %v", err)
		}
	})
}
