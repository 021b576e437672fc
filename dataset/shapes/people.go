package shapes

import (
	"math"

	"github.com/prioritycut/prioritycut/internal/random"
)

// newPerson draws somebody who looks like nobody else. What a model may hold on
// to within minutes stays: each limb has a family of hues that no other has, and
// the sizes stay within those that fit into the picture.
func newPerson(stream func(what string) *random.Rand) figure {
	b := newPhysique(stream("physique"))
	look := newLook(stream("look"))
	shapes := outlines(&b)
	if look.style == longHair {
		shapes[Head] = newMane(b.neck, b.headR, -0.02*look.length, 0.40)
	} else if look.style != bobbleCap {
		shapes[Head] = bare{newSkull(b.neck, b.headR)}
	}
	w := newWardrobe(stream("wardrobe"), look.skin)
	if w.skirt {
		shapes[Hips] = &trunk{-1.9 * b.hips, 0.050, 1.32 * b.hipR, b.waistR, 0.022}
	}
	return figure{body: b, shapes: shapes, outfit: w.outfit(&look, &b)}
}

// bare is a head without a cap's bobble.
type bare struct{ *skull }

func (k bare) at(s, v float64) (d, slopeS, slopeV float64) { return k.head(s, v, false) }

// newPhysique draws the proportions: broad or slender, long legs or short ones,
// a large head or a small one.
func newPhysique(r *random.Rand) body {
	b := newBody(r)
	broad := r.Uniform(0.74, 1.10)
	for _, v := range []*float64{&b.shoulderR, &b.waistR, &b.hipR, &b.shoulder, &b.hip} {
		*v *= broad * r.Uniform(0.96, 1.04)
	}
	limbs := 1 + 0.6*(broad-1)
	for _, v := range []*float64{&b.upperArmR, &b.elbowR, &b.wristR, &b.thighR, &b.kneeR, &b.ankleR} {
		*v *= limbs
	}
	legs, arms := r.Uniform(0.84, 1.02), r.Uniform(0.92, 1.08)
	b.thigh, b.shin = legs*b.thigh, legs*b.shin
	b.upperArm, b.forearm = arms*b.upperArm, arms*b.forearm
	b.torso *= r.Uniform(0.90, 1.02)
	b.headR *= r.Uniform(0.92, 1.06)
	return b
}

// hsv is a colour by hue in turns, saturation and value.
func hsv(hue, saturation, value float64) colour {
	var c colour
	for i := range c {
		// Each channel is a trapezium over the circle of hues.
		d := math.Abs(hue - float64(i)/3 - math.Floor(hue-float64(i)/3+0.5))
		c[i] = value * (1 - saturation*(1-clamp(2-6*d, 0, 1)))
	}
	return c
}

// hues is a family of colours that a garment may have.
type hues struct{ from, to, dull, rich, dark, bright float64 }

func (h hues) draw(r *random.Rand) colour {
	return hsv(r.Uniform(h.from, h.to), r.Uniform(h.dull, h.rich), r.Uniform(h.dark, h.bright))
}

// garments are the families: shirts and shoes may have any hue, sleeves and
// trousers tell left from right.
var garments = struct{ shirt, leftSleeve, rightSleeve, leftLeg, rightLeg, shoe, hips hues }{
	shirt:       hues{0, 1, 0.25, 0.85, 0.45, 0.95},
	leftSleeve:  hues{0.40, 0.56, 0.45, 0.90, 0.40, 0.75},
	rightSleeve: hues{0.06, 0.17, 0.50, 0.95, 0.75, 1},
	leftLeg:     hues{0.56, 0.66, 0.45, 0.85, 0.45, 0.95},
	rightLeg:    hues{0.74, 0.92, 0.30, 0.70, 0.35, 0.80},
	shoe:        hues{0, 1, 0.10, 0.70, 0.12, 0.40},
	hips:        hues{0, 1, 0.15, 0.70, 0.20, 0.60},
}

// wardrobe is what somebody wears.
type wardrobe struct {
	cloths                  [NumParts]cloth
	buttons, belt           bool
	button, buckle          colour
	skirt, dress            bool
	bareArms, bareLegs, mit bool
}

func newWardrobe(r *random.Rand, skin colour) wardrobe {
	w := wardrobe{
		skirt: r.Float64() < 0.3, bareArms: r.Float64() < 0.35, bareLegs: r.Float64() < 0.3, mit: r.Float64() < 0.3,
		buttons: r.Float64() < 0.4, belt: r.Float64() < 0.6,
	}
	w.dress = w.skirt && r.Float64() < 0.6
	g := &garments
	skinCloth := cloth{ground: skin, ink: skin, period: 0.12}
	w.cloths[Torso] = newCloth(r, g.shirt.draw(r))
	w.cloths[Hips] = newCloth(r, g.hips.draw(r))
	if w.dress {
		w.cloths[Hips] = w.cloths[Torso]
	}
	for _, limb := range []struct {
		upper, lower Part
		of           hues
		short        bool
	}{
		{LeftUpperArm, LeftForearm, g.leftSleeve, w.bareArms}, {RightUpperArm, RightForearm, g.rightSleeve, w.bareArms},
		{LeftThigh, LeftShin, g.leftLeg, w.bareLegs}, {RightThigh, RightShin, g.rightLeg, w.bareLegs},
	} {
		upper := newCloth(r, limb.of.draw(r))
		lower := upper
		lower.ground, lower.ink = upper.ground.mix(colour{1, 1, 1}, 0.18), upper.ink.mix(colour{1, 1, 1}, 0.18)
		if limb.short {
			lower = skinCloth
		}
		w.cloths[limb.upper], w.cloths[limb.lower] = upper, lower
	}
	hand := skinCloth
	if w.mit || w.bareArms {
		// Below a bare arm a hand would have no edge: it holds a glove's colour.
		c := hues{0, 1, 0.0, 0.35, 0.85, 1}.draw(r)
		hand.ground, hand.ink = c, c
	}
	w.cloths[LeftHand], w.cloths[RightHand] = hand, hand
	shoe := newCloth(r, g.shoe.draw(r))
	shoe.pattern = plain
	w.cloths[LeftFoot], w.cloths[RightFoot] = shoe, shoe
	w.button = w.cloths[Torso].ground.mix(colour{1, 1, 0.9}, 0.75)
	w.buckle = colour{0.72, 0.50, 0.22}.stray(r, 0.2, jitter)
	return w
}

// outfit puts the clothes on. Who wears no belt has one of the hips' colour, and
// likewise with buttons.
func (w *wardrobe) outfit(look *look, b *body) outfit {
	o := outfit{cloths: w.cloths, face: look.portrait(b), button: w.button, belt: w.buckle}
	o.cloths[Head].ground = look.skin
	if !w.belt || w.dress {
		o.belt = w.cloths[Hips].ground
	}
	if !w.buttons {
		o.button = w.cloths[Torso].ground
	}
	return o
}
