package video

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func writeFile(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPNGRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	want := noise(31, 17, 1)
	if err := WritePNG(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPicture(path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got.W != 31 || got.H != 17 || !bytes.Equal(got.Pix, want.Pix) {
		t.Error("what was written is not what was read")
	}
	if w, h, err := PictureSize(path, Limits{}); w != 31 || h != 17 || err != nil {
		t.Errorf("PictureSize: %d, %d, %v", w, h, err)
	}
	left, _ := os.ReadDir(filepath.Dir(path))
	if len(left) != 1 {
		t.Errorf("%d files instead of one", len(left))
	}
	if err := WritePNG(filepath.Join(path, "b.png"), want); err == nil {
		t.Error("writing below a file gave no error")
	}
}

// Every kind of png becomes RGB, alpha is dropped without being mixed in.
func TestColourModels(t *testing.T) {
	at := func(img interface {
		image.Image
		Set(x, y int, c color.Color)
	}, c color.Color) image.Image {
		img.Set(2, 1, c)
		return img
	}
	box := image.Rect(0, 0, 5, 3)
	for name, c := range map[string]struct {
		img  image.Image
		want [3]byte
	}{
		"grey":       {at(image.NewGray(box), color.Gray{77}), [3]byte{77, 77, 77}},
		"grey 16":    {at(image.NewGray16(box), color.Gray16{77 * 257}), [3]byte{77, 77, 77}},
		"rgb":        {at(opaque(box), color.RGBA{1, 2, 3, 255}), [3]byte{1, 2, 3}},
		"alpha":      {at(image.NewNRGBA(box), color.NRGBA{200, 100, 50, 20}), [3]byte{200, 100, 50}},
		"invisible":  {at(image.NewNRGBA(box), color.NRGBA{200, 100, 50, 0}), [3]byte{200, 100, 50}},
		"16 bit":     {at(image.NewNRGBA64(box), color.NRGBA64{257 * 9, 257*8 + 128, 257*8 + 129, 7}), [3]byte{9, 8, 9}},
		"palette":    {at(image.NewPaletted(box, color.Palette{color.Black, color.NRGBA{9, 8, 7, 0}}), color.NRGBA{9, 8, 7, 0}), [3]byte{9, 8, 7}},
		"one colour": {at(image.NewPaletted(box, color.Palette{color.RGBA{4, 5, 6, 255}}), color.Black), [3]byte{4, 5, 6}},
	} {
		got, err := DecodePicture(bytes.NewReader(encodePNG(t, c.img)), Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if px := [3]byte(got.Pix[3*(5*1+2):]); px != c.want {
			t.Errorf("%s: %v, want %v", name, px, c.want)
		}
	}
}

// Every way of thinning out chroma, with a corner at odd places.
func TestChromaSubsampling(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422,
		image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410} {
		whole := image.NewYCbCr(image.Rect(0, 0, 23, 14), ratio)
		for _, plane := range [][]byte{whole.Y, whole.Cb, whole.Cr} {
			copy(plane, noise(len(plane), 1, int64(len(plane))).Pix)
		}
		img := whole.SubImage(image.Rect(3, 1, 22, 14))
		got, err := FromImage(img)
		if err != nil {
			t.Fatal(err)
		}
		for y := 0; y < got.H; y++ {
			for x := 0; x < got.W; x++ {
				r, g, b, _ := img.At(3+x, 1+y).RGBA()
				want := [3]byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)}
				if px := [3]byte(got.Pix[3*(y*got.W+x):]); px != want {
					t.Fatalf("%v: pixel (%d, %d) is %v, want %v", ratio, x, y, px, want)
				}
			}
		}
	}
}

func opaque(box image.Rectangle) *image.RGBA {
	img := image.NewRGBA(box)
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	return img
}

