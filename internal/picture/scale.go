package picture

import (
	"image"
	"image/color"
	"math"
	"strconv"
	"sync"
)

// Ramp is a sequence of colours.
type Ramp int

const (
	// Sequential rises evenly in lightness from near black over purple and red
	// to pale yellow; it reads alike in grey and for the colour-blind.
	Sequential Ramp = iota
	// Diverging goes from blue over pale grey, the middle of the scale, to red.
	Diverging
	// Grey goes from black to white.
	Grey
)

// Scale gives values their colours: Low gets the first colour of the ramp,
// High the last. It does not depend on the picture, so pictures of different
// steps can be compared.
type Scale struct {
	Low, High float64
	Ramp      Ramp
}

// Unit is the scale of masks and probabilities, [0, 1].
var Unit = Scale{Low: 0, High: 1, Ramp: Sequential}

// Colour gives the colour of a value. Values beyond the ends get the colour of
// the end, NaN gets NotANumber.
func (s Scale) Colour(v float64) color.RGBA {
	if math.IsNaN(v) {
		return NotANumber
	}
	t := 0.0
	switch {
	case v >= s.High:
		t = 1
	case v > s.Low:
		t = (v - s.Low) / (s.High - s.Low)
	}
	return ramps()[s.Ramp.index()][int(255*t+0.5)]
}

// ends are the ends in words, as exactly as colours tell: to a hundredth of the
// width.
func (s Scale) ends() (low, high string) {
	digits := 1 - math.Floor(math.Log10(math.Abs(s.High-s.Low)))
	if !(math.Abs(digits) <= 6) { // no width, no number, or one with an exponent
		return number(s.Low), number(s.High)
	}
	write := func(v float64) string {
		unit := math.Pow(10, digits)
		return strconv.FormatFloat(math.Round(v*unit)/unit+0, 'f', -1, 64)
	}
	return write(s.Low), write(s.High)
}

func (r Ramp) index() int {
	if r < Sequential || r > Grey {
		return int(Sequential)
	}
	return int(r)
}

// Bar draws the scale from Low at the left to High at the right.
func (s Scale) Bar(w, h int) *image.RGBA {
	w, h = min(max(w, 2), maxSide), min(max(h, 1), maxSide)
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for x := 0; x < w; x++ {
		c := s.Colour(s.Low + (s.High-s.Low)*float64(x)/float64(w-1))
		for y := 0; y < h; y++ {
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

// ramps computes the colours of all ramps once.
var ramps = sync.OnceValue(func() [3][256]color.RGBA {
	var table [3][256]color.RGBA
	for i := range table[0] {
		t := float64(i) / 255
		// Purple (hue -1.2 rad) to yellow (1.9 rad); chroma is largest where
		// the display has most room for it.
		table[Sequential][i] = oklch(0.13+0.84*t, 0.04+0.19*math.Sin(math.Pi*math.Pow(t, 0.9)), -1.2+3.1*math.Pow(t, 0.8))
		d := math.Abs(2*t - 1)
		hue := 4.45 // blue
		if t > 0.5 {
			hue = 0.50 // red
		}
		table[Diverging][i] = oklch(0.95-0.50*math.Pow(d, 1.2), 0.20*math.Pow(d, 0.9), hue)
		table[Grey][i] = color.RGBA{byte(i), byte(i), byte(i), 255}
	}
	return table
})

// oklch converts lightness, chroma and hue (radians) of the Oklab colour
// space to sRGB. Chroma is lowered until the display can show the colour, so
// that lightness, which carries the value, stays.
func oklch(lightness, chroma, hue float64) color.RGBA {
	for ; chroma > 0; chroma -= 0.002 {
		if c, ok := oklab(lightness, chroma*math.Cos(hue), chroma*math.Sin(hue)); ok {
			return c
		}
	}
	c, _ := oklab(lightness, 0, 0)
	return c
}

// oklab converts a colour to sRGB and says whether the display can show it.
func oklab(lightness, a, b float64) (c color.RGBA, ok bool) {
	l := cube(lightness + 0.3963377774*a + 0.2158037573*b)
	m := cube(lightness - 0.1055613458*a - 0.0638541728*b)
	s := cube(lightness - 0.0894841775*a - 1.2914855480*b)
	red, inRed := gamma(4.0767416621*l - 3.3077115913*m + 0.2309699292*s)
	green, inGreen := gamma(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s)
	blue, inBlue := gamma(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s)
	return color.RGBA{red, green, blue, 255}, inRed && inGreen && inBlue
}

func cube(x float64) float64 { return x * x * x }

// gamma encodes a linear light value for sRGB.
func gamma(v float64) (byte, bool) {
	ok := v >= -0.0005 && v <= 1.0005
	if v <= 0.0031308 {
		return level(12.92 * v), ok
	}
	return level(1.055*math.Pow(v, 1/2.4) - 0.055), ok
}
