package shapes

import (
	"math"

	"github.com/prioritycut/prioritycut/internal/random"
)

// colour is red, green and blue in [0, 1] (values beyond are clipped when the
// frame is written).
type colour [3]float64

func (c colour) mix(d colour, k float64) colour {
	for i := range c {
		c[i] += (d[i] - c[i]) * k
	}
	return c
}

// jitter is how far a channel of a part's colour strays between videos. The
// same part has about the same colour everywhere; a model that had to find
// limbs of any colour learns nothing in minutes.
const jitter = 0.12

// stray moves a colour: all channels together by at most light, each by at
// most hue beyond that.
func (c colour) stray(r *random.Rand, light, hue float64) colour {
	all := r.Uniform(-light, light)
	for i := range c {
		c[i] = clamp(c[i]+all+r.Uniform(-hue, hue), 0.03, 0.97)
	}
	return c
}

// pattern is the kind of a cloth's texture.
type pattern int

const (
	plain pattern = iota
	rings
	stripes
	checks
	dots
	zigzag
	numPatterns
)

// cloth is the surface of a part: two colours and the pattern that mixes them,
// in the part's own coordinates, so that it moves with the part.
type cloth struct {
	ground, ink    colour
	pattern        pattern
	period         float64 // scene units
	phaseS, phaseV float64 // periods
}

func newCloth(r *random.Rand, ground colour) cloth {
	// The ink is a lighter or darker shade of the ground: patterns tell the
	// videos apart without hiding which part is which. Their bands are some
	// four pixels wide at 64x64, so that a model that moves features of half
	// that resolution can carry them along.
	towards, k := colour{1, 1, 1}, r.Uniform(0.20, 0.32)
	if brightness := ground[0] + ground[1] + ground[2]; brightness > 1.9 || r.Float64() < 0.3 {
		towards, k = colour{0.05, 0.04, 0.12}, r.Uniform(0.17, 0.27)
	}
	return cloth{
		ground: ground, ink: ground.mix(towards, k),
		pattern: pattern(r.IntN(int(numPatterns))),
		period:  r.Uniform(0.105, 0.145),
		phaseS:  r.Float64(), phaseV: r.Float64(),
	}
}

// saw is the distance of x to the nearest whole number, in [0, 0.5].
func saw(x float64) float64 {
	return math.Abs(x - math.Floor(x+0.5))
}

// band covers half of the line, in bands of half a period; soft is the width
// of a pixel in periods.
func band(x, soft float64) float64 {
	return clamp(0.5+(0.25-saw(x))/soft, 0, 1)
}

// at gives the colour at (s, v); pixel is the width of a pixel.
func (c *cloth) at(s, v, pixel float64) colour {
	soft := max(pixel/c.period, 1e-3)
	x, y := s/c.period+c.phaseS, v/c.period+c.phaseV
	var k float64
	switch c.pattern {
	case plain:
		return c.ground
	case rings:
		k = band(x, soft)
	case stripes:
		k = band(y, soft)
	case checks:
		a, b := band(0.7*x, 0.7*soft), band(0.7*y, 0.7*soft)
		k = a + b - 2*a*b
	case dots:
		row := math.Floor(x)
		dx, dy := x-row-0.5, y+0.5*row
		dy -= math.Floor(dy) + 0.5
		k = clamp(0.5+(0.30-math.Sqrt(dx*dx+dy*dy))/soft, 0, 1)
	case zigzag:
		k = band(x+saw(y), soft)
	}
	return c.ground.mix(c.ink, k)
}

// face draws the head: skin, eyes, nose, cheeks, a mouth, hair or not, a cap.
type face struct {
	skin, cap, trim, blush, lip colour
	capCloth                    cloth
	middle, r                   float64
	eyeV, eyeS, smile           float64
}

func newFace(r *random.Rand, skin colour, b *body) *face {
	cap := colour{0.80, 0.22, 0.30}.stray(r, 0, jitter)
	return &face{
		skin: skin, cap: cap,
		trim:     cap.mix(colour{1, 1, 1}, 0.55),
		blush:    skin.mix(colour{0.92, 0.30, 0.30}, 0.35),
		lip:      colour{0.60, 0.12, 0.14},
		capCloth: newCloth(r, cap),
		middle:   b.neck + b.headR, r: b.headR,
		eyeV: r.Uniform(0.31, 0.38), eyeS: r.Uniform(0.02, 0.10), smile: r.Uniform(0.5, 1.1),
	}
}

