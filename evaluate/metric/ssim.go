package metric

import (
	"fmt"
	"math"
)

// Window says over which neighbourhood SSIM takes its statistics.
type Window string

const (
	// Uniform weighs 7x7 pixels alike and takes sample covariances (divided by
	// 48), scikit-image's default.
	Uniform Window = "uniform"
	// Gaussian weighs 11x11 pixels with a standard deviation of 1.5 and takes
	// covariances of the weighted population, as Wang et al. 2004.
	Gaussian Window = "gaussian"
)

// Validate reports a value that is neither.
func (w Window) Validate() error {
	if w == Uniform || w == Gaussian {
		return nil
	}
	return fmt.Errorf("there is no SSIM window %q: uniform or gaussian", string(w))
}

// Side is the window's side in pixels, also the least side of a picture.
func (w Window) Side() int {
	if w == Gaussian {
		return 11
	}
	return 7
}

// The constants of SSIM for pictures in [0, 1]: (K1 L)^2 and (K2 L)^2.
const (
	c1 = 0.01 * 0.01
	c2 = 0.03 * 0.03
)

// moments are the statistics of a window: means of a, b, a^2, b^2 and ab.
const moments = 5

// SSIM computes structural similarity. It keeps its buffers: one value serves
// pictures of one size, and one goroutine at a time.
type SSIM struct {
	window Window
	h, w   int
	// column are the window's statistics summed over its rows, [W*3] each.
	column [moments][]float64
	// ring holds the last rows of a, b, aa, bb, ab; for Gaussian alone.
	ring   [][moments][]float64
	taps   []float64
	masked [2][]float32
}

// NewSSIM serves pictures of h by w pixels, at least as large as the window.
func NewSSIM(window Window, h, w int) (*SSIM, error) {
	if err := window.Validate(); err != nil {
		return nil, err
	}
	side := window.Side()
	if h < side || w < side {
		return nil, fmt.Errorf("pictures of %dx%d pixels are smaller than the %s SSIM window of %dx%d", w, h, window, side, side)
	}
	s := &SSIM{window: window, h: h, w: w}
	for i := range s.column {
		s.column[i] = make([]float64, w*channels)
	}
	if window == Gaussian {
		s.taps = gaussianTaps(side, 1.5)
		s.ring = make([][moments][]float64, side)
		for r := range s.ring {
			for i := range s.ring[r] {
				s.ring[r][i] = make([]float64, w*channels)
			}
		}
	}
	return s, nil
}

// gaussianTaps are the normalised weights of one axis.
func gaussianTaps(n int, sigma float64) []float64 {
	taps := make([]float64, n)
	sum := 0.0
	for i := range taps {
		d := float64(i-n/2) / sigma
		taps[i] = math.Exp(-0.5 * d * d)
		sum += taps[i]
	}
	for i := range taps {
		taps[i] /= sum
	}
	return taps
}

// Compare returns the mean of SSIM over all windows that lie in the picture and
// over the channels: 1 for equal pictures.
func (s *SSIM) Compare(a, b []float32) (float64, error) {
	if err := s.check(a, b, nil); err != nil {
		return 0, err
	}
	return s.mean(a, b), nil
}

// Masked returns the SSIM of the pictures with all pixels set to zero where
// mask [H, W] is 0, and with all set to zero where it is not.
func (s *SSIM) Masked(a, b []float32, mask []byte) (salient, nonSalient float64, err error) {
	if mask == nil {
		return 0, 0, fmt.Errorf("metric: no mask")
	}
	if err := s.check(a, b, mask); err != nil {
		return 0, 0, err
	}
	for i := range s.masked {
		if s.masked[i] == nil {
			s.masked[i] = make([]float32, len(a))
		}
	}
	part := func(inside bool) float64 {
		for i, m := range mask {
			at := i * channels
			if (m != 0) == inside {
				copy(s.masked[0][at:at+channels], a[at:])
				copy(s.masked[1][at:at+channels], b[at:])
				continue
			}
			clear(s.masked[0][at : at+channels])
			clear(s.masked[1][at : at+channels])
		}
		return s.mean(s.masked[0], s.masked[1])
	}
	return part(true), part(false), nil
}

func (s *SSIM) check(a, b []float32, mask []byte) error {
	if err := checkPair(a, b, mask); err != nil {
		return err
	}
	if len(a) != s.h*s.w*channels {
		return fmt.Errorf("metric: a picture of %d values instead of %dx%dx%d", len(a), s.w, s.h, channels)
	}
	return nil
}