func TestJPEG(t *testing.T) {
	smooth, err := Stretch.Apply(noise(6, 4, 2), 60, 40)
	if err != nil {
		t.Fatal(err)
	}
	grey := image.NewGray(image.Rect(0, 0, 30, 20))
	for i := range grey.Pix {
		grey.Pix[i] = byte(i % 30 * 8)
	}
	for name, img := range map[string]image.Image{"colour": smooth.Image(), "grey": grey} {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 98}); err != nil {
			t.Fatal(err)
		}
		got, err := DecodePicture(bytes.NewReader(b.Bytes()), Limits{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, _ := FromImage(img)
		if worst := worstDifference(got, want); worst > 30 {
			t.Errorf("%s: off by %d levels", name, worst)
		}
		// A sub-picture with a corner elsewhere.
		if sub, ok := img.(*image.Gray); ok {
			part, err := FromImage(sub.SubImage(image.Rect(3, 2, 13, 12)))
			if err != nil || part.W != 10 || part.Pix[0] != sub.GrayAt(3, 2).Y || part.Pix[3*99] != sub.GrayAt(12, 11).Y {
				t.Errorf("part of a picture is wrong (error %v)", err)
			}
		}
	}
}

// bomb is a png whose header claims w x h pixels, with a valid checksum.
func bomb(t testing.TB, w, h uint32) []byte {
	data := encodePNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	binary.BigEndian.PutUint32(data[16:], w)
	binary.BigEndian.PutUint32(data[20:], h)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

func TestBadPicturesAreErrorsThatNameTheFile(t *testing.T) {
	dir := t.TempDir()
	good := encodePNG(t, noise(64, 64, 1).Image())
	var jpg bytes.Buffer
	if err := jpeg.Encode(&jpg, noise(64, 64, 1).Image(), nil); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo.png")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		writeFile(t, filepath.Join(dir, "empty.png"), nil):                                                                      "empty",
		writeFile(t, filepath.Join(dir, "heic.jpg"), []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00")):                        "a HEIC picture, whatever its name says",
		writeFile(t, filepath.Join(dir, "film.jpg"), []byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00")):                        "an mp4 or mov film",
		writeFile(t, filepath.Join(dir, "drawn.png"), []byte("P6\n1 1\n255\nabc")):                                              "a ppm picture",
		writeFile(t, filepath.Join(dir, "moving.webp"), []byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00")): "an animated WebP",
		writeFile(t, filepath.Join(dir, "text.png"), []byte("<html>not found</html>")):                                          "a web page, neither png nor jpg",
		writeFile(t, filepath.Join(dir, "short.png"), good[:6]):                                                                 "too short",
		writeFile(t, filepath.Join(dir, "cut.png"), good[:len(good)/2]):                                                         "cut off",
		writeFile(t, filepath.Join(dir, "cut.jpg"), jpg.Bytes()[:jpg.Len()/3]):                                                  "cut off",
		writeFile(t, filepath.Join(dir, "wide.png"), bomb(t, 1<<31-1, 1)):                                                       "limit",
		writeFile(t, filepath.Join(dir, "huge.png"), bomb(t, 1<<20, 1<<20)):                                                     "",
		writeFile(t, filepath.Join(dir, "large.png"), bomb(t, 30000, 30000)):                                                    "limit",
		writeFile(t, filepath.Join(dir, "large.jpg"), jpegClaiming(jpg.Bytes(), 65500)):                                         "limit",
		writeFile(t, filepath.Join(dir, "flat.png"), bomb(t, 0, 5)):                                                             "",
		filepath.Join(dir, "absent.png"):                                                                                        "no such file",
		fifo:                                                                                                                    "not a regular file",
		dir:                                                                                                                     "not a regular file",
	} {
		_, err := ReadPicture(name, Limits{})
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Base(name)) {
			t.Errorf("%s: error %q does not say %q and the file", name, err, want)
		}
	}
}

// jpegClaiming overwrites the size in the first frame header.
func jpegClaiming(data []byte, side uint16) []byte {
	data = bytes.Clone(data)
	i := bytes.Index(data, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(data[i+5:], side)
	binary.BigEndian.PutUint16(data[i+7:], side)
	return data
}

func FuzzDecodePicture(f *testing.F) {
	f.Add(encodePNG(f, noise(9, 7, 1).Image()))
	f.Add(bomb(f, 3, 1<<20))
	var jpg bytes.Buffer
	if err := jpeg.Encode(&jpg, noise(20, 20, 1).Image(), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(jpg.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := DecodePicture(bytes.NewReader(data), Limits{MaxPixels: 1 << 16})
		if err == nil && (frame.check() != nil || frame.W*frame.H > 1<<16) {
			t.Errorf("a frame of %dx%d with %d bytes", frame.W, frame.H, len(frame.Pix))
		}
	})
}

// What every viewer shows is read: notes with wrong checksums, data behind the
// picture or beyond its last row, unusual colour planes, other names.
func TestPicturesThatViewersShow(t *testing.T) {
	dir := t.TempDir()
	want := noise(8, 6, 1)
	plain := encodePNG(t, want.Image())
	idat := bytes.Index(plain, []byte("IDAT"))
	rows := []byte{}
	for y := 0; y < want.H; y++ {
		rows = append(append(rows, 0), want.Pix[3*8*y:3*8*(y+1)]...)
	}
	packed := func(data []byte) []byte {
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		_, _ = w.Write(data) // into memory
		w.Close()
		return b.Bytes()
	}
	rgb := bytes.Clone(plain[:33])
	rgb[25] = 2 // colours without alpha
	binary.BigEndian.PutUint32(rgb[29:], crc32.ChecksumIEEE(rgb[12:29]))
	rgb = append(rgb, plain[len(plain)-12:]...)
	for name, data := range map[string][]byte{
		"profile.png":  withChunk(plain, "iCCP", []byte("no profile"), false, true),
		"text.png":     withChunk(plain, "tEXt", []byte("a\x00b"), true, true),
		"behind.png":   append(bytes.Clone(plain), "something else"...),
		"rows.png":     withChunk(rgb, "IDAT", packed(append(bytes.Clone(rows), make([]byte, 99)...)), true, false),
		"surplus.png":  withChunk(rgb, "IDAT", append(packed(rows), "surplus"...), true, false),
		"really.jpg":   plain,
		"lossless.jpg": webpOf(t, want),
	} {
		got, err := ReadPicture(writeFile(t, filepath.Join(dir, name), data), Limits{})
		if err != nil || got.W != want.W || !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The pixels themselves must be sound.
	bad := bytes.Clone(plain)
	bad[idat+8]++
	if _, err := ReadPicture(writeFile(t, filepath.Join(dir, "bad.png"), bad), Limits{}); err == nil {
		t.Error("damaged pixels are read")
	}
}

func webpOf(t *testing.T, f *Frame) []byte {
	t.Helper()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a.png"), filepath.Join(dir, "a.webp")
	if err := WritePNG(from, f); err != nil {
		t.Fatal(err)
	}
	ffmpeg(t, "-i", from, "-lossless", "1", to)
	data, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Two files of one picture (96x96): planes of colour sampled alike, and one of
// them along x alone and the other along y alone, which few libraries read.
func TestUnlikeColourPlanes(t *testing.T) {
	a, err := ReadPicture(filepath.Join("testdata", "alike.jpg"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadPicture(filepath.Join("testdata", "unlike.jpg"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(a, b); b.W != 96 || b.H != 96 || d > 4 {
		t.Errorf("%dx%d pixels, %v levels from each other", b.W, b.H, d)
	}
}

// An animated png is a film, as a picture it is its first.
func TestAnimatedPNG(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25/2:duration=0.96", "-f", "apng", path)
	if kind, err := KindAt(path); kind != FilmFile || err != nil {
		t.Errorf("%v, %v", kind, err)
	}
	frames := open(t, path)
	info := probe1(t, path)
	if len(frames) != 12 || info.Rate != 12.5 || info.Variable {
		t.Errorf("%d frames, %+v", len(frames), info)
	}
	if f, err := ReadPicture(path, Limits{}); err != nil || !bytes.Equal(f.Pix, frames[0].Pix) {
		t.Errorf("its first picture: %v", err)
	}
	still := writeFile(t, filepath.Join(t.TempDir(), "b.png"), encodePNG(t, noise(4, 4, 1).Image()))
	if kind, err := KindAt(still); kind != Strip || err != nil {
		t.Errorf("%v, %v", kind, err)
	}
}
