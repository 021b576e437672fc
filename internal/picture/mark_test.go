package picture

import (
	"image"
	"image/color"
	"math"
	"testing"
)

// centre gives the mean place of the pixels of a colour.
func centre(m *image.RGBA, c color.RGBA) (p Point, n float64) {
	for y := 0; y < m.Rect.Dy(); y++ {
		for x := 0; x < m.Rect.Dx(); x++ {
			if m.RGBAAt(x, y) == c {
				p.X += float64(x)
				p.Y += float64(y)
				n++
			}
		}
	}
	return Point{p.X / n, p.Y / n}, n
}

func TestKeypointsStandWhereTheModelSays(t *testing.T) {
	src := filled(65, 33, color.RGBA{128, 128, 128, 255})
	points := []Point{{0, 0}, {-0.5, 0.5}, {0.75, -0.25}}
	for _, zoom := range []int{1, 2, 3} {
		m := Style{KPSize: 2}.Keypoints(src, points, zoom)
		if m.Rect != image.Rect(0, 0, 65*zoom, 33*zoom) {
			t.Fatalf("size %v", m.Rect)
		}
		for i, p := range points {
			// The centre of source pixel q lies at (q + 1/2) * zoom - 1/2.
			want := Point{
				((p.X+1)*32+0.5)*float64(zoom) - 0.5,
				((p.Y+1)*16+0.5)*float64(zoom) - 0.5,
			}
			got, n := centre(m, Colormap{}.Of(i, 3))
			if math.Hypot(got.X-want.X, got.Y-want.Y) > 0.3 || n < 4 {
				t.Errorf("zoom %d: keypoint %d is at %v (%v pixels), want %v", zoom, i, got, n, want)
			}
		}
	}
	marked := Style{}.Marks(src, []Point{{20, 10}}, 2)
	if got, _ := centre(marked, (Colormap{}).Of(0, 1)); math.Hypot(got.X-40.5, got.Y-20.5) > 0.3 {
		t.Errorf("the mark is at %v", got)
	}
}

func TestKeypointsAnywhere(t *testing.T) {
	src := filled(16, 16, paper)
	far := []Point{{math.NaN(), 0}, {math.Inf(1), 0}, {0, math.Inf(-1)}, {1e300, -1e300}, {-7, 3}}
	m := Style{}.Keypoints(src, far, 1)
	for i := range m.Pix {
		if m.Pix[i] != 255 {
			t.Fatal("a point outside left a mark")
		}
	}
	// Corners are drawn as far as the picture goes.
	m = Style{}.Keypoints(src, []Point{{-1, -1}, {1, 1}}, 4)
	if first := (Colormap{}); m.RGBAAt(1, 1) != first.Of(0, 2) || m.RGBAAt(62, 62) != first.Of(1, 2) {
		t.Error("keypoints in the corners are missing")
	}
	if m := (Style{}).Keypoints(image.NewRGBA(image.Rectangle{}), far, 3); !m.Rect.Empty() {
		t.Errorf("a picture of nothing becomes %v", m.Rect)
	}
}

// TestKeypointsHaveTheirSize counts a disc's pixels, in pixels of the picture.
func TestKeypointsHaveTheirSize(t *testing.T) {
	src := filled(101, 101, color.RGBA{128, 128, 128, 255})
	for _, size := range []int{0, 1, 2, 5, 12} {
		for _, zoom := range []int{1, 3} {
			m := Style{KPSize: size}.Keypoints(src, []Point{{0, 0}}, zoom)
			_, n := centre(m, Colormap{}.Of(0, 1))
			radius := float64(zoom * max(size, 1))
			if area := math.Pi * radius * radius; n < math.Pi*(radius-0.6)*(radius-0.6) || n > area+4*radius {
				t.Errorf("size %d, zoom %d: %v pixels, the area is %.0f", size, zoom, n, area)
			}
		}
	}
}

func TestPoints(t *testing.T) {
	got, err := Points([]float32{0, 1, 2, 3, 4, 5, 6, 7}, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got[1][0] != (Point{4, 5}) || got[0][1] != (Point{2, 3}) {
		t.Errorf("points %v", got)
	}
}

func TestBoxBorderCrop(t *testing.T) {
	red := color.RGBA{255, 0, 0, 255}
	box := Box(gradient(10, 8), image.Rect(2, 1, 7, 6), red, 1)
	count := 0
	for y := 0; y < 8; y++ {
		for x := 0; x < 10; x++ {
			if box.RGBAAt(x, y) == red {
				count++
			}
		}
	}
	if count != 16 || box.RGBAAt(2, 1) != red || box.RGBAAt(6, 5) != red || box.RGBAAt(3, 2) == red {
		t.Errorf("the box has %d pixels, want 16", count)
	}
	// Boxes beyond the picture and thick ones stay within bounds.
	Box(gradient(4, 4), image.Rect(-9, -9, 90, 90), red, 50)
	Box(gradient(4, 4), image.Rect(3, 3, 1, 1), red, -1)

	framed := Border(gradient(3, 2), red, 2)
	if framed.Rect != image.Rect(0, 0, 7, 6) || framed.RGBAAt(1, 3) != red || framed.RGBAAt(3, 3) != (color.RGBA{10, 10, 7, 255}) {
		t.Errorf("the border is wrong: %v", framed.Rect)
	}
	cut := Crop(gradient(4, 4), image.Rect(2, 2, 6, 5))
	if cut.Rect != image.Rect(0, 0, 4, 3) || cut.RGBAAt(0, 0) != (color.RGBA{20, 20, 7, 255}) || cut.RGBAAt(3, 0) != (color.RGBA{0, 0, 0, 255}) {
		t.Errorf("the crop is wrong: %v", cut.Pix)
	}
}
