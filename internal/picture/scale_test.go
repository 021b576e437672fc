package picture

import (
	"image/color"
	"math"
	"testing"
)

// lightness is CIE L*, which shares no formula with the space that the ramps
// are computed in.
func lightness(c color.RGBA) float64 {
	linear := func(b uint8) float64 {
		v := float64(b) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	y := 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
	if y <= 216.0/24389 {
		return y * 24389 / 27
	}
	return 116*math.Cbrt(y) - 16
}

func TestSequentialRisesInLightness(t *testing.T) {
	for _, ramp := range []Ramp{Sequential, Grey} {
		last := -1.0
		for i := 0; i <= 255; i++ {
			l := lightness(Scale{0, 255, ramp}.Colour(float64(i)))
			if l < last-0.4 { // one level of 8 bits
				t.Fatalf("ramp %d falls from %.2f to %.2f at %d", ramp, last, l, i)
			}
			last = l
		}
	}
	first, mid, end := lightness(Unit.Colour(0)), lightness(Unit.Colour(0.5)), lightness(Unit.Colour(1))
	if first > 10 || end < 90 || math.Abs(mid-(first+end)/2) > 8 {
		t.Errorf("lightness %.0f, %.0f, %.0f is not even", first, mid, end)
	}
}

func TestDivergingIsPalestInTheMiddle(t *testing.T) {
	s := Scale{-2, 2, Diverging}
	low, mid, high := s.Colour(-2), s.Colour(0), s.Colour(2)
	if low.B < low.R+80 || high.R < high.B+80 {
		t.Errorf("ends are %v and %v, want blue and red", low, high)
	}
	if d := int(max(mid.R, mid.G, mid.B)) - int(min(mid.R, mid.G, mid.B)); d > 12 {
		t.Errorf("the middle is %v, want grey", mid)
	}
	for v := 0.05; v <= 2; v += 0.05 {
		a, b := lightness(s.Colour(v)), lightness(s.Colour(-v))
		if math.Abs(a-b) > 12 || a > lightness(mid)+0.5 {
			t.Errorf("lightness %.1f at %.2f, %.1f at %.2f", a, v, b, -v)
		}
	}
}

func TestScaleIsFixed(t *testing.T) {
	s := Scale{Low: -1, High: 3}
	for _, c := range []struct{ v, same float64 }{
		{-5, -1}, {math.Inf(-1), -1}, {9, 3}, {math.Inf(1), 3},
	} {
		if s.Colour(c.v) != s.Colour(c.same) {
			t.Errorf("%v is not drawn as %v", c.v, c.same)
		}
	}
	if s.Colour(1) != Unit.Colour(0.5) {
		t.Error("the middle of two scales has two colours")
	}
	if s.Colour(math.NaN()) != NotANumber {
		t.Error("NaN hides in the scale")
	}
	for _, r := range ramps() {
		for i, c := range r {
			if c == NotANumber {
				t.Errorf("colour %d is that of NaN", i)
			}
		}
	}
	// A scale without width tells below from not below.
	flat := Scale{Low: 1, High: 1}
	if flat.Colour(0.9) != Unit.Colour(0) || flat.Colour(1) != Unit.Colour(1) {
		t.Error("a scale without width fails")
	}
	if (Scale{0, 1, Ramp(77)}).Colour(0.3) != Unit.Colour(0.3) {
		t.Error("an unknown ramp is not the sequential one")
	}
	bar := s.Bar(50, 3)
	if bar.RGBAAt(0, 2) != s.Colour(-1) || bar.RGBAAt(49, 0) != s.Colour(3) {
		t.Error("the bar's ends are not the scale's")
	}
}

// Legends tell no more digits than colours do, and whole numbers without an
// exponent.
func TestEndsInWords(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 1, "0 1"}, {0, 0.5, "0 0.5"}, {-1, 1, "-1 1"}, {0.182512, 0.765934, "0.18 0.77"}, {0.43771, 0.56229, "0.44 0.56"},
		{0.498134, 0.501249, "0.4981 0.5012"}, {-1.3371, 2.6184, "-1.3 2.6"}, {-0.0004, 0.9, "0 0.9"}, {-12345.6, 54321, "-12000 54000"},
		{0.25, 0.25, "0.25 0.25"}, {0, math.Inf(1), "0 +Inf"}, {0, 3e-9, "0 3e-09"},
	} {
		low, high := Scale{Low: c.low, High: c.high}.ends()
		if got := low + " " + high; got != c.want {
			t.Errorf("%v to %v is told as %q, want %q", c.low, c.high, got, c.want)
		}
	}
	for v, want := range map[float64]string{12500: "12500", 0.001: "0.001", 1e8: "1e+08", math.Copysign(0, -1): "0", 0.33333: "0.3333"} {
		if got := number(v); got != want {
			t.Errorf("%v is told as %q, want %q", v, got, want)
		}
	}
}
