package picture

import (
	"image"
	"image/color"
	"math"
	"testing"
)

var nan = float32(math.NaN())

func TestPicturesOfArrays(t *testing.T) {
	// Two pictures of 1 x 2 pixels.
	v := []float32{0, 0.5, 1, -3, 7, 0.2, 1, 0, 0, 0.1, nan, 0.1}
	got, err := FromFloats(v, 2, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := [2][2]color.RGBA{
		{{0, 128, 255, 255}, {0, 255, 51, 255}},
		{{255, 0, 0, 255}, NotANumber},
	}
	for k, m := range got {
		for x := range want[k] {
			if c := m.RGBAAt(x, 0); c != want[k][x] {
				t.Errorf("picture %d, pixel %d is %v, want %v", k, x, c, want[k][x])
			}
		}
	}
	bytes, err := FromBytes([]byte{1, 2, 3, 4, 5, 6}, 1, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if c := bytes[0].RGBAAt(0, 1); c != (color.RGBA{4, 5, 6, 255}) {
		t.Errorf("second row is %v", c)
	}
}

func TestWrongShapesAreRefused(t *testing.T) {
	for _, s := range [][3]int{{1, 1, 2}, {0, 1, 1}, {-1, -1, 1}, {1, 1 << 40, 1}, {1 << 16, 1 << 16, 1 << 16}} {
		if _, err := FromFloats(make([]float32, 3), s[0], s[1], s[2]); err == nil {
			t.Errorf("3 values pass as %v", s)
		}
		if _, err := FromBytes(make([]byte, 3), s[0], s[1], s[2]); err == nil {
			t.Errorf("3 bytes pass as %v", s)
		}
		if _, err := NewField(make([]float32, 3), s[1], s[2]); err == nil && s[1]*s[2] != 3 {
			t.Errorf("3 values pass as a field %v", s)
		}
		if _, err := Points(make([]float32, 3), s[0], s[1]); err == nil {
			t.Errorf("3 values pass as points %v", s)
		}
	}
	if _, err := FieldOfBytes(make([]byte, 3), 2, 2, 255); err == nil {
		t.Error("3 bytes pass as 2x2")
	}
	for _, channel := range []int{-1, 2} {
		if _, err := Fields(make([]float32, 8), 1, 2, 2, 2, channel); err == nil {
			t.Errorf("channel %d of 2 exists", channel)
		}
	}
	a, b := filled(2, 2, paper), filled(2, 3, paper)
	if _, err := Difference(a, b); err == nil {
		t.Error("pictures of different sizes have a difference")
	}
}

// gradient is a picture in which every pixel has its own colour.
func gradient(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			m.SetRGBA(x, y, color.RGBA{byte(10 * x), byte(10 * y), 7, 255})
		}
	}
	return m
}

func TestZoomAndResize(t *testing.T) {
	src := gradient(3, 2)
	for _, factor := range []int{-1, 0, 1, 2, 5} {
		f := max(factor, 1)
		m := Zoom(src, factor)
		if m.Rect != image.Rect(0, 0, 3*f, 2*f) {
			t.Fatalf("zoom by %d gives %v", factor, m.Rect)
		}
		for y := 0; y < 2*f; y++ {
			for x := 0; x < 3*f; x++ {
				if m.RGBAAt(x, y) != src.RGBAAt(x/f, y/f) {
					t.Fatalf("zoom by %d: pixel (%d,%d) is not (%d,%d)", factor, x, y, x/f, y/f)
				}
			}
		}
	}
	// Resize keeps centres, and works on a part of a larger picture.
	part := gradient(8, 8).SubImage(image.Rect(2, 3, 6, 7))
	if m := Resize(part, 2, 2); m.RGBAAt(0, 0) != (color.RGBA{30, 40, 7, 255}) || m.RGBAAt(1, 1) != (color.RGBA{50, 60, 7, 255}) {
		t.Errorf("resized to %v", m.Pix)
	}
	if m := Resize(image.NewRGBA(image.Rectangle{}), 4, 4); m.Rect.Dx() != 0 {
		t.Errorf("a picture of nothing becomes %v", m.Rect)
	}
}

