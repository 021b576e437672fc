package graph

import (
	"fmt"
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

func TestGrid(t *testing.T) {
	s := New(tensorflow.Double)
	grid := s.Grid(2, 3)
	got := tftest.Evaluate(t, s, grid, s.Grid(1, 2), s.Grid(58, 58), s.Axis(3), s.Axis(1))
	near(t, "grid of 2x3", got[0], []float64{-1, -1, 0, -1, 1, -1, -1, 1, 0, 1, 1, 1}, 0)
	near(t, "grid of 1x2", got[1], []float64{-1, -1, 1, -1}, 0)
	near(t, "sides of 3 and 1", append(got[3], got[4]...), []float64{-1, 0, 1, -1}, 0)
	if big := got[2]; len(big) != 2*58*58 || big[0] != -1 || big[len(big)-1] != 1 || math.Abs(big[2]-(2.0/57-1)) > 1e-15 {
		t.Errorf("grid of 58x58: %d numbers, from %v to %v, step to %v", len(big), big[0], big[len(big)-1], big[2])
	}
	if again := s.Grid(2, 3); again != grid {
		t.Error("a grid is made twice")
	}
}

// sampleAt is one pixel of a map [h][w], by the definition of the sampler.
func sampleAt(picture func(y, x int) float64, h, w int, px, py float64, padding Padding, alignCorners bool) float64 {
	place := func(t float64, n int) float64 {
		size := float64(n)
		if alignCorners {
			t = (t + 1) / 2 * (size - 1)
		} else {
			t = ((t+1)*size - 1) / 2
		}
		if padding == ZeroPadding {
			return t
		}
		lo, hi := -0.5, size-0.5
		if alignCorners {
			lo, hi = 0, size-1
		}
		for t < lo || t > hi { // fold until it is inside
			if t < lo {
				t = 2*lo - t
			} else {
				t = 2*hi - t
			}
		}
		return math.Min(math.Max(t, 0), size-1)
	}
	x, y := place(px, w), place(py, h)
	sum := 0.0
	for i := 0; i < h; i++ {
		for j := 0; j < w; j++ {
			weight := math.Max(0, 1-math.Abs(x-float64(j))) * math.Max(0, 1-math.Abs(y-float64(i)))
			sum += weight * picture(i, j)
		}
	}
	return sum
}

// TestWarp compares with the definition, far outside and at the borders too.
func TestWarp(t *testing.T) {
	const n, h, w, c, points = 2, 4, 6, 2, 40
	r := random.New(5)
	picture := normals(r, n*h*w*c)
	at := uniforms(r, n*points*2, -1.4, 1.4)
	copy(at, []float64{-1, -1, 1, 1, -1, 1, 0, 0, 3.7, -5.2, 1.0 / 3, -0.6})
	s := New(tensorflow.Double)
	x, grid := s.Values(picture, n, h, w, c), s.Values(at, n, points, 2)
	var outputs []tensorflow.Output
	var wants [][]float64
	var names []string
	for _, padding := range []Padding{ZeroPadding, ReflectPadding} {
		for _, alignCorners := range []bool{false, true} {
			var want []float64
			for i := 0; i < n*points; i++ {
				for k := 0; k < c; k++ {
					one := func(y, x int) float64 { return picture[((i/points*h+y)*w+x)*c+k] }
					want = append(want, sampleAt(one, h, w, at[2*i], at[2*i+1], padding, alignCorners))
				}
			}
			wants = append(wants, want)
			outputs = append(outputs, s.Warp(x, grid, padding, alignCorners))
			names = append(names, fmt.Sprintf("padding %d, corners aligned %v", padding, alignCorners))
		}
	}
	for i, got := range tftest.Evaluate(t, s, outputs...) {
		near(t, names[i], got, wants[i], 1e-14)
	}
}

// TestWarpIdentity: with corners aligned the grid is where the pixels are, and
// a warp by it changes nothing.
func TestWarpIdentity(t *testing.T) {
	for name, dtype := range dtypes {
		const h, w = 16, 24
		picture := normals(random.New(6), h*w*3)
		s := New(dtype)
		x, grid := s.Values(picture, 1, h, w, 3), s.Reshape(s.Grid(h, w), 1, h, w, 2)
		got := tftest.Evaluate(t, s, s.Warp(x, grid, ZeroPadding, true), s.Warp(x, grid, ReflectPadding, true))
		tol := map[string]float64{"float": 1e-5, "double": 1e-14}[name]
		near(t, name+" with zeros", got[0], picture, tol)
		near(t, name+" with reflection", got[1], picture, tol)
	}
}

// TestWarpHostilePoints: points that are no numbers or beyond int32 must not
// reach for memory that is not there.
func TestWarpHostilePoints(t *testing.T) {
	bad := []float64{math.NaN(), 0, math.Inf(1), 0, 0, math.Inf(-1), 1e30, 1e30, -1e300, 0.5, math.MaxFloat32, 1}
	for name, dtype := range map[string]tensorflow.DataType{"float": tensorflow.Float, "double": tensorflow.Double, "own": tensorflow.Float} {
		for _, padding := range []Padding{ZeroPadding, ReflectPadding} {
			s := New(dtype)
			if name == "own" {
				s.UseKernels("cpu")
			}
			x := s.Values([]float64{1, 2, 3, 4}, 1, 2, 2, 1)
			got := tftest.Evaluate(t, s, s.Warp(x, s.Values(bad, 1, 6, 2), padding, true))[0]
			if !math.IsNaN(got[0]) {
				t.Errorf("%s: a warp to NaN gives %v", name, got[0])
			}
			if padding == ZeroPadding && (got[3] != 0 || got[5] != 0) {
				t.Errorf("%s: a warp to far outside gives %v and %v, want 0", name, got[3], got[5])
			}
		}
	}
}

// TestAntiAlias compares with a convolution by the kernel in two dimensions.
func TestAntiAlias(t *testing.T) {
	const n, h, w, c = 2, 20, 33, 3
	picture := normals(random.New(7), n*h*w*c)
	s := New(tensorflow.Double)
	x := s.Values(picture, n, h, w, c)
	scales := []float64{1, 0.5, 0.25, 0.125}
	var outputs []tensorflow.Output
	for _, scale := range scales {
		outputs = append(outputs, s.AntiAlias(x, scale))
	}
	if outputs[0] != x {
		t.Error("scale 1 adds operations")
	}
	for i, got := range tftest.Evaluate(t, s, outputs[1:]...) {
		step := int(1 / scales[i+1])
		near(t, fmt.Sprintf("scale %v", scales[i+1]), got, shrinkDirectly(picture, n, h, w, c, step), 1e-13)
	}
}

// shrinkDirectly is the definition: sigma = (step-1)/2, 5, 13 or 29 taps.
func shrinkDirectly(picture []float64, n, h, w, c, step int) []float64 {
	taps := map[int]int{2: 5, 4: 13, 8: 29}[step]
	sigma, half := float64(step-1)/2, taps/2
	gauss := func(d int) float64 { return math.Exp(-float64(d*d) / (2 * sigma * sigma)) }
	total := 0.0
	for dy := -half; dy <= half; dy++ {
		for dx := -half; dx <= half; dx++ {
			total += gauss(dy) * gauss(dx)
		}
	}
	var out []float64
	for b := 0; b < n; b++ {
		for y := 0; y < h; y += step {
			for x := 0; x < w; x += step {
				for k := 0; k < c; k++ {
					sum := 0.0
					for dy := -half; dy <= half; dy++ {
						for dx := -half; dx <= half; dx++ {
							if i, j := y+dy, x+dx; i >= 0 && i < h && j >= 0 && j < w {
								sum += gauss(dy) * gauss(dx) / total * picture[((b*h+i)*w+j)*c+k]
							}
						}
					}
					out = append(out, sum)
				}
			}
		}
	}
	return out
}

// TestResizeBilinear compares with interpolation at half-pixel centres, whose
// ends are held at the border pixels.
func TestResizeBilinear(t *testing.T) {
	const h, w = 5, 3
	picture := normals(random.New(8), h*w)
	s := New(tensorflow.Double)
	x := s.Values(picture, 1, h, w, 1)
	sizes := [][2]int{{10, 6}, {7, 2}, {1, 1}, {5, 8}}
	var outputs []tensorflow.Output
	for _, size := range sizes {
		outputs = append(outputs, s.ResizeBilinear(x, size[0], size[1]))
	}
	for i, got := range tftest.Evaluate(t, s, outputs...) {
		toH, toW := sizes[i][0], sizes[i][1]
		var want []float64
		for y := 0; y < toH; y++ {
			for j := 0; j < toW; j++ {
				centre := func(i, to, from int) float64 {
					at := (float64(i)+0.5)*float64(from)/float64(to) - 0.5
					return math.Min(math.Max(at, 0), float64(from-1))
				}
				py, px := centre(y, toH, h), centre(j, toW, w)
				sum := 0.0
				for a := 0; a < h; a++ {
					for b := 0; b < w; b++ {
						sum += math.Max(0, 1-math.Abs(py-float64(a))) * math.Max(0, 1-math.Abs(px-float64(b))) * picture[a*w+b]
					}
				}
				want = append(want, sum)
			}
		}
		near(t, fmt.Sprint("resize to ", sizes[i]), got, want, 1e-14)
	}
	if s.ResizeBilinear(x, h, w) != x {
		t.Error("a resize to the same size adds operations")
	}
}

// TestPools compares pooling and repeating with their definitions, for odd
// sides.
func TestPools(t *testing.T) {
	picture := []float64{1, 2, 3, 4, 5, 9, 7, 8, 6, 0, 1, 2, 3, 4, 5} // 3x5
	s := New(tensorflow.Double)
	x := s.Values(picture, 1, 3, 5, 1)
	small := s.Values([]float64{1, 2, 3, 4}, 1, 2, 2, 1)
	got := tftest.Evaluate(t, s, s.AvgPool2(x), s.MaxPool2(x), s.UpNearest2(small))
	near(t, "average", got[0], []float64{19.0 / 4, 21.0 / 4}, 1e-15)
	near(t, "maximum", got[1], []float64{9, 8}, 0)
	near(t, "nearest", got[2], []float64{1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}, 0)
}
