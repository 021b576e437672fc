package picture

import (
	"image"
	"image/color"
	"image/draw"
	"math"
)

// Point is a place in a picture; what its unit is, the user of it says.
type Point struct{ X, Y float64 }

// Pixel converts a keypoint of a model, in [-1, 1] with -1 and 1 at the
// centres of the first and the last pixel, to pixels of a picture w x h; (0, 0)
// is the centre of the first pixel.
func (p Point) Pixel(w, h int) Point {
	return Point{(p.X + 1) / 2 * float64(w-1), (p.Y + 1) / 2 * float64(h-1)}
}

// Points makes keypoints of an array [n,k,2], k for each of n pictures.
func Points(v []float32, n, k int) ([][]Point, error) {
	if err := checkLength(len(v), n, k, 2, 1); err != nil {
		return nil, err
	}
	points := make([][]Point, n)
	for i := range points {
		points[i] = make([]Point, k)
		for j := range points[i] {
			at := 2 * (i*k + j)
			points[i][j] = Point{float64(v[at]), float64(v[at+1])}
		}
	}
	return points, nil
}

// Style is how keypoints and grids are drawn: the visualizer_params.
type Style struct {
	// KPSize is the radius of a keypoint's disc in pixels of the picture, before
	// it is enlarged; below 1 counts as 1.
	KPSize int
	// Border puts space between the cells of a grid and a line around each.
	Border bool
	// Colormap colours keypoints and what belongs to them.
	Colormap Colormap
}

// Keypoints enlarges a picture by a whole factor and marks the keypoints of a
// model, in [-1, 1], by discs; keypoint i of n has the colour
// Colormap.Of(i, n) in every picture. Points that are not numbers are left out.
func (s Style) Keypoints(src image.Image, points []Point, zoom int) *image.RGBA {
	m := canvas(src)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	pixels := make([]Point, len(points))
	for i, p := range points {
		pixels[i] = p.Pixel(w, h)
	}
	return s.Marks(m, pixels, zoom)
}

// Marks is Keypoints for places in pixels of the picture before enlarging;
// (0, 0) is the centre of the first pixel.
func (s Style) Marks(src image.Image, pixels []Point, zoom int) *image.RGBA {
	m := Zoom(src, zoom)
	factor := float64(max(zoom, 1))
	radius := factor * float64(max(s.KPSize, 1))
	for i, p := range pixels {
		at := Point{(p.X+0.5)*factor - 0.5, (p.Y+0.5)*factor - 0.5}
		// The dark rim tells a disc from a picture of its colour.
		disc(m, at, radius+1, color.RGBA{20, 20, 20, 255})
		disc(m, at, radius, s.Colormap.Of(i, len(pixels)))
	}
	return m
}

// disc draws a disc with a soft edge, clipped to the picture.
func disc(m *image.RGBA, at Point, radius float64, c color.RGBA) {
	w, h := float64(m.Rect.Dx()), float64(m.Rect.Dy())
	if !(at.X > -radius-1 && at.Y > -radius-1 && at.X < w+radius && at.Y < h+radius) {
		return // outside, or not a number
	}
	reach := radius + 1
	for y := int(max(at.Y-reach, 0)); y <= int(min(at.Y+reach, h-1)); y++ {
		for x := int(max(at.X-reach, 0)); x <= int(min(at.X+reach, w-1)); x++ {
			cover := radius + 0.5 - math.Hypot(float64(x)-at.X, float64(y)-at.Y)
			if cover > 0 {
				m.SetRGBA(x, y, mix(m.RGBAAt(x, y), c, cover))
			}
		}
	}
}

// Box draws a rectangle's border, width pixels wide, on the inside of r.
func Box(src image.Image, r image.Rectangle, c color.Color, width int) *image.RGBA {
	m := canvas(src)
	r = r.Canon()
	width = min(max(width, 1), (min(r.Dx(), r.Dy())+1)/2)
	ink := image.NewUniform(c)
	for _, side := range [4]image.Rectangle{
		{r.Min, image.Pt(r.Max.X, r.Min.Y+width)},
		{image.Pt(r.Min.X, r.Max.Y-width), r.Max},
		{r.Min, image.Pt(r.Min.X+width, r.Max.Y)},
		{image.Pt(r.Max.X-width, r.Min.Y), r.Max},
	} {
		draw.Draw(m, side.Intersect(m.Rect), ink, image.Point{}, draw.Over)
	}
	return m
}

// Border puts a frame of a colour around a picture, which grows by width on
// each side.
func Border(src image.Image, c color.Color, width int) *image.RGBA {
	b := src.Bounds()
	width = min(max(width, 0), maxSide)
	m := filled(b.Dx()+2*width, b.Dy()+2*width, c)
	draw.Draw(m, image.Rect(width, width, width+b.Dx(), width+b.Dy()), src, b.Min, draw.Src)
	return m
}

// Crop cuts a region out of a picture; what lies outside is black.
func Crop(src image.Image, r image.Rectangle) *image.RGBA {
	r = r.Canon()
	m := filled(min(r.Dx(), maxSide), min(r.Dy(), maxSide), color.Black)
	b := src.Bounds()
	draw.Draw(m, m.Rect, clipped{src}, b.Min.Add(r.Min), draw.Over)
	return m
}

// clipped is a picture that is transparent beyond its bounds.
type clipped struct{ image.Image }

func (c clipped) At(x, y int) color.Color {
	if !image.Pt(x, y).In(c.Bounds()) {
		return color.Transparent
	}
	return c.Image.At(x, y)
}
