package shapes

import "math"

// clamp limits v to [lo, hi].
func clamp(v, lo, hi float64) float64 {
	if v < lo {
		return lo
	}
	if v > hi {
		return hi
	}
	return v
}

// smooth rises from 0 at lo to 1 at hi without corners.
func smooth(lo, hi, v float64) float64 {
	t := clamp((v-lo)/(hi-lo), 0, 1)
	return t * t * (3 - 2*t)
}

// outline is the shape of a part in the part's own coordinates.
type outline interface {
	// at gives the signed distance of (s, v) to the edge (negative inside, in
	// scene units) and the offset from the shape's spine relative to its
	// radius there, which shading takes for the slope of the surface.
	at(s, v float64) (d, slopeS, slopeV float64)
	// bounds gives the rectangle that holds the shape.
	bounds() (s0, s1, v0, v1 float64)
}

// limb is a capsule that tapers from radius r0 at s0 to radius r1 at s0 + h.
type limb struct {
	s0, h, r0, r1 float64
	sin, cos      float64 // of the angle at which the flanks taper
}

func newLimb(s0, h, r0, r1 float64) *limb {
	sin := clamp((r0-r1)/h, -0.999, 0.999)
	return &limb{s0: s0, h: h, r0: r0, r1: r1, sin: sin, cos: math.Sqrt(1 - sin*sin)}
}

func (l *limb) at(s, v float64) (d, slopeS, slopeV float64) {
	s -= l.s0
	a := math.Abs(v)
	switch k := l.cos*s - l.sin*a; {
	case k < 0:
		d = math.Sqrt(s*s+a*a) - l.r0
	case k > l.cos*l.h:
		d = math.Sqrt((s-l.h)*(s-l.h)+a*a) - l.r1
	default:
		d = l.cos*a + l.sin*s - l.r0
	}
	along := clamp(s/l.h, 0, 1)
	r := l.r0 + (l.r1-l.r0)*along
	return d, (s - along*l.h) / r, v / r
}

func (l *limb) bounds() (s0, s1, v0, v1 float64) {
	r := max(l.r0, l.r1)
	return l.s0 - l.r0, l.s0 + l.h + l.r1, -r, r
}

// trunk is a trapezium with rounded corners: half width w0 at s0, w1 at s1.
type trunk struct {
	s0, s1, w0, w1, round float64
}

func (t *trunk) at(s, v float64) (d, slopeS, slopeV float64) {
	// The core is the trapezium less its rounding; its distance is that to the
	// nearest of the two flat ends and the flank.
	half := 0.5*(t.s1-t.s0) - t.round
	y := s - 0.5*(t.s0+t.s1)
	x := math.Abs(v)
	a, b := t.w0-t.round, t.w1-t.round
	end := a
	if y > 0 {
		end = b
	}
	endX, endY := x-min(x, end), math.Abs(y)-half
	flankX, flankY := b-a, 2*half
	k := clamp(((x-a)*flankX+(y+half)*flankY)/(flankX*flankX+flankY*flankY), 0, 1)
	sideX, sideY := x-a-flankX*k, y+half-flankY*k
	outside := 1.0
	if (x-a)*flankY-(y+half)*flankX < 0 && endY < 0 {
		outside = -1
	}
	d = outside*math.Sqrt(min(endX*endX+endY*endY, sideX*sideX+sideY*sideY)) - t.round
	width := a + (b-a)*clamp((y+half)/(2*half), 0, 1) + t.round
	return d, 0.6 * y / (half + t.round), v / width
}

func (t *trunk) bounds() (s0, s1, v0, v1 float64) {
	w := max(t.w0, t.w1)
	return t.s0, t.s1, -w, w
}

// skull is the head: a slightly tall ball on a neck, with ears and the bobble
// of a cap.
type skull struct {
	neck, r float64
	throat  *limb
	ball    *limb
}

func newSkull(neck, r float64) *skull {
	return &skull{
		neck: neck, r: r,
		throat: newLimb(0.028, neck+r-0.028, 0.44*r, 0.40*r),
		ball:   newLimb(neck+0.92*r, 0.14*r, 0.94*r, 0.94*r),
	}
}

