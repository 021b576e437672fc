package shapes

import (
	"math"
	"testing"
)

// sampleVideos calls f for some videos of both splits.
func sampleVideos(t *testing.T, w, h int, f func(v *Video)) {
	t.Helper()
	s := small(t, w, h)
	for i := 0; i < 8; i++ {
		for _, split := range []Split{Train, Test} {
			v, err := s.Video(split, i)
			if err != nil {
				t.Fatal(err)
			}
			f(v)
		}
	}
}

// A pixel changes with the background just as far as the figure leaves it
// uncovered.
func TestForegroundAgreesWithPixels(t *testing.T) {
	sampleVideos(t, 64, 64, func(v *Video) {
		other := *v
		other.background = background{wall: colour{1, 1, 1}}
		const frame = 11
		a, truth, err := v.Draw(frame)
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := other.Draw(frame)
		if err != nil {
			t.Fatal(err)
		}
		bare := make([]float32, len(a.Pix))
		v.background.draw(bare, v.view, frame)
		for i, label := range truth.Labels {
			if (label != Background) != (truth.Alpha[i] >= 128) {
				t.Fatalf("%s: pixel %d has label %v and alpha %d", v.Name(), i, label, truth.Alpha[i])
			}
			for c := 3 * i; c < 3*i+3; c++ {
				open := 1 - float64(truth.Alpha[i])/255
				want := open * 255 * (1 - float64(bare[c]))
				if got := float64(b.Pix[c]) - float64(a.Pix[c]); math.Abs(got-want) > 2 {
					t.Fatalf("%s: byte %d changes by %.0f with the background, want %.1f (alpha %d)", v.Name(), c, got, want, truth.Alpha[i])
				}
			}
		}
	})
}

// depth gives each part's place in the order of drawing.
func depth() [NumParts]int {
	var d [NumParts]int
	for i, p := range drawOrder {
		d[p] = i + 1
	}
	return d
}

func TestJointsLieInsideAndVisibilityFollowsLabels(t *testing.T) {
	order := depth()
	hidden, shown := map[JointID]int{}, map[JointID]int{}
	sampleVideos(t, 64, 64, func(v *Video) {
		for frame := 0; frame < v.Len(); frame++ {
			truth, err := v.Truth(frame)
			if err != nil {
				t.Fatal(err)
			}
			for id, j := range truth.Joints {
				id := JointID(id)
				if j.X < 0 || j.Y < 0 || j.X > 63 || j.Y > 63 {
					t.Fatalf("%s frame %d: %v lies outside at (%.1f, %.1f)", v.Name(), frame, id, j.X, j.Y)
				}
				label := truth.Labels[int(j.Y+0.5)*64+int(j.X+0.5)]
				own, nearest := false, 0
				for _, p := range id.Parts() {
					own = own || p == label
					nearest = max(nearest, order[p])
				}
				if own != j.Visible {
					t.Fatalf("%s frame %d: %v visible is %v under label %v", v.Name(), frame, id, j.Visible, label)
				}
				if j.Visible {
					shown[id]++
					continue
				}
				hidden[id]++
				if order[label] < nearest {
					t.Fatalf("%s frame %d: %v is hidden by %v, which lies behind it", v.Name(), frame, id, label)
				}
			}
		}
	})
	for _, id := range []JointID{LeftElbow, LeftWrist, RightHip} {
		if hidden[id] < 10 || shown[id] < 10 {
			t.Errorf("%v is hidden %d times and seen %d times: no occlusion to learn from", id, hidden[id], shown[id])
		}
	}
}

