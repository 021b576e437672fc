package detectors

import (
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
)

// fetch runs a builder's graph.
func fetch(t *testing.T, b *builder, feeds map[tensorflow.Output]*tensorflow.Tensor, out ...tensorflow.Output) [][]float32 {
	t.Helper()
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	s, err := tf.NewSession(b.graph, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Run(feeds, out, nil)
	if err != nil {
		t.Fatal(err)
	}
	var values [][]float32
	for _, g := range got {
		v, err := tf.Values[float32](g)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

func tensor(t *testing.T, v []float32, shape ...int64) *tensorflow.Tensor {
	t.Helper()
	out, err := tf.NewTensor(v, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCropAndBack: a crop of a ramp has the values at the places, computed in
// float64, that onPicture tells of its pixels.
func TestCropAndBack(t *testing.T) {
	const h, w, size = 20, 30, 8
	ramp := make([]float32, 0, 2*h*w*3)
	for n := range 2 {
		for y := range h {
			for x := range w {
				ramp = append(ramp, float32(x), float32(y), float32(n))
			}
		}
	}
	regions := []float32{
		14, 10, 12, 0.5, 1, // turned clockwise by half a radian
		9.5, 8.25, 8, -math.Pi / 2, 1,
	}
	b := newBuilder(nil)
	image := op.Placeholder(b.next(), tensorflow.Float, op.PlaceholderShape(tensorflow.MakeShape(-1, -1, -1, 3)))
	told := op.Placeholder(b.next(), tensorflow.Float, op.PlaceholderShape(tensorflow.MakeShape(-1, regionWidth)))
	r := b.regionOf(told)
	share := op.Placeholder(b.next(), tensorflow.Float, op.PlaceholderShape(tensorflow.MakeShape(-1, -1)))
	px, py := b.onPicture(r, share, op.Const(b.next(), [][]float32{{0.3125}, {0.3125}}))
	got := fetch(t, b, map[tensorflow.Output]*tensorflow.Tensor{
		image: tensor(t, ramp, 2, h, w, 3), told: tensor(t, regions, 2, regionWidth), share: tensor(t, []float32{0.8125, 0.8125}, 2, 1),
	}, b.crop(image, r, size), px, py)
	for n := range 2 {
		q := regions[n*regionWidth:]
		cos, sin := math.Cos(float64(q[3])), math.Sin(float64(q[3]))
		place := func(u, v float64) (x, y float64) {
			dx, dy := (u-0.5)*float64(q[2]), (v-0.5)*float64(q[2])
			return float64(q[0]) + cos*dx - sin*dy - 0.5, float64(q[1]) + sin*dx + cos*dy - 0.5
		}
		for v := range size {
			for u := range size {
				x, y := place((float64(u)+0.5)/size, (float64(v)+0.5)/size)
				at := got[0][((n*size+v)*size+u)*3:]
				if math.Abs(float64(at[0])-x) > 1e-4 || math.Abs(float64(at[1])-y) > 1e-4 || at[2] != float32(n) {
					t.Errorf("picture %d, pixel %d,%d: %v, want (%.4f, %.4f)", n, u, v, at[:3], x, y)
				}
			}
		}
		// (6 + 1/2)/8 and (2 + 1/2)/8 are the centre of pixel 6, 2.
		x, y := place(0.8125, 0.3125)
		if math.Abs(float64(got[1][n])-x) > 1e-4 || math.Abs(float64(got[2][n])-y) > 1e-4 {
			t.Errorf("picture %d: back at (%v, %v), want (%v, %v)", n, got[1][n], got[2][n], x, y)
		}
	}
}

// TestWhole: the square around a picture that is no square is centred, black
// beside it.
func TestWhole(t *testing.T) {
	b := newBuilder(nil)
	image := op.Placeholder(b.next(), tensorflow.Float, op.PlaceholderShape(tensorflow.MakeShape(-1, -1, -1, 3)))
	all := b.whole(image)
	white := make([]float32, 4*8*3)
	for i := range white {
		white[i] = 1
	}
	got := fetch(t, b, map[tensorflow.Output]*tensorflow.Tensor{image: tensor(t, white, 1, 4, 8, 3)}, b.tensor(all), b.crop(image, all, 8))
	for i, want := range []float32{4, 2, 8, 0, 1} {
		if got[0][i] != want {
			t.Errorf("region %v", got[0])
			break
		}
	}
	for y := range 8 {
		want := float32(0)
		if y >= 2 && y < 6 {
			want = 1
		}
		if v := got[1][(y*8+3)*3]; v != want {
			t.Errorf("row %d is %v, want %v", y, v, want)
		}
	}
}

// TestCropAverages: pixels of a crop are means of all that they stand for, so that
// what alternates from pixel to pixel is grey and not black or white, and a
// turned region of random pixels has the means that float64 gives.
func TestCropAverages(t *testing.T) {
	const side, size = 60, 8
	board := make([]float32, side*side*3)
	noise := make([]float32, side*side*3)
	r := random.New(1)
	for i := range board {
		board[i], noise[i] = float32((i/3+i/3/side)%2), float32(r.Float64())
	}
	b := newBuilder(nil)
	image := op.Placeholder(b.next(), tensorflow.Float, op.PlaceholderShape(tensorflow.MakeShape(-1, -1, -1, 3)))
	told := op.Placeholder(b.next(), tensorflow.Float, op.PlaceholderShape(tensorflow.MakeShape(-1, regionWidth)))
	region := []float32{30, 30, 36, 0.3, 1}
	got := fetch(t, b, map[tensorflow.Output]*tensorflow.Tensor{
		image: tensor(t, append(board, noise...), 2, side, side, 3), told: tensor(t, append(region, region...), 2, regionWidth),
	}, b.crop(image, b.regionOf(told), size))[0]
	const k = 5 // 36 / 8 samples, rounded up
	for v := range size {
		for u := range size {
			at := (v*size + u) * 3
			if math.Abs(float64(got[at])-0.5) > 0.1 {
				t.Errorf("pixel %d,%d of a chessboard is %v", u, v, got[at])
			}
			want := 0.0
			for i := range k * k {
				du, dv := (float64(u*k+i%k)+0.5)/(size*k)-0.5, (float64(v*k+i/k)+0.5)/(size*k)-0.5
				cos, sin := math.Cos(0.3)*36, math.Sin(0.3)*36
				want += bilinear(noise, side, 30+cos*du-sin*dv-0.5, 30+sin*du+cos*dv-0.5) / (k * k)
			}
			if d := math.Abs(float64(got[size*size*3+at]) - want); d > 1e-4 {
				t.Errorf("pixel %d,%d of noise is %.2g off", u, v, d)
			}
		}
	}
}

// bilinear is the first colour of a square picture at a place between pixels.
func bilinear(pix []float32, side int, x, y float64) float64 {
	i, j := int(math.Floor(x)), int(math.Floor(y))
	dx, dy := x-float64(i), y-float64(j)
	at := func(i, j int) float64 { return float64(pix[(j*side+i)*3]) }
	return (1-dy)*((1-dx)*at(i, j)+dx*at(i+1, j)) + dy*((1-dx)*at(i, j+1)+dx*at(i+1, j+1))
}

func TestAnchors(t *testing.T) {
	all := anchors()
	if len(all) != 896 {
		t.Fatalf("%d anchors", len(all))
	}
	for i, want := range map[int][2]float32{0: {1. / 32, 1. / 32}, 1: {1. / 32, 1. / 32}, 2: {3. / 32, 1. / 32}, 512: {1. / 16, 1. / 16}, 895: {15. / 16, 15. / 16}} {
		if all[i][0] != want[0] || all[i][1] != want[1] {
			t.Errorf("anchor %d is %v, want %v", i, all[i], want)
		}
	}
}