// bobble and ear give places on the head, in radii from the middle of the face.
const (
	bobbleAt, bobbleR = 1.16, 0.24
	earAt, earR       = 0.92, 0.20
)

// middle is the s of the middle of the face.
func (k *skull) middle() float64 { return k.neck + k.r }

func (k *skull) at(s, v float64) (d, slopeS, slopeV float64) { return k.head(s, v, true) }

// head is the skull with or without the bobble of a cap.
func (k *skull) head(s, v float64, bobble bool) (d, slopeS, slopeV float64) {
	d, slopeS, slopeV = k.ball.at(s, v)
	if d < 0 {
		return d, slopeS, slopeV // the face is before the throat
	}
	if e, a, b := k.throat.at(s, v); e < d {
		d, slopeS, slopeV = e, a, b
	}
	for i, knob := range [2]struct{ s, v, r float64 }{
		{k.middle() - 0.05*k.r, math.Copysign(earAt*k.r, v), earR * k.r},
		{k.middle() + bobbleAt*k.r, 0, bobbleR * k.r},
	} {
		if i == 1 && !bobble {
			break
		}
		ds, dv := s-knob.s, v-knob.v
		if e := math.Sqrt(ds*ds+dv*dv) - knob.r; e < d {
			d, slopeS, slopeV = e, ds/knob.r, dv/knob.r
		}
	}
	return d, slopeS, slopeV
}

func (k *skull) bounds() (s0, s1, v0, v1 float64) {
	side := (earAt + earR) * k.r
	return 0.028 - 0.44*k.r, k.middle() + (bobbleAt+bobbleR)*k.r, -side, side
}

// mane is a head with hair that falls on both sides to a place below it, and no
// bobble.
type mane struct {
	*skull
	locks [2]*limb
	side  float64 // of their spines
}

func newMane(neck, r, falls, breadth float64) *mane {
	k := newSkull(neck, r)
	m := &mane{skull: k, side: 0.72 * r}
	top := k.middle() + 0.30*r
	for i := range m.locks {
		m.locks[i] = newLimb(falls, top-falls, breadth*r, 0.5*r)
	}
	return m
}

func (m *mane) at(s, v float64) (d, slopeS, slopeV float64) {
	d, slopeS, slopeV = m.skull.head(s, v, false)
	if d < 0 {
		return d, slopeS, slopeV
	}
	for i, l := range m.locks {
		if e, a, b := l.at(s, v-outward(i)*m.side); e < d {
			d, slopeS, slopeV = e, a, b
		}
	}
	return d, slopeS, slopeV
}

func (m *mane) bounds() (s0, s1, v0, v1 float64) {
	s0, s1, _, v1 = m.skull.bounds()
	l0, _, _, l1 := m.locks[0].bounds()
	side := max(v1, m.side+l1)
	return min(s0, l0), s1, -side, side
}

// outlines gives the shape of every part of a puppet.
func outlines(b *body) [NumParts]outline {
	upper := newLimb(0, b.upperArm, b.upperArmR, b.elbowR)
	fore := newLimb(0, b.forearm, b.elbowR, b.wristR)
	hand := newLimb(0.006, b.hand, 0.8*b.handR, b.handR)
	thigh := newLimb(0, b.thigh, b.thighR, b.kneeR)
	shin := newLimb(0, b.shin, b.kneeR, b.ankleR)
	foot := newLimb(0, b.foot, b.footR, 1.12*b.footR)
	return [NumParts]outline{
		Torso:         &trunk{0.035, b.torso, b.waistR, b.shoulderR, 0.036},
		Hips:          &trunk{-b.hips, 0.050, b.hipR, b.waistR, 0.030},
		Head:          newSkull(b.neck, b.headR),
		LeftUpperArm:  upper,
		RightUpperArm: upper,
		LeftForearm:   fore,
		RightForearm:  fore,
		LeftHand:      hand,
		RightHand:     hand,
		LeftThigh:     thigh,
		RightThigh:    thigh,
		LeftShin:      shin,
		RightShin:     shin,
		LeftFoot:      foot,
		RightFoot:     foot,
	}
}
