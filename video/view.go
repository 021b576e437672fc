package video

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// view says how stored pictures become the ones that are shown.
type view struct {
	w, h   int     // of the frames
	aspect float64 // of a stored pixel
	lie    bool    // of the header about it
	turn   turn
	curve  curve // that is to be mapped, nil for none
	gamut  gamut
	deep   bool // more than 8 bits: those of plain scaling come out too dark
	// fields is ffmpeg's chain that makes one picture of two fields, empty for none.
	fields string
	// params are ffmpeg's filter for what the decoder would get wrong.
	params string
}

// maxAspect bounds how far from square pixels may be; beyond it a header lies.
const maxAspect = 8

func newView(w, h int, aspect string, s *stream, side []sideData) view {
	v := view{w: w, h: h, aspect: 1}
	v.curve, v.gamut = curves[s.Transfer], gamuts[s.Primaries]
	switch {
	case v.curve != nil && v.gamut == nil:
		v.gamut = gamuts["bt2020"]
	case v.curve == nil && v.gamut != nil && v.gamut != gamuts["bt709"]:
		v.curve = common
	}
	v.deep = v.curve != nil || deep(s.Pixels)
	switch a := ratio(aspect); {
	case a >= 1./maxAspect && a <= maxAspect:
		v.aspect = a
		v.w = max(1, int(math.Round(float64(w)*a)))
	case a > 0:
		v.lie = true
	}
	for _, d := range side {
		if t := turnOf(d); t != upright {
			v.turn = t
			break
		}
	}
	if v.turn > 4 {
		v.w, v.h = v.h, v.w
	}
	v.params = params(s, w, h)
	return v
}

// params is the filter for what ffmpeg would take wrongly: VP8's decoder sets
// range and matrix by a flag that encoders leave alone, whatever the container
// says; and where nobody names the matrix, ffmpeg takes that of BT.601 for all
// sizes, players that of BT.709 for pictures beyond PAL's.
func params(s *stream, w, h int) string {
	var set []string
	matrix := ""
	switch s.Space {
	case "bt2020c": // which new releases refuse; for what is not saturated it is much the same
		matrix = "bt2020nc"
	case "bt709", "bt470bg", "smpte170m", "bt2020nc":
		if s.Codec == "vp8" {
			matrix = s.Space
		}
	case "", "unknown", "reserved":
		if isYUV(s.Pixels) && (w >= 1280 || h > 576) {
			matrix = "bt709"
		}
	}
	if s.Codec == "vp8" && (s.Range == "pc" || s.Range == "tv") {
		set = append(set, "range="+s.Range)
	}
	if matrix != "" {
		set = append(set, "colorspace="+matrix)
	}
	if len(set) == 0 {
		return ""
	}
	return "setparams=" + strings.Join(set, ":")
}

// weave makes frames of interlaced pictures, which are stored as w x h pixels. Only
// those that are marked are touched, all others of the film stay as they are. The
// filter looks at three pictures at a time, which must be of one size, and cannot
// do very small ones: those stay.
func (v *view) weave(w, h int) bool {
	const leastW, leastH = 3, 4
	if w < leastW || h < leastH {
		return false
	}
	v.fields = fmt.Sprintf("scale=%d:%d:interl=-1,bwdif=mode=send_frame:parity=auto:deint=interlaced", w, h)
	return true
}

// isYUV tells by ffmpeg's name of a format of pixels whether a matrix belongs to
// it.
func isYUV(pixels string) bool {
	for _, prefix := range []string{"yuv", "nv", "p0", "p2", "p4", "y2"} {
		if strings.HasPrefix(pixels, prefix) {
			return true
		}
	}
	return false
}

// deepPixels are ffmpeg's names of formats of 9 to 16 bits.
var deepPixels = regexp.MustCompile(`(9|1[0-6])(le|be)$|^[py][24]1|^p01`)

func deep(pixels string) bool { return deepPixels.MatchString(pixels) }

// filters is ffmpeg's chain from decoded pictures to frames. Its scaler looks at
// every picture anew: those of another size than the first are fitted into its
// frame, with black beside them.
func (v view) filters() string {
	var chain []string
	if v.params != "" {
		chain = append(chain, v.params)
	}
	if v.fields != "" {
		chain = append(chain, v.fields)
	}
	if v.lie {
		chain = append(chain, "setsar=1")
	}
	if f := v.turn.filter(); f != "" {
		chain = append(chain, f)
	}
	// The same size as before is what one gets within half a pixel of it.
	const fitted = "scale=w='max(1,round(min(%[1]d,%[2]d*dar)))':h='max(1,round(min(%[2]d,%[1]d/dar)))':eval=frame%[3]s"
	flags := ""
	if v.deep {
		flags = ":flags=bicubic+accurate_rnd+full_chroma_int"
	}
	chain = append(chain, fmt.Sprintf(fitted, v.w, v.h, flags), "format="+v.format(),
		fmt.Sprintf("pad=%d:%d:(ow-iw)/2:(oh-ih)/2:eval=frame", v.w, v.h), "setsar=1")
	return strings.Join(chain, ",")
}

// format is ffmpeg's name of the pixels that are asked for: 16 bits where they
// are to be tone-mapped.
func (v view) format() string {
	if v.curve != nil {
		return "rgb48be"
	}
	return "rgb24"
}

// turn is how a picture has to be turned or mirrored to be shown, 1 to 8 as in
// the orientation tags of cameras; 0 is upright, too.
type turn int

// turnOf reads a display matrix, whose first two rows say where right and down
// go; without one, an angle, which counts anti-clockwise.
func turnOf(d sideData) turn {
	var m []int64
	for _, line := range strings.Split(strings.TrimSpace(d.Matrix), "\n") {
		_, numbers, _ := strings.Cut(line, ":")
		for _, n := range strings.Fields(numbers) {
			v, err := strconv.ParseInt(n, 10, 64)
			if err != nil {
				return upright
			}
			m = append(m, v)
		}
	}
	if len(m) != 9 {
		switch quarter := (int(math.Round(-d.Rotation/90))%4 + 4) % 4; quarter {
		case 1:
			return 6
		case 2:
			return 3
		case 3:
			return 8
		}
		return upright
	}
	a, b, c, e := m[0], m[1], m[3], m[4]
	if max(a, -a)+max(e, -e) >= max(b, -b)+max(c, -c) {
		return [2][2]turn{{1, 4}, {2, 3}}[negative(a)][negative(e)]
	}
	return [2][2]turn{{5, 6}, {8, 7}}[negative(b)][negative(c)]
}

func negative(v int64) int {
	if v < 0 {
		return 1
	}
	return 0
}

// degrees clockwise, of those that are not mirrored.
func (t turn) degrees() int {
	return map[turn]int{3: 180, 4: 180, 6: 90, 7: 90, 5: 270, 8: 270}[t]
}

// filter is ffmpeg's for a turn; empty for none.
func (t turn) filter() string {
	return map[turn]string{2: "hflip", 3: "hflip,vflip", 4: "vflip", 5: "transpose=cclock_flip", 6: "transpose=clock",
		7: "transpose=clock_flip", 8: "transpose=cclock"}[t]
}

// brightest is the level of white in that format, as PPM writes it.
func (v view) brightest() string {
	if v.curve != nil {
		return "65535"
	}
	return "255"
}
