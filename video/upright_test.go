package video

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"path/filepath"
	"slices"
	"testing"
)

// quarters is a picture with a colour in each corner.
func quarters() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 48, 32))
	for y := 0; y < 32; y++ {
		for x := 0; x < 48; x++ {
			img.Set(x, y, [2][2]color.RGBA{{{255, 0, 0, 255}, {0, 255, 0, 255}}, {{0, 0, 255, 255}, {255, 255, 255, 255}}}[y/16][x/24])
		}
	}
	return img
}

// exifOf are a camera's notes that hold an orientation.
func exifOf(t *testing.T, order binary.ByteOrder, orientation uint16) []byte {
	t.Helper()
	magic := "MM\x00*"
	if order == binary.LittleEndian {
		magic = "II*\x00"
	}
	var exif bytes.Buffer
	exif.WriteString("Exif\x00\x00" + magic)
	for _, v := range []any{uint32(8), uint16(2),
		uint16(0x0100), uint16(4), uint32(1), uint32(48), // some other tag first
		uint16(0x0112), uint16(3), uint32(1), orientation, uint16(0), uint32(0)} {
		if err := binary.Write(&exif, order, v); err != nil {
			t.Fatal(err)
		}
	}
	return exif.Bytes()
}

// tagged is a jpg of quarters with an orientation.
func tagged(t *testing.T, order binary.ByteOrder, orientation uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, quarters(), &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	exif := exifOf(t, order, orientation)
	var file bytes.Buffer
	file.Write(b.Bytes()[:2])
	file.WriteString("\xff\xe0\x00\x04ab\xff\xe1")
	_ = binary.Write(&file, binary.BigEndian, uint16(len(exif)+2))
	file.Write(exif)
	file.Write(b.Bytes()[2:])
	return file.Bytes()
}

// withChunk puts a chunk into a png: behind its header or before its end.
func withChunk(png []byte, kind string, body []byte, last, badSum bool) []byte {
	chunk := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), kind...)
	chunk = append(chunk, body...)
	sum := crc32.ChecksumIEEE(chunk[4:])
	if badSum {
		sum++
	}
	chunk = binary.BigEndian.AppendUint32(chunk, sum)
	at := 33
	if last {
		at = len(png) - 12
	}
	return slices.Concat(png[:at], chunk, png[at:])
}

// The standard says of each orientation on which sides of the picture shown the
// first row and the first column of the stored one lie.
func TestPicturesAreUpright(t *testing.T) {
	sides := map[uint16][2]string{
		1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
		5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"},
	}
	opposite := map[string]string{"top": "bottom", "bottom": "top", "left": "right", "right": "left"}
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		for o, side := range sides {
			path := writeFile(t, filepath.Join(t.TempDir(), "a.jpg"), tagged(t, order, o))
			f, err := ReadPicture(path, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if (f.W > f.H) != (o <= 4) {
				t.Errorf("orientation %d: %dx%d pixels", o, f.W, f.H)
			}
			row, column := side[0], side[1]
			for corner, want := range map[[2]string]string{
				{row, column}: "red", {row, opposite[column]}: "green", {opposite[row], column}: "blue", {opposite[row], opposite[column]}: "white",
			} {
				x, y := 4, 4
				if corner[0] == "right" || corner[1] == "right" {
					x = f.W - 5
				}
				if corner[0] == "bottom" || corner[1] == "bottom" {
					y = f.H - 5
				}
				px := f.Pix[3*(y*f.W+x):][:3]
				if got := map[string]string{"100": "red", "010": "green", "001": "blue", "111": "white"}[fmt.Sprint(px[0]/200)+fmt.Sprint(px[1]/200)+fmt.Sprint(px[2]/200)]; got != want {
					t.Errorf("orientation %d: %v is %s %v, want %s", o, corner, got, px, want)
				}
			}
			if w, h, err := PictureSize(path, Limits{}); w != f.W || h != f.H || err != nil {
				t.Errorf("orientation %d: size %dx%d, %v", o, w, h, err)
			}
			// The same in a png, before and after its pixels.
			for _, last := range []bool{false, true} {
				notes := bytes.TrimPrefix(exifOf(t, order, o), []byte("Exif\x00\x00"))
				path := writeFile(t, filepath.Join(t.TempDir(), "a.png"), withChunk(encodePNG(t, quarters()), "eXIf", notes, last, false))
				if turned, err := ReadPicture(path, Limits{}); err != nil || difference(turned, f) > 2 || turned.W != f.W {
					t.Errorf("orientation %d in a png: %v", o, err)
				}
				if w, h, err := PictureSize(path, Limits{}); w != f.W || h != f.H || err != nil {
					t.Errorf("orientation %d in a png: size %dx%d, %v", o, w, h, err)
				}
			}
		}
	}
	path := filepath.Join(t.TempDir(), "a.png")
	if err := WritePNG(path, noise(9, 5, 1)); err != nil {
		t.Fatal(err)
	}
	if f, err := ReadPicture(path, Limits{}); err != nil || !bytes.Equal(f.Pix, noise(9, 5, 1).Pix) {
		t.Errorf("a png: %v", err)
	}
}

// A tag that is damaged is none.
func FuzzOrientation(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\x08\x00\x00\x00"))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00MM\x00*\xff\xff\xff\xff\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x00"))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x09\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := orientation(bytes.NewReader(data)); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
