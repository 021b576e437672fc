package shapes

import (
	"math"

	"github.com/prioritycut/prioritycut/internal/random"
)

// Positions are in scene units: the smaller side of the picture is 1, the
// origin is its centre, x points right and y down.

// point is a place or a direction in the scene.
type point struct{ x, y float64 }

func (p point) plus(q point) point    { return point{p.x + q.x, p.y + q.y} }
func (p point) minus(q point) point   { return point{p.x - q.x, p.y - q.y} }
func (p point) times(k float64) point { return point{p.x * k, p.y * k} }
func (p point) length() float64       { return math.Sqrt(p.x*p.x + p.y*p.y) }

// down is the unit vector that an angle turns away from straight down, towards
// the right of the picture for positive angles.
func down(angle float64) point { return point{math.Sin(angle), math.Cos(angle)} }

// frame is the place of a rigid part: its origin (the joint nearer to the
// body) and the unit vector along which the part extends.
type frame struct {
	origin point
	along  point
}

// local gives the coordinates of p in the part: s along it, v across.
func (f frame) local(p point) (s, v float64) {
	d := p.minus(f.origin)
	return d.x*f.along.x + d.y*f.along.y, d.x*f.along.y - d.y*f.along.x
}

// world is the inverse of local.
func (f frame) world(s, v float64) point {
	return point{
		f.origin.x + s*f.along.x + v*f.along.y,
		f.origin.y + s*f.along.y - v*f.along.x,
	}
}

// body holds the proportions of one puppet in scene units.
type body struct {
	torso, hips                  float64 // lengths
	shoulder, hip                float64 // half the distance between the joints
	shoulderR, waistR, hipR      float64 // half widths
	neck, headR                  float64
	upperArm, forearm, hand      float64
	upperArmR, elbowR, wristR    float64
	handR                        float64
	thigh, shin, foot            float64
	thighR, kneeR, ankleR, footR float64
}

func newBody(r *random.Rand) body {
	about := func(v float64) float64 { return v * r.Uniform(0.92, 1.02) }
	return body{
		torso: about(0.216), hips: about(0.060),
		shoulder: about(0.121), hip: about(0.066),
		shoulderR: about(0.141), waistR: about(0.113), hipR: about(0.124),
		neck: about(0.020), headR: about(0.114),
		upperArm: about(0.120), forearm: about(0.108), hand: about(0.028),
		upperArmR: about(0.061), elbowR: about(0.055), wristR: about(0.048),
		handR: about(0.049),
		thigh: about(0.138), shin: about(0.126), foot: about(0.056),
		thighR: about(0.074), kneeR: about(0.065), ankleR: about(0.053), footR: about(0.045),
	}
}

// wave is a smooth periodic motion.
type wave struct {
	mean, swing, rate, phase float64
}

// at gives the value at time t, counted in beats.
func (w wave) at(t float64) float64 {
	return w.mean + w.swing*math.Sin(2*math.Pi*(w.rate*t+w.phase))
}

// unit gives the wave's place between its extremes, in [0, 1].
func (w wave) unit(t float64) float64 {
	return 0.5 + 0.5*math.Sin(2*math.Pi*(w.rate*t+w.phase))
}

// side indexes what exists twice.
const (
	left  = 0
	right = 1
)

// dance is the motion of one video: a wave per degree of freedom. Angles of
// limbs are positive away from the body.
type dance struct {
	beat           float64 // beats per frame
	place          point   // mean position of the hips
	sway, bob      wave
	lean, nod      wave
	shoulder, knee [2]wave
	elbow, hip     [2]wave
	wrist          [2]wave
}

// newDance draws one of three kinds of motion, all of about the same strength.
func newDance(r *random.Rand) dance {
	d := dance{
		beat:  r.Uniform(1.2, 1.8) / 24,
		place: point{r.Uniform(-0.02, 0.02), 0.097 + r.Uniform(-0.008, 0.008)},
		sway:  wave{0, r.Uniform(0.105, 0.130), 1, r.Float64()},
		bob:   wave{0, r.Uniform(0.020, 0.032), 2, r.Float64()},
		lean:  wave{0, r.Uniform(0.10, 0.20), 1, r.Float64()},
		nod:   wave{0, r.Uniform(0.10, 0.25), 1, r.Float64()},
	}
	switch r.IntN(3) {
	case 0:
		d.step(r)
	case 1:
		d.walk(r)
	default:
		d.hail(r)
	}
	for s := range d.wrist {
		d.wrist[s] = wave{0, r.Uniform(0.1, 0.3), 1, r.Float64()}
	}
	return d
}

// step lets every limb swing at a phase of its own.
func (d *dance) step(r *random.Rand) {
	for s := range d.shoulder {
		d.shoulder[s] = wave{r.Uniform(0.55, 0.80), r.Uniform(0.65, 0.90), 1, r.Float64()}
		d.elbow[s] = wave{r.Uniform(0.3, 0.6), r.Uniform(0.35, 0.55), 1, r.Float64()}
		d.hip[s] = wave{r.Uniform(0.08, 0.16), r.Uniform(0.30, 0.45), 1, r.Float64()}
		d.knee[s] = wave{0.3, r.Uniform(0.25, 0.4), 1, r.Float64()}
	}
}

