package video

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// encoding is how levels stand for an RGB picture.
type encoding struct {
	pixels string
	bits   int
	matrix string
	full   bool
	codec  string
}

// levels are Y, Cb and Cr of an RGB colour in 0..1, by the definitions of
// BT.601, BT.709 and BT.2020.
func (e encoding) levels(c [3]float64) (l [3]float64) {
	k := map[string][2]float64{"smpte170m": {0.299, 0.114}, "bt709": {0.2126, 0.0722}, "bt2020nc": {0.2627, 0.0593}}[e.matrix]
	y := k[0]*c[0] + (1-k[0]-k[1])*c[1] + k[1]*c[2]
	u, v := (c[2]-y)/(2*(1-k[1])), (c[0]-y)/(2*(1-k[0]))
	scale := math.Exp2(float64(e.bits - 8))
	if e.full {
		top := 256*scale - 1
		return [3]float64{y * top, u*top + 128*scale, v*top + 128*scale}
	}
	return [3]float64{(16 + 219*y) * scale, (128 + 224*u) * scale, (128 + 224*v) * scale}
}

// film writes a film of one picture, stripes of colours beside each other, with
// what its header tells.
func (e encoding) film(t *testing.T, size string, colours [][3]float64, tags ...string) string {
	t.Helper()
	var planes [3]string
	for i, c := range colours {
		for k, level := range e.levels(c) {
			planes[k] += fmt.Sprintf("+%.0f*eq(floor(%d*X/W),%d)", level, len(colours), i)
		}
	}
	ext, codec := ".mkv", []string{"-c:v", "ffv1"}
	switch e.codec {
	case "h264":
		ext, codec = ".mp4", []string{"-c:v", "libx264", "-qp", "4"}
	case "vp9":
		ext, codec = ".webm", []string{"-c:v", "libvpx-vp9", "-lossless", "1"}
	}
	args := append(append(codec, "-pix_fmt", e.pixels), tags...)
	source := fmt.Sprintf("color=black:size=%dx16:rate=5:duration=0.2,format=%s,geq=lum='%s':cb='%s':cr='%s',scale=%s:flags=neighbor",
		16*len(colours), e.pixels, planes[0], planes[1], planes[2], size)
	return film(t, filepath.Join(t.TempDir(), "a"+ext), source, args...)
}

var someColours = [][3]byte{{220, 180, 150}, {60, 90, 160}, {200, 30, 40}, {20, 20, 20}, {240, 240, 240}}

func colourTags(matrix, primaries, transfer, span string) []string {
	return []string{"-colorspace", matrix, "-color_primaries", primaries, "-color_trc", transfer, "-color_range", span}
}

// Films of common range show the colours that were meant, whatever their depth,
// planes, matrix and range.
func TestCommonColours(t *testing.T) {
	bt709 := colourTags("bt709", "bt709", "bt709", "tv")
	for name, c := range map[string]struct {
		encoding
		tags []string
	}{
		"8 bits":             {encoding{"yuv420p", 8, "bt709", false, "h264"}, bt709},
		"8 bits, BT.601":     {encoding{"yuv420p", 8, "smpte170m", false, "h264"}, colourTags("smpte170m", "smpte170m", "smpte170m", "tv")},
		"8 bits, full":       {encoding{"yuv444p", 8, "bt709", true, ""}, colourTags("bt709", "bt709", "bt709", "pc")},
		"10 bits":            {encoding{"yuv420p10le", 10, "bt709", false, "h264"}, bt709},
		"10 bits, 4:2:2":     {encoding{"yuv422p10le", 10, "bt709", false, ""}, bt709},
		"10 bits, 4:4:4":     {encoding{"yuv444p10le", 10, "bt709", false, ""}, bt709},
		"10 bits, vp9":       {encoding{"yuv420p10le", 10, "bt709", false, "vp9"}, bt709},
		"10 bits, full":      {encoding{"yuv420p10le", 10, "bt709", true, ""}, colourTags("bt709", "bt709", "bt709", "pc")},
		"10 bits, BT.601":    {encoding{"yuv420p10le", 10, "smpte170m", false, ""}, colourTags("smpte170m", "smpte170m", "smpte170m", "tv")},
		"12 bits":            {encoding{"yuv420p12le", 12, "bt709", false, ""}, bt709},
		"10 bits, untagged":  {encoding{"yuv420p10le", 10, "smpte170m", false, "h264"}, nil},
		"10 bits, BT.2020cl": {encoding{"yuv420p10le", 10, "bt2020nc", false, ""}, []string{"-colorspace", "bt2020c", "-color_range", "tv"}},
	} {
		nearStripes(t, name, c.film(t, "160x32", units(someColours), c.tags...), someColours, 2.5)
	}
}