func TestStack(t *testing.T) {
	m := Stack(2, gradient(3, 2), gradient(5, 1))
	if m.Rect != image.Rect(0, 0, 5, 5) {
		t.Fatalf("stacked to %v", m.Rect)
	}
	if m.RGBAAt(4, 0) != paper || m.RGBAAt(0, 2) != paper || m.RGBAAt(4, 4) != (color.RGBA{40, 0, 7, 255}) {
		t.Error("pictures are not where they belong")
	}
}

func TestFields(t *testing.T) {
	v := make([]float32, 2*3*4*5)
	for i := range v {
		v[i] = float32(i)
	}
	fields, err := Fields(v, 2, 3, 4, 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	for n, f := range fields {
		if f.W != 4 || f.H != 3 {
			t.Fatalf("size %dx%d", f.W, f.H)
		}
		for i, got := range f.Values {
			if want := float32((n*12+i)*5 + 2); got != want {
				t.Fatalf("picture %d, pixel %d is %v, want %v", n, i, got, want)
			}
		}
	}
	least, greatest := Field{2, 2, []float32{3, nan, -1, 2}}.Range()
	if least != -1 || greatest != 3 {
		t.Errorf("range %v to %v, want -1 to 3", least, greatest)
	}
	if a, b := (Field{1, 1, []float32{nan}}).Range(); !math.IsNaN(a) || !math.IsNaN(b) {
		t.Errorf("range of nothing is %v to %v", a, b)
	}
}

func TestDifference(t *testing.T) {
	a := filled(2, 1, color.RGBA{100, 50, 0, 255})
	b := filled(2, 1, color.RGBA{100, 50, 0, 255})
	b.SetRGBA(1, 0, color.RGBA{70, 80, 255, 255})
	f, err := Difference(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if want := float32(30+30+255) / 765; f.Values[0] != 0 || math.Abs(float64(f.Values[1]-want)) > 1e-6 {
		t.Errorf("difference %v, want [0 %v]", f.Values, want)
	}
}

func TestMasks(t *testing.T) {
	white := filled(4, 2, paper)
	f := Field{2, 1, []float32{0, 1}} // coarser than the picture
	masked := f.Mask(white)
	over := f.Overlay(white, color.RGBA{255, 0, 0, 255}, 0.5)
	line := f.Outline(white, 0.5, color.RGBA{0, 0, 255, 255})
	for y := 0; y < 2; y++ {
		for x := 0; x < 4; x++ {
			mask, lay, edge := chequered(x, y), paper, paper
			if x >= 2 {
				mask, lay = paper, color.RGBA{255, 128, 128, 255}
			}
			if x == 1 {
				edge = color.RGBA{0, 0, 255, 255}
			}
			if c := masked.RGBAAt(x, y); c != mask {
				t.Errorf("masked (%d,%d) is %v, want %v", x, y, c, mask)
			}
			if c := over.RGBAAt(x, y); c != lay {
				t.Errorf("overlaid (%d,%d) is %v, want %v", x, y, c, lay)
			}
			if c := line.RGBAAt(x, y); c != edge {
				t.Errorf("outlined (%d,%d) is %v, want %v", x, y, c, edge)
			}
		}
	}
	tint := Field{4, 1, []float32{0, 1, 2, nan}}.Tint(color.RGBA{10, 200, 30, 255})
	for x, want := range []color.RGBA{{0, 0, 0, 255}, {10, 200, 30, 255}, {10, 200, 30, 255}, NotANumber} {
		if c := tint.RGBAAt(x, 0); c != want {
			t.Errorf("tint %d is %v, want %v", x, c, want)
		}
	}
	if a, b := chequered(3, 0), chequered(4, 0); a == b || a == paper || chequered(4, 4) != a {
		t.Errorf("the ground is %v and %v", a, b)
	}
	if c := (Field{1, 1, []float32{nan}}).Mask(white).RGBAAt(0, 0); c != NotANumber {
		t.Errorf("a mask of NaN gives %v", c)
	}
	if m := (Field{}).Outline(white, 0.5, paper); m.Rect != white.Rect {
		t.Errorf("an empty field gives %v", m.Rect)
	}
	bytes, err := FieldOfBytes([]byte{0, 51}, 1, 2, 255)
	if err != nil || bytes.Values[1] != 0.2 {
		t.Errorf("bytes give %v, %v", bytes.Values, err)
	}
}