// walk swings arms and legs crosswise: what is left goes out while what is
// right comes in.
func (d *dance) walk(r *random.Rand) {
	phase := r.Float64()
	for s := range d.shoulder {
		here := phase + 0.5*float64(s) + r.Uniform(-0.05, 0.05)
		d.shoulder[s] = wave{r.Uniform(0.35, 0.55), r.Uniform(0.60, 0.85), 1, here}
		d.elbow[s] = wave{r.Uniform(0.4, 0.6), r.Uniform(0.35, 0.55), 1, here + 0.15}
		d.hip[s] = wave{r.Uniform(0.10, 0.18), r.Uniform(0.36, 0.50), 1, here + 0.5}
		d.knee[s] = wave{0.35, r.Uniform(0.3, 0.45), 1, here + 0.5}
	}
}

// hail raises one arm to wave while the other crosses the body.
func (d *dance) hail(r *random.Rand) {
	up := r.IntN(2)
	d.shoulder[up] = wave{r.Uniform(1.2, 1.5), r.Uniform(0.55, 0.75), 1, r.Float64()}
	d.elbow[up] = wave{r.Uniform(0.4, 0.6), r.Uniform(0.45, 0.65), 2, r.Float64()}
	d.shoulder[1-up] = wave{r.Uniform(0.25, 0.45), r.Uniform(0.70, 0.90), 1, r.Float64()}
	d.elbow[1-up] = wave{r.Uniform(0.4, 0.7), r.Uniform(0.35, 0.55), 1, r.Float64()}
	phase := r.Float64()
	for s := range d.hip {
		here := phase + 0.5*float64(s) + r.Uniform(-0.1, 0.1)
		d.hip[s] = wave{r.Uniform(0.06, 0.14), r.Uniform(0.28, 0.42), 1, here}
		d.knee[s] = wave{0.25, r.Uniform(0.2, 0.35), 1, here}
	}
}

// pose is where everything is in one frame.
type pose struct {
	parts  [NumParts]frame
	joints [NumJoints]point
}

// pose applies the motion at frame t to the proportions of a puppet.
func (d *dance) pose(b *body, t int) *pose {
	time := d.beat * float64(t)
	p := new(pose)
	lean := d.lean.at(time)
	root := d.place.plus(point{d.sway.at(time), d.bob.at(time)})
	spine := down(math.Pi - lean) // upwards
	trunk := frame{origin: root, along: spine}
	p.parts[Hips] = trunk
	p.parts[Torso] = trunk
	neck := trunk.world(b.torso, 0)
	nod := 0.5*lean + d.nod.at(time)
	head := frame{origin: neck, along: down(math.Pi - nod)}
	p.parts[Head] = head
	p.joints[Neck] = neck
	p.joints[Nose] = head.world(b.neck+0.95*b.headR, 0)
	p.joints[HeadTop] = head.world(b.neck+1.80*b.headR, 0)
	for s := range d.hip {
		p.setArm(d, b, s, trunk, lean, time)
		p.setLeg(d, b, s, root, lean, time)
	}
	return p
}

// outward is the sign of the picture's x on a side.
func outward(side int) float64 {
	if side == left {
		return -1
	}
	return 1
}

func (p *pose) setArm(d *dance, b *body, side int, trunk frame, lean, time float64) {
	ids := [2]struct {
		upper, fore, hand      Part
		shoulder, elbow, wrist JointID
	}{
		{LeftUpperArm, LeftForearm, LeftHand, LeftShoulder, LeftElbow, LeftWrist},
		{RightUpperArm, RightForearm, RightHand, RightShoulder, RightElbow, RightWrist},
	}[side]
	out := outward(side)
	// Across is positive to the left of a part that points up.
	shoulder := trunk.world(b.torso-0.038, -out*b.shoulder)
	raise := d.shoulder[side].at(time)
	upper := frame{shoulder, down(out*raise - lean)}
	elbow := upper.world(b.upperArm, 0)
	// The forearm bends towards the body while the arm hangs and up while it
	// is raised.
	bend := max(d.elbow[side].at(time), -0.2) * clamp(raise/0.3-1, -1, 1)
	fore := frame{elbow, down(out*(raise+bend) - lean)}
	wrist := fore.world(b.forearm, 0)
	hand := frame{wrist, down(out*(raise+bend+d.wrist[side].at(time)) - lean)}
	p.parts[ids.upper], p.parts[ids.fore], p.parts[ids.hand] = upper, fore, hand
	p.joints[ids.shoulder], p.joints[ids.elbow], p.joints[ids.wrist] = shoulder, elbow, wrist
}

func (p *pose) setLeg(d *dance, b *body, side int, root point, lean, time float64) {
	ids := [2]struct {
		thigh, shin, foot Part
		hip, knee, ankle  JointID
	}{
		{LeftThigh, LeftShin, LeftFoot, LeftHip, LeftKnee, LeftAnkle},
		{RightThigh, RightShin, RightFoot, RightHip, RightKnee, RightAnkle},
	}[side]
	out := outward(side)
	trunk := p.parts[Hips]
	hip := trunk.world(-0.012, -out*b.hip)
	lift := d.hip[side].at(time)
	thigh := frame{hip, down(out*lift - 0.4*lean)}
	knee := thigh.world(b.thigh, 0)
	// The further a thigh is lifted, the more its knee bends back.
	bend := d.knee[side].swing * (0.3 + d.hip[side].unit(time)) * (0.5 + d.knee[side].unit(time))
	shin := frame{knee, down(out*(lift-bend) - 0.4*lean)}
	ankle := shin.world(b.shin, 0)
	foot := frame{ankle, down(out*(lift-bend+1.15) - 0.4*lean)}
	p.parts[ids.thigh], p.parts[ids.shin], p.parts[ids.foot] = thigh, shin, foot
	p.joints[ids.hip], p.joints[ids.knee], p.joints[ids.ankle] = hip, knee, ankle
}