// Where nobody names the matrix, that of BT.709 is meant beyond PAL's size, as
// players guess.
func TestMatrixOfUntaggedFilms(t *testing.T) {
	for size, matrix := range map[string]string{"1280x720": "bt709", "720x1280": "bt709", "720x576": "smpte170m", "640x480": "smpte170m", "1024x600": "bt709"} {
		for _, e := range []encoding{{"yuv420p", 8, matrix, false, "h264"}, {"yuv420p10le", 10, matrix, false, ""}} {
			nearStripes(t, size+" "+e.pixels, e.film(t, size, units(someColours)), someColours, 4) // a wrong matrix is 20 off
		}
	}
	rgb := film(t, filepath.Join(t.TempDir(), "a.mkv"), "color=black:size=64x36:rate=5:duration=0.2,format=gbrp,geq=r=200:g=30:b=40,scale=1280:720:flags=neighbor,format=bgr0", "-c:v", "ffv1", "-pix_fmt", "bgr0")
	nearStripes(t, "rgb", rgb, [][3]byte{{200, 30, 40}}, 1)
}

// Films whose primaries are wider than a screen's, but of common range: their
// greys stay, their colours are those that a screen shows for them.
func TestWidePrimaries(t *testing.T) {
	toWide := map[string]func([3]byte) [3]float64{"bt2020": bt2020Light, "smpte432": p3Light}
	for primaries, light := range toWide {
		var colours [][3]float64
		for _, want := range someColours {
			e := light(want)
			for k, v := range e {
				if e[k] = 12.92 * v; v > 0.0031308 {
					e[k] = 1.055*math.Pow(v, 1/2.4) - 0.055
				}
			}
			colours = append(colours, e)
		}
		c := encoding{"yuv444p10le", 10, "bt709", false, ""}
		path := c.film(t, "160x32", colours, colourTags("bt709", primaries, "bt709", "tv")...)
		nearStripes(t, primaries, path, someColours, 2)
		if info := probe1(t, path); info.HDR != "" {
			t.Errorf("%s: %+v", primaries, info)
		}
	}
}

// p3Light is the light of an sRGB colour in the primaries of Display P3, by the
// chromaticities in SMPTE EG 432-1.
func p3Light(c [3]byte) [3]float64 {
	l := light(c)
	return [3]float64{0.822462*l[0] + 0.177538*l[1], 0.033194*l[0] + 0.966806*l[1], 0.017083*l[0] + 0.072397*l[1] + 0.910520*l[2]}
}

func unit(c [3]byte) (u [3]float64) {
	for k, v := range c {
		u[k] = float64(v) / 255
	}
	return u
}

func units(all [][3]byte) (u [][3]float64) {
	for _, c := range all {
		u = append(u, unit(c))
	}
	return u
}

// nearStripes compares the middles of the stripes in a film's first picture.
func nearStripes(t *testing.T, what, path string, want [][3]byte, by float64) {
	t.Helper()
	f := open(t, path)[0]
	for i, c := range want {
		px := f.Pix[3*(f.W*(f.H/2)+(2*i+1)*f.W/(2*len(want))):][:3]
		for k, got := range px {
			near(t, fmt.Sprintf("%s, colour %v [%d]", what, c, k), float64(got), float64(c[k]), by)
		}
	}
}

