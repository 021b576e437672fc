package video

import (
	"bytes"
	"image"
	"math"
	"testing"

	"golang.org/x/image/draw"

	"github.com/prioritycut/prioritycut/internal/random"
)

// noise is a picture of smooth waves and noise.
func noise(w, h int, seed int64) *Frame {
	r := random.New(seed)
	f := NewFrame(w, h)
	for i := range f.Pix {
		wave := 90 * math.Sin(float64(i%(3*w))/17+float64(i/(3*w))/9)
		f.Pix[i] = byte(128 + wave + r.Uniform(-30, 30))
	}
	return f
}

// The standard library's sister has the same kernel, in other arithmetic.
func TestStretchAgreesWithImageDraw(t *testing.T) {
	for _, size := range [][4]int{
		{40, 30, 20, 15}, {30, 40, 64, 48}, {176, 144, 64, 64}, {7, 5, 1, 1},
		{1, 1, 9, 4}, {100, 3, 7, 50}, {33, 33, 32, 32}, {640, 20, 64, 64},
	} {
		in := noise(size[0], size[1], 3)
		got, err := Stretch.Apply(in, size[2], size[3])
		if err != nil {
			t.Fatal(err)
		}
		want := image.NewRGBA(image.Rect(0, 0, size[2], size[3]))
		draw.CatmullRom.Scale(want, want.Bounds(), in.Image(), in.Image().Bounds(), draw.Src, nil)
		other, _ := FromImage(want)
		if worst := worstDifference(got, other); worst > 1 {
			t.Errorf("%v: differs by %d levels from x/image/draw", size, worst)
		}
	}
}

func worstDifference(a, b *Frame) int {
	if a.W != b.W || a.H != b.H {
		return 256
	}
	worst := 0
	for i := range a.Pix {
		worst = max(worst, int(math.Abs(float64(a.Pix[i])-float64(b.Pix[i]))))
	}
	return worst
}

func TestCropIsTheStretchedCentre(t *testing.T) {
	in := noise(90, 40, 5)
	got, err := Crop.Apply(in, 20, 20)
	if err != nil {
		t.Fatal(err)
	}
	want := image.NewRGBA(image.Rect(0, 0, 20, 20))
	draw.CatmullRom.Scale(want, want.Bounds(), in.Image(), image.Rect(25, 0, 65, 40), draw.Src, nil)
	other, _ := FromImage(want)
	// Ours sees the pixels beyond the window at its edge: compare inside.
	for y := 0; y < 20; y++ {
		for i := 3 * 3; i < 3*17; i++ {
			a, b := got.Pix[60*y+i], other.Pix[60*y+i]
			if int(a)-int(b) > 1 || int(b)-int(a) > 1 {
				t.Fatalf("row %d, value %d: %d, want %d", y, i, a, b)
			}
		}
	}
	// A window of the target's own size is cut without resampling.
	got, err = Crop.Apply(noise(64, 90, 6), 64, 64)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Pix, noise(64, 90, 6).Pix[13*64*3:(13+64)*64*3]) {
		t.Error("cropping without scaling changed pixels")
	}
}

func TestPadKeepsTheWholePictureAndIsBlackElsewhere(t *testing.T) {
	in := noise(64, 32, 7)
	got, err := Pad.Apply(in, 64, 64)
	if err != nil {
		t.Fatal(err)
	}
	want := NewFrame(64, 64)
	copy(want.Pix[16*64*3:], in.Pix)
	if !bytes.Equal(got.Pix, want.Pix) {
		t.Error("a picture of half the height is not between two black bars")
	}
	got, err = Pad.Apply(noise(1, 1000, 8), 50, 50)
	if err != nil {
		t.Fatal(err)
	}
	for y := 0; y < 50; y++ {
		for x := 0; x < 50; x++ {
			if lit := got.Pix[3*(50*y+x)] != 0; lit != (x == 25) {
				t.Fatalf("pixel (%d, %d): lit is %v", x, y, lit)
			}
		}
	}
}

func TestFitKeepsConstantsAndOwnSize(t *testing.T) {
	in := NewFrame(37, 23)
	for i := range in.Pix {
		in.Pix[i] = 201
	}
	for _, fit := range []Fit{Stretch, Crop} {
		for _, size := range [][2]int{{5, 5}, {64, 64}, {100, 9}} {
			out, err := fit.Apply(in, size[0], size[1])
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range out.Pix {
				if v != 201 {
					t.Fatalf("%s to %v: value %d is %d, want 201", fit, size, i, v)
				}
			}
		}
	}
	if out, err := Pad.Apply(in, 37, 23); err != nil || out != in {
		t.Errorf("a picture of the right size was copied (error %v)", err)
	}
}

func TestFitRefuses(t *testing.T) {
	good := NewFrame(4, 4)
	for name, apply := range map[string]func() (*Frame, error){
		"unknown fit": func() (*Frame, error) { return Fit("zoom").Apply(good, 8, 8) },
		"no size":     func() (*Frame, error) { return Crop.Apply(good, 0, 8) },
		"huge size":   func() (*Frame, error) { return Crop.Apply(good, 8, 1<<30) },
		"nil":         func() (*Frame, error) { return Crop.Apply(nil, 8, 8) },
		"short":       func() (*Frame, error) { return Crop.Apply(&Frame{W: 4, H: 4, Pix: make([]byte, 47)}, 8, 8) },
	} {
		if _, err := apply(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkStretch720pTo64(b *testing.B) {
	in := noise(1280, 720, 1)
	for i := 0; i < b.N; i++ {
		Stretch.Apply(in, 64, 64)
	}
}

func BenchmarkCrop720pTo256(b *testing.B) {
	in := noise(1280, 720, 1)
	for i := 0; i < b.N; i++ {
		Crop.Apply(in, 256, 256)
	}
}
