package shapes

import (
	"math"
	"testing"
)

// hueOf is the hue of a colour in turns.
func hueOf(c colour) float64 {
	top, low := max(c[0], c[1], c[2]), min(c[0], c[1], c[2])
	var sixths float64
	switch top {
	case c[0]:
		sixths = math.Mod((c[1]-c[2])/(top-low)+6, 6)
	case c[1]:
		sixths = (c[2]-c[0])/(top-low) + 2
	default:
		sixths = (c[0]-c[1])/(top-low) + 4
	}
	return sixths / 6
}

func TestHSV(t *testing.T) {
	for hue := 0.01; hue < 1; hue += 0.07 {
		c := hsv(hue, 0.6, 0.8)
		if got := hueOf(c); math.Abs(got-hue) > 1e-9 {
			t.Errorf("hue %v comes out as %v", hue, got)
		}
		if top, low := max(c[0], c[1], c[2]), min(c[0], c[1], c[2]); math.Abs(top-0.8) > 1e-12 || math.Abs(low-0.32) > 1e-12 {
			t.Errorf("hue %v: channels from %v to %v", hue, low, top)
		}
	}
}

// TestPeopleDiffer: skins and hats of many colours, every hair style, broad and
// slender figures; and what tells limbs apart stays.
func TestPeopleDiffer(t *testing.T) {
	s := some(t, People, 64, 64)
	styles, hats := map[hairStyle]int{}, map[int]int{}
	slimmest, broadest := math.Inf(1), 0.0
	lightest, darkest := 0.0, 1.0
	const people = 60
	for i := 0; i < people; i++ {
		v, err := s.Video(Train, i)
		if err != nil {
			t.Fatal(err)
		}
		f := v.figure
		styles[f.outfit.face.(*portrait).style]++
		hats[int(6*hueOf(f.outfit.face.(*portrait).hat))]++
		lightest, darkest = max(lightest, f.outfit.face.(*portrait).skin[0]), min(darkest, f.outfit.face.(*portrait).skin[0])
		slimmest, broadest = min(slimmest, f.body.shoulderR), max(broadest, f.body.shoulderR)
		for _, part := range []Part{LeftUpperArm, RightForearm, LeftThigh, RightShin, LeftHand} {
			for k, v := range f.outfit.cloths[part].ground {
				if math.Abs(v-palette[part][k]) > jitter+1e-9 {
					t.Errorf("person %d: the %v has the colour %v, puppets' has %v", i, part, f.outfit.cloths[part].ground, palette[part])
					break
				}
			}
		}
	}
	if len(styles) != int(numHairStyles) || len(hats) != 6 || lightest-darkest < 0.3 || broadest/slimmest < 1.25 {
		t.Errorf("hair %v, hats by hue %v, skins from %.2f to %.2f, shoulders from %v to %v", styles, hats, darkest, lightest, slimmest, broadest)
	}
}

// TestPeopleStayInThePicture: heads, hands and feet do not leave it.
func TestPeopleStayInThePicture(t *testing.T) {
	s := some(t, People, 64, 64)
	out, all := 0, 0
	for i := 0; i < 30; i++ {
		v, err := s.Video(Train, i)
		if err != nil {
			t.Fatal(err)
		}
		for frame := 0; frame < v.Len(); frame += 5 {
			truth, err := v.Truth(frame)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range truth.Joints {
				if all++; j.X < 0 || j.Y < 0 || j.X > 63 || j.Y > 63 {
					out++
				}
			}
		}
	}
	if share := float64(out) / float64(all); share > 0.01 {
		t.Errorf("%.3f of the joints lie outside", share)
	}
}