// at gives the colour at (s, v) of the head's coordinates. Within, everything
// is measured in radii of the head from the middle of the face, y upwards.
func (f *face) at(s, v, pixel float64) colour {
	y, x := (s-f.middle)/f.r, v/f.r
	side := math.Abs(x)
	soft := pixel / f.r
	inside := func(d float64) float64 { return clamp(0.5-d/soft, 0, 1) }
	disc := func(dx, dy, r float64) float64 { return inside(math.Sqrt(dx*dx+dy*dy) - r) }

	brim := 0.36 + 0.10*(1-x*x)
	if y > brim+0.22+soft {
		c := f.capCloth.at(s, v, pixel)
		return c.mix(f.trim, disc(x, y-bobbleAt, bobbleR))
	}
	c := f.skin
	c = c.mix(f.blush, 0.8*disc(side-0.52, y+0.28, 0.17))
	white := disc(side-f.eyeV, 0.85*(y-f.eyeS), 0.19)
	c = c.mix(colour{0.97, 0.97, 0.95}, white)
	c = c.mix(colour{0.10, 0.08, 0.10}, disc(side-f.eyeV, y-f.eyeS+0.02, 0.115))
	c = c.mix(f.blush, disc(x, y+0.18, 0.09))
	// The mouth: the part of a disc below a curve that smiles.
	curve := -0.42 + 0.35*f.smile*x*x
	mouth := max(y-curve, -(y-curve)-0.15+0.5*x*x, side-0.36)
	c = c.mix(f.lip, inside(mouth))
	c = c.mix(f.trim, inside(brim-y))
	return c.mix(f.capCloth.at(s, v, pixel), inside(brim+0.22-y))
}

// surface gives the colour at (s, v) of a part's coordinates; pixel is the width
// of a pixel.
type surface interface {
	at(s, v, pixel float64) colour
}

// outfit is what one puppet looks like.
type outfit struct {
	cloths [NumParts]cloth
	face   surface
	button colour
	belt   colour
}

// palette gives the colour that each part has in all videos, up to jitter.
var palette = [NumParts]colour{
	Torso:         {0.86, 0.33, 0.24},
	Hips:          {0.20, 0.24, 0.42},
	Head:          {0.90, 0.70, 0.55},
	LeftUpperArm:  {0.08, 0.52, 0.54},
	LeftForearm:   {0.25, 0.72, 0.68},
	LeftHand:      {0.90, 0.70, 0.55},
	RightUpperArm: {0.90, 0.62, 0.12},
	RightForearm:  {0.97, 0.80, 0.33},
	RightHand:     {0.90, 0.70, 0.55},
	LeftThigh:     {0.18, 0.36, 0.76},
	LeftShin:      {0.34, 0.56, 0.90},
	LeftFoot:      {0.30, 0.18, 0.14},
	RightThigh:    {0.47, 0.22, 0.58},
	RightShin:     {0.66, 0.42, 0.76},
	RightFoot:     {0.30, 0.18, 0.14},
}

func newOutfit(r *random.Rand, b body) outfit {
	var o outfit
	for p := Torso; p < NumParts; p++ {
		if p == Head {
			// Skin is lighter or darker but keeps its hue.
			o.cloths[p] = newCloth(r, palette[p].stray(r, 0.75*jitter, 0.25*jitter))
			continue
		}
		o.cloths[p] = newCloth(r, palette[p].stray(r, 0, jitter))
	}
	// A limb is of one cloth, the hands are of the head's skin, shoes match.
	for _, pair := range [][2]Part{
		{LeftUpperArm, LeftForearm}, {RightUpperArm, RightForearm},
		{LeftThigh, LeftShin}, {RightThigh, RightShin},
	} {
		o.cloths[pair[1]].pattern = o.cloths[pair[0]].pattern
		o.cloths[pair[1]].period = o.cloths[pair[0]].period
	}
	for _, p := range []Part{Head, LeftHand, RightHand} {
		o.cloths[p].ground = o.cloths[Head].ground
		o.cloths[p].pattern = plain
	}
	o.cloths[LeftFoot].pattern = plain
	o.cloths[RightFoot] = o.cloths[LeftFoot]
	o.face = newFace(r, o.cloths[Head].ground, &b)
	o.button = o.cloths[Torso].ground.mix(colour{1, 1, 0.9}, 0.75)
	o.belt = colour{0.72, 0.50, 0.22}.stray(r, 0, jitter)
	return o
}

// at gives the colour of a part at (s, v) of its coordinates.
func (o *outfit) at(p Part, s, v, pixel float64) colour {
	switch p {
	case Head:
		return o.face.at(s, v, pixel)
	case Torso:
		c := o.cloths[p].at(s, v, pixel)
		row := saw((s - 0.06) / 0.045)
		if d := math.Sqrt(row*row*0.045*0.045 + v*v); d < 0.014+pixel {
			c = c.mix(o.button, clamp(0.5-(d-0.011)/pixel, 0, 1))
		}
		return c
	case Hips:
		c := o.cloths[p].at(s, v, pixel)
		return c.mix(o.belt, clamp(0.5+(s-0.018)/pixel, 0, 1))
	}
	return o.cloths[p].at(s, v, pixel)
}