// Halfway between two joints of a limb lies that limb, or something nearer.
func TestLabelsAgreeWithJoints(t *testing.T) {
	order := depth()
	limbs := []struct {
		part Part
		a, b JointID
	}{
		{LeftUpperArm, LeftShoulder, LeftElbow}, {LeftForearm, LeftElbow, LeftWrist},
		{RightUpperArm, RightShoulder, RightElbow}, {RightForearm, RightElbow, RightWrist},
		{LeftThigh, LeftHip, LeftKnee}, {LeftShin, LeftKnee, LeftAnkle},
		{RightThigh, RightHip, RightKnee}, {RightShin, RightKnee, RightAnkle},
		{Head, Nose, HeadTop},
	}
	found := map[Part]int{}
	sampleVideos(t, 64, 64, func(v *Video) {
		for frame := 0; frame < v.Len(); frame += 3 {
			truth, err := v.Truth(frame)
			if err != nil {
				t.Fatal(err)
			}
			visible := truth.Visible()
			for p := Torso; p < NumParts; p++ {
				// Pixels that two edges share count as visible only.
				if visible[p] > truth.Area[p]+8 {
					t.Fatalf("%s frame %d: %d pixels of %v are seen of %d", v.Name(), frame, visible[p], p, truth.Area[p])
				}
			}
			for _, l := range limbs {
				a, b := truth.Joints[l.a], truth.Joints[l.b]
				label, ok := truth.label((a.X+b.X)/2, (a.Y+b.Y)/2)
				if !ok || order[label] < order[l.part] {
					t.Fatalf("%s frame %d: %v between %v and %v", v.Name(), frame, label, l.a, l.b)
				}
				if label == l.part {
					found[l.part]++
				}
			}
		}
	})
	for _, l := range limbs {
		if found[l.part] < 30 {
			t.Errorf("%v is seen in %d of 128 frames only", l.part, found[l.part])
		}
	}
}

// Warping the source frame by the true motion gives the driving frame wherever
// the source frame shows what is needed.
func TestMotionWarpsSourceToDriving(t *testing.T) {
	var warped, copied, n, hidden, all float64
	sampleVideos(t, 128, 128, func(v *Video) {
		const source, driving = 1, 9
		from, _, err := v.Draw(source)
		if err != nil {
			t.Fatal(err)
		}
		to, truth, err := v.Draw(driving)
		if err != nil {
			t.Fatal(err)
		}
		m, err := v.Motion(source, driving)
		if err != nil {
			t.Fatal(err)
		}
		for i, label := range truth.Labels {
			if label == Background {
				continue
			}
			all++
			if m.Seen[i] == 0 {
				hidden++
				continue
			}
			x := int(math.Floor(float64(m.X[i]) + 0.5))
			y := int(math.Floor(float64(m.Y[i]) + 0.5))
			x, y = min(max(x, 0), m.W-1), min(max(y, 0), m.H-1)
			for c := 0; c < 3; c++ {
				want := float64(to.Pix[3*i+c])
				warped += math.Abs(float64(from.Pix[3*(y*m.W+x)+c]) - want)
				copied += math.Abs(float64(from.Pix[3*i+c]) - want)
				n++
			}
		}
	})
	t.Logf("foreground L1: %.4f warped by the true motion, %.4f copied; %.3f of it hidden in the source", warped/n/255, copied/n/255, hidden/all)
	if warped > 0.3*copied {
		t.Errorf("warping leaves %.4f of an L1 of %.4f", warped/n/255, copied/n/255)
	}
	if share := hidden / all; share < 0.03 || share > 0.2 {
		t.Errorf("%.3f of the foreground is hidden in the source, want 0.03 to 0.2", share)
	}
	v, err := small(t, 64, 64).Video(Train, 0)
	if err != nil {
		t.Fatal(err)
	}
	still, err := v.Motion(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, seen := range still.Seen {
		dx, dy := float64(still.X[i])-float64(i%64), float64(still.Y[i])-float64(i/64)
		if seen != 1 || math.Abs(dx) > 1e-4 || math.Abs(dy) > 1e-4 {
			t.Fatalf("pixel %d moves by (%g, %g) from a frame to itself, seen %d", i, dx, dy, seen)
		}
	}
}
