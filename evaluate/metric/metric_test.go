package metric

import (
	"fmt"
	"math"
	"testing"

	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/internal/random"
)

func load(t *testing.T, name string) golden.Array {
	t.Helper()
	f, err := golden.Load(golden.MetricsFile)
	if err != nil {
		t.Fatal(err)
	}
	a, err := f.Array(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// picture is a stored picture in [0, 1].
func picture(t *testing.T, name string) (pix []float32, h, w int) {
	t.Helper()
	a := load(t, name)
	pix = make([]float32, len(a.Data))
	for i, v := range a.Data {
		pix[i] = float32(v) / 255
	}
	return pix, a.Shape[0], a.Shape[1]
}

func mask(t *testing.T, name string) []byte {
	t.Helper()
	a := load(t, name)
	m := make([]byte, len(a.Data))
	for i, v := range a.Data {
		m[i] = byte(v)
	}
	return m
}

func same(t *testing.T, name string, got, want float64) {
	t.Helper()
	if got != want && !(math.Abs(got-want) <= golden.Metrics.Tol) {
		t.Errorf("%s: %.9g, want %.9g", name, got, want)
	}
}

// TestPicturesAreScikitImages compares with what scikit-image gave.
func TestPicturesAreScikitImages(t *testing.T) {
	for c := 0; c < 4; c++ {
		name := fmt.Sprintf("case%d_", c)
		a, h, w := picture(t, name+"a")
		b, _, _ := picture(t, name+"b")
		m := mask(t, name+"salient_mask")
		p, err := Pixels(a, b, m)
		if err != nil {
			t.Fatal(err)
		}
		uniform, err := NewSSIM(Uniform, h, w)
		if err != nil {
			t.Fatal(err)
		}
		all, err := uniform.Compare(a, b)
		if err != nil {
			t.Fatal(err)
		}
		salient, non, err := uniform.Masked(a, b, m)
		if err != nil {
			t.Fatal(err)
		}
		for key, got := range map[string]float64{
			"l1": p.L1, "psnr_uint8_range255": p.PSNR, "psnr_salient": p.PSNRSalient, "psnr_nonsalient": p.PSNRNonSalient,
			"ssim_uniform7_uint8": all, "ssim_uniform7_float": all, "ssim_uniform7_salient": salient, "ssim_uniform7_nonsalient": non,
		} {
			same(t, name+key, got, load(t, name+key).Data[0])
		}
		gaussian, err := NewSSIM(Gaussian, h, w)
		if c == 2 { // 7x7 pixels
			if err == nil {
				t.Error("a picture smaller than the window is taken")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := gaussian.Compare(a, b)
		if err != nil {
			t.Fatal(err)
		}
		same(t, name+"gauss", got, load(t, name+"ssim_gauss11_uint8").Data[0])
		if again, _ := gaussian.Compare(a, b); again != got {
			t.Errorf("case %d: %v, then %v", c, got, again)
		}
	}
}

// naiveSSIM is the definition, window by window, in two passes.
func naiveSSIM(a, b []float32, h, w, side int, weight func(dy, dx int) float64, sample float64) float64 {
	sum, n := 0.0, 0
	for y := 0; y+side <= h; y++ {
		for x := 0; x+side <= w; x++ {
			for c := 0; c < 3; c++ {
				at := func(p []float32, i int) float64 { return float64(p[((y+i/side)*w+x+i%side)*3+c]) }
				var ma, mb, va, vb, vab float64
				for i := 0; i < side*side; i++ {
					k := weight(i/side, i%side)
					ma += k * at(a, i)
					mb += k * at(b, i)
				}
				for i := 0; i < side*side; i++ {
					k := weight(i/side, i%side) * sample
					p, q := at(a, i)-ma, at(b, i)-mb
					va += k * p * p
					vb += k * q * q
					vab += k * p * q
				}
				sum += (2*ma*mb + 1e-4) * (2*vab + 9e-4) / ((ma*ma + mb*mb + 1e-4) * (va + vb + 9e-4))
				n++
			}
		}
	}
	return sum / float64(n)
}

// noise are two pictures that resemble each other.
func noise(h, w int, seed int64) (a, b []float32, m []byte) {
	r := random.New(seed)
	a, b, m = make([]float32, h*w*3), make([]float32, h*w*3), make([]byte, h*w)
	for i := range a {
		a[i] = float32(r.Float64())
		b[i] = float32(math.Min(math.Max(float64(a[i])+0.2*r.Normal(), 0), 1))
	}
	for i := range m {
		if r.IntN(3) > 0 {
			m[i] = byte(r.IntN(255) + 1)
		}
	}
	return a, b, m
}

func TestSSIMIsItsDefinition(t *testing.T) {
	for _, size := range [][2]int{{11, 11}, {12, 19}, {23, 14}} {
		h, w := size[0], size[1]
		a, b, m := noise(h, w, int64(h))
		zeroed := func(inside bool) (p, q []float32) {
			p, q = make([]float32, len(a)), make([]float32, len(b))
			for i := range a {
				if (m[i/3] != 0) == inside {
					p[i], q[i] = a[i], b[i]
				}
			}
			return p, q
		}
		norm := 0.0
		for i := 0; i < 121; i++ {
			norm += math.Exp(-(math.Pow(float64(i/11-5), 2) + math.Pow(float64(i%11-5), 2)) / (2 * 1.5 * 1.5))
		}
		for _, c := range []struct {
			window Window
			weight func(dy, dx int) float64
			sample float64
		}{
			{Uniform, func(int, int) float64 { return 1.0 / 49 }, 49.0 / 48},
			{Gaussian, func(dy, dx int) float64 {
				return math.Exp(-(math.Pow(float64(dy-5), 2)+math.Pow(float64(dx-5), 2))/(2*1.5*1.5)) / norm
			}, 1},
		} {
			s, err := NewSSIM(c.window, h, w)
			if err != nil {
				t.Fatal(err)
			}
			check := func(name string, got float64, p, q []float32) {
				t.Helper()
				want := naiveSSIM(p, q, h, w, c.window.Side(), c.weight, c.sample)
				if !(math.Abs(got-want) < 1e-12) {
					t.Errorf("%s %dx%d %s: %.15g, want %.15g", c.window, w, h, name, got, want)
				}
			}
			got, err := s.Compare(a, b)
			if err != nil {
				t.Fatal(err)
			}
			check("all", got, a, b)
			salient, non, err := s.Masked(a, b, m)
			if err != nil {
				t.Fatal(err)
			}
			p, q := zeroed(true)
			check("salient", salient, p, q)
			pixels, err := Pixels(p, q, nil)
			if err != nil {
				t.Fatal(err)
			}
			parts, err := Pixels(a, b, m)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(pixels.PSNR-parts.PSNRSalient) > 1e-12 || !math.IsNaN(pixels.PSNRSalient) {
				t.Errorf("salient PSNR %v, of zeroed pictures %v", parts.PSNRSalient, pixels.PSNR)
			}
			p, q = zeroed(false)
			check("non salient", non, p, q)
		}
	}
}

func TestWrongSizes(t *testing.T) {
	a, b, m := noise(8, 8, 1)
	s, err := NewSSIM(Uniform, 8, 8)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"shorter":   second(Pixels(a, b[:3], nil)),
		"no pixels": second(Pixels(nil, nil, nil)),
		"mask":      second(Pixels(a, b, m[:5])),
		"size":      second(s.Compare(a[:3*49], b[:3*49])),
		"window":    Window("box").Validate(),
		"too small": second(NewSSIM(Uniform, 6, 80)),
		"no window": second(NewSSIM("", 80, 80)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, _, err := s.Masked(a, b, nil); err == nil {
		t.Error("a picture is split without a mask")
	}
}

func second[T any](_ T, err error) error { return err }

func points(a golden.Array, frame int) []Point {
	n := a.Shape[1]
	out := make([]Point, n)
	for i := range out {
		x, y := a.Data[(frame*n+i)*2], a.Data[(frame*n+i)*2+1]
		out[i] = Point{X: x, Y: y, Missing: x == -1}
	}
	return out
}

func TestKeypointsAndEmbeddings(t *testing.T) {
	gt, pred := load(t, "akd_gt"), load(t, "akd_pred")
	var akd, mkr, squared, euclidean Moments
	for f := 0; f < gt.Shape[0]; f++ {
		d, ok, err := KeypointDistance(points(gt, f), points(pred, f))
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			akd.Add(d)
		}
		r, ok, err := MissingRate(points(gt, f), points(pred, f))
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			mkr.Add(r)
		}
	}
	same(t, "akd", akd.Mean, load(t, "akd_body").Data[0])
	same(t, "mkr", mkr.Mean, load(t, "mkr_body").Data[0])
	a, b := load(t, "aed_a"), load(t, "aed_b")
	n := a.Shape[1]
	for f := 0; f < a.Shape[0]; f++ {
		s, e, err := EmbeddingDistance(a.Float32s()[f*n:(f+1)*n], b.Float32s()[f*n:(f+1)*n])
		if err != nil {
			t.Fatal(err)
		}
		squared.Add(s)
		euclidean.Add(e)
	}
	same(t, "aed squared", squared.Mean, load(t, "aed_squared_mean").Data[0])
	same(t, "aed", euclidean.Mean, load(t, "aed_euclid_mean").Data[0])
}

func TestKeypointsByHand(t *testing.T) {
	gone := Point{Missing: true}
	for _, c := range []struct {
		name            string
		real, generated []Point
		akd             float64
		akdOK           bool
		mkr             float64
		mkrOK           bool
	}{
		{"coordinates, not Euclid", []Point{{X: 1, Y: 1}}, []Point{{X: 4, Y: 5}}, 3.5, true, 0, true},
		{"only joints of both", []Point{{X: 0, Y: 0}, {X: 9, Y: 9}, gone}, []Point{{X: 2, Y: 0}, gone, {X: 5, Y: 5}}, 1, true, 0.5, true},
		{"none generated", []Point{{X: 1, Y: 1}, {X: 2, Y: 2}}, []Point{gone, gone}, 0, false, 1, true},
		{"none in the real frame", []Point{gone, gone}, []Point{{X: 1, Y: 1}, gone}, 0, false, 0, false},
		{"no joints at all", nil, nil, 0, false, 0, false},
	} {
		akd, akdOK, err := KeypointDistance(c.real, c.generated)
		if err != nil || akd != c.akd || akdOK != c.akdOK {
			t.Errorf("%s: AKD %v, %v, %v", c.name, akd, akdOK, err)
		}
		mkr, mkrOK, err := MissingRate(c.real, c.generated)
		if err != nil || mkr != c.mkr || mkrOK != c.mkrOK {
			t.Errorf("%s: MKR %v, %v, %v", c.name, mkr, mkrOK, err)
		}
	}
	if _, _, err := KeypointDistance(make([]Point, 3), nil); err == nil {
		t.Error("other numbers of keypoints are compared")
	}
	if _, _, err := EmbeddingDistance([]float32{1}, []float32{1, 2}); err == nil {
		t.Error("other lengths of embeddings are compared")
	}
}

func TestIntervals(t *testing.T) {
	values := load(t, "ci_values").Data
	var all, left, right Moments
	for i, v := range values {
		all.Add(v)
		if i < 1000 {
			left.Add(v)
		} else {
			right.Add(v)
		}
	}
	same(t, "mean", all.Mean, load(t, "ci_mean").Data[0])
	want := load(t, "ci_half95").Data[0]
	if math.Abs(all.CI95()-want) > 1e-12 {
		t.Errorf("CI95 %v, want %v", all.CI95(), want)
	}
	left.Merge(right)
	left.Merge(Moments{})
	back := MomentsOf(left.N, left.Mean, left.SD())
	if left.N != all.N || math.Abs(left.Mean-all.Mean) > 1e-14 || math.Abs(back.CI95()-want) > 1e-12 {
		t.Errorf("merged %+v, want %+v", left, all)
	}
	if m := MomentsOf(1, 3, math.NaN()); !math.IsNaN(m.CI95()) || m.Mean != 3 {
		t.Errorf("one number has %+v", m)
	}
}

// TestBootstrap compares with what theory says of videos of equal length, and
// with frames that are copies: their number must not help.
func TestBootstrap(t *testing.T) {
	r := random.New(4)
	var videos, copies []Moments
	var means Moments
	for i := 0; i < 400; i++ {
		m := r.Normal()
		means.Add(m)
		videos = append(videos, Moments{N: 1, Mean: m})
		copies = append(copies, Moments{N: 50, Mean: m})
	}
	low, high := BootstrapVideos(videos, 7)
	if half := (high - low) / 2; math.Abs(half/means.CI95()-1) > 0.08 || math.Abs((high+low)/2-means.Mean) > 0.02 {
		t.Errorf("%v..%v, of theory %v +- %v", low, high, means.Mean, means.CI95())
	}
	if l, h := BootstrapVideos(append(copies, Moments{}), 7); math.Abs(l-low) > 1e-12 || math.Abs(h-high) > 1e-12 {
		t.Errorf("copied frames change %v..%v to %v..%v", low, high, l, h)
	}
	if l, _ := BootstrapVideos(videos, 8); l == low {
		t.Error("the seed changes nothing")
	}
	if l, h := BootstrapVideos(videos[:1], 7); !math.IsNaN(l) || !math.IsNaN(h) {
		t.Errorf("one video has an interval %v..%v", l, h)
	}
}

func benchmark(b *testing.B, window Window) {
	x, y, m := noise(256, 256, 1)
	s, err := NewSSIM(window, 256, 256)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("all", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			if _, err := s.Compare(x, y); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("masked", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			if _, _, err := s.Masked(x, y, m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkUniform(b *testing.B)  { benchmark(b, Uniform) }
func BenchmarkGaussian(b *testing.B) { benchmark(b, Gaussian) }

func BenchmarkPixels(b *testing.B) {
	x, y, m := noise(256, 256, 1)
	for i := 0; i < b.N; i++ {
		if _, err := Pixels(x, y, m); err != nil {
			b.Fatal(err)
		}
	}
}
