package shapes

import "math"

// Joint is a joint of the puppet in one frame.
type Joint struct {
	// X and Y are in pixels; (0, 0) is the centre of the first pixel.
	X, Y float64
	// Visible says that the joint lies in the picture and that nothing but the
	// parts which meet at it is in front.
	Visible bool
}

// Truth is what is known about one frame.
type Truth struct {
	// W and H are the size in pixels.
	W, H int
	// Joints holds every joint, seen or not.
	Joints [NumJoints]Joint
	// Alpha is the share of each pixel that the figure covers, [H,W], 0 to 255.
	Alpha []byte
	// Labels is the foremost part at each pixel, [H,W]. It is Background
	// exactly where the figure covers less than half of the pixel.
	Labels []Part
	// Area counts the pixels of each part with all others taken away; what of
	// it is not in Labels is hidden behind other parts. Area[Background] is 0.
	Area [NumParts]int
}

func newTruth(c *canvas, p *pose) *Truth {
	t := &Truth{W: c.w, H: c.h, Labels: c.labels, Area: c.drawn, Alpha: make([]byte, len(c.cover))}
	for i, a := range c.cover {
		t.Alpha[i] = byte(255*a + 0.5)
	}
	for j := range t.Joints {
		x, y := c.toPixels(p.joints[j])
		t.Joints[j] = Joint{X: x, Y: y, Visible: t.shows(x, y, jointParts[j])}
	}
	return t
}

// shows says whether one of the parts is the foremost at a place.
func (t *Truth) shows(x, y float64, parts []Part) bool {
	label, ok := t.label(x, y)
	if !ok {
		return false
	}
	for _, p := range parts {
		if label == p {
			return true
		}
	}
	return false
}

// label gives the label of the pixel nearest to a place in the picture.
func (t *Truth) label(x, y float64) (Part, bool) {
	i, j := int(math.Floor(x+0.5)), int(math.Floor(y+0.5))
	if i < 0 || j < 0 || i >= t.W || j >= t.H {
		return Background, false
	}
	return t.Labels[j*t.W+i], true
}

// around says whether one of the four pixels around a place shows a part: the
// nearest alone would call every other pixel of an edge hidden. A place up to
// a pixel outside counts as on the border.
func (t *Truth) around(x, y float64, part Part) bool {
	i, j := math.Floor(x), math.Floor(y)
	for _, n := range [4]point{{i, j}, {i + 1, j}, {i, j + 1}, {i + 1, j + 1}} {
		if label, ok := t.label(n.x, n.y); ok && label == part {
			return true
		}
	}
	border := point{clamp(x, 0, float64(t.W-1)), clamp(y, 0, float64(t.H-1))}
	if border.minus(point{x, y}).length() > 1 {
		return false
	}
	label, ok := t.label(border.x, border.y)
	return ok && label == part
}

// Foreground returns the binary mask of the figure, [H,W]: 1 where it covers
// half of a pixel or more, else 0.
func (t *Truth) Foreground() []byte {
	mask := make([]byte, len(t.Labels))
	for i, l := range t.Labels {
		if l != Background {
			mask[i] = 1
		}
	}
	return mask
}

// Visible counts the pixels of each label; with Area it tells how much of a
// part is hidden.
func (t *Truth) Visible() [NumParts]int {
	var n [NumParts]int
	for _, l := range t.Labels {
		n[l]++
	}
	return n
}

// Motion is the true motion between two frames: for each pixel of the driving
// frame the place in the source frame where the same point of the same part
// (or of the background) lies.
type Motion struct {
	// W and H are the size in pixels.
	W, H int
	// X and Y are places in the source frame, [H,W], in pixels; (0, 0) is the
	// centre of the first pixel. They may lie outside the picture.
	X, Y []float32
	// Seen is 1 where the source frame shows that point, to a pixel, and 0
	// where something hides it there, [H,W]: the truth about occlusion.
	Seen []byte
}

// Motion returns the true motion that warps the source frame to the driving
// frame. It fails only if a frame is out of range.
func (v *Video) Motion(source, driving int) (*Motion, error) {
	for _, t := range [2]int{source, driving} {
		if err := v.check(t); err != nil {
			return nil, err
		}
	}
	fromCanvas, from := v.drawn(source)
	toCanvas, to := v.drawn(driving)
	there := newTruth(fromCanvas, from)
	ground := v.background.shift(source).minus(v.background.shift(driving))
	m := &Motion{
		W: v.view.w, H: v.view.h,
		X: make([]float32, len(toCanvas.labels)), Y: make([]float32, len(toCanvas.labels)),
		Seen: make([]byte, len(toCanvas.labels)),
	}
	for at, part := range toCanvas.labels {
		i, j := at%m.W, at/m.W
		x, y := float64(i)+ground.x, float64(j)+ground.y
		if part != Background {
			s, across := to.parts[part].local(point{v.view.x(i), v.view.y(j)})
			x, y = v.view.toPixels(from.parts[part].world(s, across))
		}
		m.X[at], m.Y[at] = float32(x), float32(y)
		if there.around(x, y, part) {
			m.Seen[at] = 1
		}
	}
	return m, nil
}
