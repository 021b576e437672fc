package shapes

import (
	"math"

	"github.com/prioritycut/prioritycut/internal/random"
)

// hairStyle is what is on a head.
type hairStyle int

const (
	bald hairStyle = iota
	shortHair
	longHair
	hat
	bobbleCap
	numHairStyles
)

// skins are those of people, from light to dark.
var skins = []colour{
	{0.98, 0.80, 0.68}, {0.93, 0.73, 0.57}, {0.84, 0.61, 0.44}, {0.72, 0.50, 0.36}, {0.58, 0.39, 0.28},
}

// hairs are the colours of hair.
var hairs = []colour{
	{0.10, 0.08, 0.08}, {0.27, 0.16, 0.09}, {0.46, 0.28, 0.14}, {0.88, 0.70, 0.34}, {0.70, 0.30, 0.12}, {0.74, 0.74, 0.76},
}

// look is what tells a face from others.
type look struct {
	style           hairStyle
	skin, hair, hat colour
	hatCloth        cloth
	iris            colour
	length          float64 // of long hair, 1 to 3
	hairline, part  float64 // height of the hairline, and how far it slants
	beard, glasses  bool
	brows           float64 // their thickness
	eyeV, eyeS, eye float64 // place and size of the eyes
	nose, smile     float64
}

func newLook(r *random.Rand) look {
	l := look{
		style: hairStyle(r.IntN(int(numHairStyles))),
		skin:  skins[r.IntN(len(skins))].stray(r, 0.03, 0.02),
		hair:  hairs[r.IntN(len(hairs))].stray(r, 0.04, 0.02),
		hat:   hats.draw(r),
		iris:  hues{0, 1, 0.5, 0.9, 0.10, 0.35}.draw(r),
	}
	l.hatCloth = newCloth(r, l.hat)
	l.length, l.hairline, l.part = r.Uniform(1, 3), r.Uniform(0.40, 0.62), r.Uniform(-0.3, 0.3)
	l.beard = l.style != longHair && r.Float64() < 0.3
	l.glasses = r.Float64() < 0.25
	l.brows = r.Uniform(0.05, 0.11)
	l.eyeV, l.eyeS, l.eye = r.Uniform(0.33, 0.42), r.Uniform(0.02, 0.10), r.Uniform(0.22, 0.28)
	l.nose, l.smile = r.Uniform(0.07, 0.13), r.Uniform(0.3, 1.2)
	return l
}

// portrait is a look on a head.
type portrait struct {
	look
	middle, r float64
}

func (l *look) portrait(b *body) *portrait {
	return &portrait{look: *l, middle: b.neck + b.headR, r: b.headR}
}

// brush lays colours on a place within a head: x to a side, y upwards, in radii
// of the head from the middle of the face.
type brush struct {
	x, y, soft float64
	c          colour
}

func (b *brush) inside(d float64, c colour) { b.c = b.c.mix(c, clamp(0.5-d/b.soft, 0, 1)) }

func (b *brush) disc(x, y, r float64, c colour) {
	b.inside(math.Sqrt((b.x-x)*(b.x-x)+(b.y-y)*(b.y-y))-r, c)
}

// at gives the colour at (s, v) of the head's coordinates.
func (p *portrait) at(s, v, pixel float64) colour {
	b := &brush{x: v / p.r, y: (s - p.middle) / p.r, soft: pixel / p.r, c: p.skin}
	p.face(b)
	p.top(b, s, v, pixel)
	return b.c
}

// face paints from the chin to the brows.
func (p *portrait) face(b *brush) {
	side := math.Abs(b.x)
	if p.beard {
		b.inside(max(b.y+0.22-0.5*math.Max(side-0.45, 0), -0.2-b.y), p.hair)
		b.inside(b.y+0.30, p.hair)
	}
	rose := p.skin.mix(colour{0.90, 0.25, 0.25}, 0.40)
	b.disc(math.Copysign(0.55, b.x), -0.26, 0.15, p.skin.mix(rose, 0.6))
	eye := math.Copysign(p.eyeV, b.x)
	if p.glasses {
		b.inside(math.Abs(math.Hypot(b.x-eye, b.y-p.eyeS)-1.35*p.eye)-0.05, colour{0.08, 0.08, 0.10})
		b.inside(max(math.Abs(b.y-p.eyeS)-0.04, side-p.eyeV+1.2*p.eye), colour{0.08, 0.08, 0.10})
	}
	b.disc(eye, p.eyeS, p.eye, colour{0.98, 0.98, 0.96})
	b.disc(eye, p.eyeS-0.02, 0.58*p.eye, p.iris)
	b.inside(max(math.Abs(b.y-p.eyeS-1.25*p.eye-0.03)-p.brows, math.Abs(side-p.eyeV)-0.22), p.hair.mix(colour{0.05, 0.04, 0.04}, 0.3))
	b.disc(0, -0.18, p.nose, rose)
	curve := -0.44 + 0.35*p.smile*b.x*b.x
	b.inside(max(b.y-curve, curve-b.y-0.13+0.5*b.x*b.x, side-0.34), colour{0.62, 0.12, 0.16})
}

// top paints hair or what covers it.
func (p *portrait) top(b *brush, s, v, pixel float64) {
	side := math.Abs(b.x)
	line := p.hairline + p.part*b.x - 0.25*b.x*b.x
	switch p.style {
	case shortHair:
		b.inside(max(line-b.y, -b.y), p.hair)
		b.inside(max(0.78-side, -b.y-0.15), p.hair)
	case longHair:
		b.inside(line-b.y, p.hair)
		b.inside(0.66+0.10*clamp(b.y+1, 0, 1)-side, p.hair)
	case hat:
		b.inside(p.hairline+0.02-b.y, p.hatCloth.at(s, v, pixel))
		b.inside(math.Abs(b.y-p.hairline-0.06)-0.08, p.hat.mix(colour{0.05, 0.05, 0.05}, 0.6))
	case bobbleCap:
		brim := 0.40 + 0.10*(1-b.x*b.x)
		trim := p.hat.mix(colour{1, 1, 1}, 0.55)
		b.inside(brim-b.y, trim)
		b.inside(brim+0.22-b.y, p.hatCloth.at(s, v, pixel))
		b.disc(0, bobbleAt, bobbleR, trim)
	}
}