func (s *SSIM) mean(a, b []float32) float64 {
	side := s.window.Side()
	for i := range s.column {
		clear(s.column[i])
	}
	sum := 0.0
	for y := 0; y < s.h; y++ {
		if s.window == Gaussian {
			s.enter(a, b, y)
			if y >= side-1 {
				s.weighRows(y)
				sum += s.gaussianRow()
			}
			continue
		}
		s.slide(a, b, y)
		if y >= side-1 {
			sum += s.uniformRow()
		}
	}
	return sum / float64((s.h-side+1)*(s.w-side+1)*channels)
}

// slide adds row y to the columns' sums and takes away the row that leaves the
// window.
func (s *SSIM) slide(a, b []float32, y int) {
	n := s.w * channels
	sa, sb, saa, sbb, sab := s.column[0], s.column[1], s.column[2], s.column[3], s.column[4]
	ra, rb := a[y*n:(y+1)*n], b[y*n:(y+1)*n]
	side := s.window.Side()
	if y < side {
		for i := range ra {
			p, q := float64(ra[i]), float64(rb[i])
			sa[i] += p
			sb[i] += q
			saa[i] += p * p
			sbb[i] += q * q
			sab[i] += p * q
		}
		return
	}
	oa, ob := a[(y-side)*n:(y-side+1)*n], b[(y-side)*n:(y-side+1)*n]
	for i := range ra {
		p, q := float64(ra[i]), float64(rb[i])
		o, r := float64(oa[i]), float64(ob[i])
		sa[i] += p - o
		sb[i] += q - r
		saa[i] += p*p - o*o
		sbb[i] += q*q - r*r
		sab[i] += p*q - o*r
	}
}

// uniformRow sums SSIM along one row of windows.
func (s *SSIM) uniformRow() float64 {
	side := s.window.Side()
	const leaves = 7 * channels
	area := float64(side * side)
	norm := 1 / area
	sample := area / (area - 1)
	sum := 0.0
	sa, sb, saa, sbb, sab := s.column[0], s.column[1], s.column[2], s.column[3], s.column[4]
	for c := 0; c < channels; c++ {
		var ta, tb, taa, tbb, tab float64
		for x := 0; x < s.w; x++ {
			i := x*channels + c
			ta += sa[i]
			tb += sb[i]
			taa += saa[i]
			tbb += sbb[i]
			tab += sab[i]
			if x < side-1 {
				continue
			}
			if x >= side {
				j := i - leaves
				ta -= sa[j]
				tb -= sb[j]
				taa -= saa[j]
				tbb -= sbb[j]
				tab -= sab[j]
			}
			sum += similarity(ta*norm, tb*norm, taa*norm, tbb*norm, tab*norm, sample)
		}
	}
	return sum
}

// similarity is SSIM of one window from its mean values; scale turns the
// population's covariances into those wanted.
func similarity(ma, mb, maa, mbb, mab, scale float64) float64 {
	va, vb, vab := scale*(maa-ma*ma), scale*(mbb-mb*mb), scale*(mab-ma*mb)
	return ((2*ma*mb + c1) * (2*vab + c2)) / ((ma*ma + mb*mb + c1) * (va + vb + c2))
}

// enter puts row y into the ring.
func (s *SSIM) enter(a, b []float32, y int) {
	n := s.w * channels
	row := &s.ring[y%len(s.ring)]
	ra, rb := a[y*n:(y+1)*n], b[y*n:(y+1)*n]
	for i := range ra {
		p, q := float64(ra[i]), float64(rb[i])
		row[0][i], row[1][i] = p, q
		row[2][i], row[3][i], row[4][i] = p*p, q*q, p*q
	}
}

// weighRows weighs the rows of the window that ends with row y.
func (s *SSIM) weighRows(y int) {
	side := len(s.ring)
	for m := range s.column {
		column := s.column[m]
		clear(column)
		for r := 0; r < side; r++ {
			tap := s.taps[r]
			for i, v := range s.ring[(y-side+1+r)%side][m] {
				column[i] += tap * v
			}
		}
	}
}

// gaussianRow sums SSIM along one row of windows.
func (s *SSIM) gaussianRow() float64 {
	side := len(s.taps)
	sum := 0.0
	for i := 0; i < (s.w-side+1)*channels; i++ {
		var t [moments]float64
		for m := range t {
			column := s.column[m][i:]
			for k, tap := range s.taps {
				t[m] += tap * column[k*channels]
			}
		}
		sum += similarity(t[0], t[1], t[2], t[3], t[4], 1)
	}
	return sum
}