// A range that changes in the middle changes neither time nor colour.
func TestRangeThatChanges(t *testing.T) {
	dir := t.TempDir()
	var stream []byte
	for _, span := range []string{"tv", "pc"} {
		path := film(t, filepath.Join(dir, span+".h264"), "color=black:size=64x64:rate=25:duration=0.4,format=yuv420p,setparams=range="+span+",geq=lum=116:cb=128:cr=128",
			"-c:v", "libx264", "-qp", "4", "-bf", "0", "-color_range", span, "-colorspace", "bt709")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		stream = append(stream, data...)
	}
	raw, path := writeFile(t, filepath.Join(dir, "both.h264"), stream), filepath.Join(dir, "both.mkv")
	ffmpeg(t, "-fflags", "+genpts", "-framerate", "25", "-f", "h264", "-i", raw, "-c", "copy", path)
	info, got := probe1(t, path), open(t, path)
	if len(got) != 20 || len(steadily(t, path, info)) != 20 || info.Variable {
		t.Errorf("%d frames, %+v by %s", len(got), info, release1(t))
	}
	near(t, "limited", float64(got[5].Pix[0]), (116-16)*255./219, 2)
	near(t, "full", float64(got[15].Pix[0]), 116, 2)
	if told := remarks(t, path); told != nil {
		t.Errorf("%q", told)
	}
}

// Colours of a screen whose white has 203 candelas, as films of high dynamic
// range keep them, come back.
func TestHighDynamicRange(t *testing.T) {
	for name, c := range map[string]struct {
		transfer string
		level    func(nits [3]float64) [3]float64
	}{"HLG": {"arib-std-b67", hlgLevels}, "PQ": {"smpte2084", pqLevels}} {
		colours := [][3]byte{{220, 180, 150}, {60, 90, 160}, {120, 120, 120}, {20, 20, 20}, {60, 200, 80}}
		var levels [][3]float64
		for _, want := range colours {
			var nits [3]float64
			for k, v := range bt2020Light(want) {
				nits[k] = 203 * v
			}
			levels = append(levels, c.level(nits))
		}
		path := encoding{"yuv420p10le", 10, "bt2020nc", false, ""}.film(t, "160x32", levels, colourTags("bt2020nc", "bt2020", c.transfer, "tv")...)
		if info := probe1(t, path); info.HDR != name {
			t.Errorf("%s: %+v", name, info)
		}
		nearStripes(t, name, path, colours, 3)
	}
}

// bt2020Light is the light of an sRGB colour in the primaries of BT.2020.
func bt2020Light(c [3]byte) [3]float64 {
	l := light(c)
	return [3]float64{ // BT.2087
		0.6274*l[0] + 0.3293*l[1] + 0.0433*l[2], 0.0691*l[0] + 0.9195*l[1] + 0.0114*l[2], 0.0164*l[0] + 0.0880*l[1] + 0.8956*l[2]}
}

// light is linear, of an sRGB colour.
func light(c [3]byte) (l [3]float64) {
	for k, e := range unit(c) {
		if l[k] = e / 12.92; e > 0.04045 {
			l[k] = math.Pow((e+0.055)/1.055, 2.4)
		}
	}
	return l
}

// hlgLevels are BT.2100's for light on a screen of 1000 candelas.
func hlgLevels(nits [3]float64) (e [3]float64) {
	y := (0.2627*nits[0] + 0.678*nits[1] + 0.0593*nits[2]) / 1000
	for k, n := range nits {
		scene := n / 1000 * math.Pow(y, (1-1.2)/1.2)
		if e[k] = math.Sqrt(3 * scene); scene > 1./12 {
			e[k] = 0.17883277*math.Log(12*scene-0.28466892) + 0.55991073
		}
	}
	return e
}

// pqLevels are BT.2100's for light.
func pqLevels(nits [3]float64) (e [3]float64) {
	for k, n := range nits {
		y := math.Pow(n/10000, 0.1593017578125)
		e[k] = math.Pow((0.8359375+18.8515625*y)/(1+18.6875*y), 78.84375)
	}
	return e
}

// Highlights keep their order and do not pass white.
func TestPressed(t *testing.T) {
	before := float32(-1)
	for x := float32(0); x < 60; x += 0.01 {
		y := pressed(x)
		if y < before || y > 1.0001 || x <= 0.75 && y != x {
			t.Fatalf("%v becomes %v after %v", x, y, before)
		}
		before = y
	}
	if before < 0.999 {
		t.Errorf("the peak becomes %v", before)
	}
}
