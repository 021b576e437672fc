package video

import (
	"encoding/binary"
	"math"
	"sync"
)

// Films of high dynamic range say how many candelas a square metre each level
// is; pictures here are for screens whose white is theirs alone. Tones up to
// white become what such a screen shows for them, exactly; what is brighter is
// pressed into the last eighth of the levels, all three colours alike, so that
// hues stay. It is done here because many a build of ffmpeg lacks the filters
// for it, and those it has raise the saturation of HLG.

// diffuseWhite is the white of graphics and paper in candelas (ITU-R BT.2408),
// hlgPeak that of the screen on which HLG is graded, and the peak that is
// assumed of PQ, too.
const (
	diffuseWhite = 203
	hlgPeak      = 1000
)

// curve is a transfer function of high dynamic range.
type curve = *transfer

type transfer struct {
	name string
	// linear [65536] is light for a level: of PQ in units of diffuseWhite, of
	// HLG as the scene had it, in 0..1.
	linear func() []float32
	scene  bool
	// common says that white is the brightest there is: nothing is pressed.
	common bool
}

// String is the curve's name, empty for none.
func (c *transfer) String() string {
	if c == nil {
		return ""
	}
	return c.name
}

// curves by ffmpeg's names of them.
var curves = map[string]curve{
	"arib-std-b67": {name: "HLG", scene: true, linear: sync.OnceValue(func() []float32 { return table(hlgScene) })},
	"smpte2084":    {name: "PQ", linear: sync.OnceValue(func() []float32 { return table(pqLight) })},
}

// common is the curve of films of common range whose primaries are other than
// those of screens (telephones' P3, BT.2020): that of the screen itself, so that
// greys stay what they are.
var common = &transfer{common: true, linear: sync.OnceValue(func() []float32 { return table(srgbLight) })}

// srgbLight is the inverse of what srgb tabulates.
func srgbLight(e float64) float64 {
	if e <= 0.04045 {
		return e / 12.92
	}
	return math.Pow((e+0.055)/1.055, 2.4)
}

// gamut turns linear light of its primaries into that of BT.709's, which sRGB
// shares.
type gamut = *[3][3]float32

// gamuts by ffmpeg's names of their primaries, all of white D65.
var gamuts = map[string]gamut{
	"bt2020":   {{1.660491, -0.587641, -0.072850}, {-0.124550, 1.132900, -0.008349}, {-0.018151, -0.100579, 1.118730}},
	"smpte432": {{1.224940, -0.224940, 0}, {-0.042057, 1.042057, 0}, {-0.019638, -0.078636, 1.098274}},
	"bt709":    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
}

func table(f func(float64) float64) []float32 {
	all := make([]float32, 1<<16)
	for i := range all {
		all[i] = float32(f(float64(i) / 65535))
	}
	return all
}

// hlgScene is the inverse of the transfer function in ITU-R BT.2100, table 5.
func hlgScene(e float64) float64 {
	const a, b, c = 0.17883277, 0.28466892, 0.55991073
	if e <= 0.5 {
		return e * e / 3
	}
	return (math.Exp((e-c)/a) + b) / 12
}

// pqLight is the function in ITU-R BT.2100, table 4, in units of diffuseWhite.
func pqLight(e float64) float64 {
	const m1, m2, c1, c2, c3 = 2610. / 16384, 2523. / 32, 3424. / 4096, 2413. / 128, 2392. / 128
	p := math.Pow(e, 1/m2)
	return 10000. / diffuseWhite * math.Pow(max(p-c1, 0)/(c2-c3*p), 1/m1)
}

// pressed is a tone, white being 1: itself up to a knee, then a hyperbola that
// goes on in the same direction and meets 1 at the peak.
func pressed(x float32) float32 {
	const knee, top = 0.75, (hlgPeak*1./diffuseWhite - 0.75) / (1 - 0.75)
	if x <= knee {
		return x
	}
	t := min((x-knee)/(1-knee), top)
	return knee + (1-knee)*t*(1+t/(top*top))/(1+t)
}

// srgb [4096] are levels by the square root of light.
var srgb = sync.OnceValue(func() *[4096]byte {
	all := &[4096]byte{}
	for i := range all {
		x := math.Pow(float64(i)/4095, 2)
		e := 12.92 * x
		if x > 0.0031308 {
			e = 1.055*math.Pow(x, 1/2.4) - 0.055
		}
		all[i] = byte(255*e + 0.5)
	}
	return all
})

// toneMap turns pixels of 16 bits, high byte first, into those of a frame.
func (v view) toneMap(wide []byte, out []byte) {
	light, levels, m := v.curve.linear(), srgb(), v.gamut
	for i := 0; i+3 <= len(out); i += 3 {
		var c [3]float32
		for k := range c {
			c[k] = light[binary.BigEndian.Uint16(wide[2*(i+k):])]
		}
		if v.curve.scene {
			// What a screen makes of a scene (BT.2100, note 5f): gamma 1.2 of the
			// luminance.
			y := 0.2627*c[0] + 0.6780*c[1] + 0.0593*c[2]
			gain := hlgPeak * 1. / diffuseWhite * float32(math.Pow(float64(y), 0.2))
			c[0], c[1], c[2] = c[0]*gain, c[1]*gain, c[2]*gain
		}
		r := max(0, m[0][0]*c[0]+m[0][1]*c[1]+m[0][2]*c[2])
		g := max(0, m[1][0]*c[0]+m[1][1]*c[1]+m[1][2]*c[2])
		b := max(0, m[2][0]*c[0]+m[2][1]*c[1]+m[2][2]*c[2])
		scale := float32(1)
		if brightest := max(r, g, b); brightest > 0 && !v.curve.common {
			scale = pressed(brightest) / brightest
		}
		for k, x := range [3]float32{r, g, b} {
			out[i+k] = levels[int(math.Sqrt(float64(min(x*scale, 1)))*4095+0.5)]
		}
	}
}
