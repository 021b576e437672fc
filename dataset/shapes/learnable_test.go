package shapes

import (
	"math"
	"testing"
)

// sums gathers what decides whether the set can be learnt in minutes.
type sums struct {
	copyAll, meanAll, all    float64 // L1 over the whole picture
	copyFore, meanFore, fore float64 // L1 over the driving frame's foreground
	still, stillN            float64 // L1 of what is background in both frames
	share, hidden, frames    float64
}

func (m *sums) add(t *testing.T, v *Video) {
	t.Helper()
	var pix [][]byte
	var truths []*Truth
	for i := 0; i < v.Len(); i++ {
		f, truth, err := v.Draw(i)
		if err != nil {
			t.Fatal(err)
		}
		pix, truths = append(pix, f.Pix), append(truths, truth)
	}
	mean := make([]float64, len(pix[0]))
	for _, p := range pix {
		for i, b := range p {
			mean[i] += float64(b) / float64(len(pix))
		}
	}
	for k, p := range pix {
		m.addFrame(p, pix[0], mean, truths[k], truths[0])
	}
}

func (m *sums) addFrame(p, source []byte, mean []float64, truth, there *Truth) {
	for i, b := range p {
		copied := math.Abs(float64(b)-float64(source[i])) / 255
		meant := math.Abs(float64(b)-mean[i]) / 255
		m.copyAll += copied
		m.meanAll += meant
		m.all++
		if truth.Labels[i/3] != Background {
			m.copyFore += copied
			m.meanFore += meant
			m.fore++
		} else if truth.Alpha[i/3] == 0 && there.Alpha[i/3] == 0 {
			m.still += copied
			m.stillN++
		}
	}
	visible := truth.Visible()
	area, seen := 0, 0
	for part := Torso; part < NumParts; part++ {
		area += truth.Area[part]
		seen += visible[part]
	}
	m.hidden += 1 - float64(seen)/float64(area)
	m.share += float64(seen) / float64(len(truth.Labels))
	m.frames++
}

func TestStatisticsThatMakeItLearnable(t *testing.T) {
	s := small(t, 64, 64)
	var m sums
	for i := 0; i < 24; i++ {
		v, err := s.Video(Train, i)
		if err != nil {
			t.Fatal(err)
		}
		m.add(t, v)
	}
	for _, c := range []struct {
		name          string
		v, least, top float64
	}{
		{"L1 of copying the first frame", m.copyAll / m.all, 0.045, 0.065},
		{"L1 of the mean frame, relative to copying", m.meanAll / m.copyAll, 0.75, 0.90},
		{"foreground L1 of copying the first frame", m.copyFore / m.fore, 0.13, 0.18},
		{"foreground L1 of the mean frame, relative to copying", m.meanFore / m.copyFore, 0.75, 0.90},
		{"L1 of the trembling background", m.still / m.stillN, 0.001, 0.005},
		{"share of the foreground", m.share / m.frames, 0.22, 0.27},
		{"share of the figure that is hidden", m.hidden / m.frames, 0.25, 0.45},
	} {
		t.Logf("%s: %.4f", c.name, c.v)
		if c.v < c.least || c.v > c.top {
			t.Errorf("%s is %.4f, want %.3f to %.3f", c.name, c.v, c.least, c.top)
		}
	}
}

// Each limb can be told by its colour in every video.
func TestPartsKeepTheirColours(t *testing.T) {
	const videos = 40
	parts := []Part{Torso, LeftForearm, RightForearm, LeftThigh, RightThigh}
	means := map[Part][]colour{}
	s := small(t, 64, 64)
	for i := 0; i < videos; i++ {
		f, truth := draw(t, s, Train, i, 0)
		for _, p := range parts {
			var sum colour
			n := 0.0
			for at, l := range truth.Labels {
				if l == p {
					n++
					for c := range sum {
						sum[c] += float64(f.Pix[3*at+c]) / 255
					}
				}
			}
			if n >= 20 {
				means[p] = append(means[p], colour{}.mix(sum, 1/n))
			}
		}
	}
	centre := map[Part]colour{}
	for p, list := range means {
		var c colour
		for _, m := range list {
			for i := range c {
				c[i] += m[i] / float64(len(list))
			}
		}
		centre[p] = c
	}
	wrong, all := 0, 0
	for p, list := range means {
		for _, m := range list {
			all++
			for q := range centre {
				if q != p && far(m, centre[q]) < far(m, centre[p]) {
					wrong++
					break
				}
			}
		}
	}
	t.Logf("%d of %d limbs look like another", wrong, all)
	if all < videos*4 || wrong > all/20 {
		t.Errorf("%d of %d limbs have the colour of another", wrong, all)
	}
}

func far(a, b colour) float64 {
	return math.Sqrt(square(a[0]-b[0]) + square(a[1]-b[1]) + square(a[2]-b[2]))
}

func TestBackgroundMovesByOnePixelAtMost(t *testing.T) {
	sampleVideos(t, 64, 64, func(v *Video) {
		far := 0.0
		for a := 0; a < v.Len(); a++ {
			for b := 0; b < a; b++ {
				far = max(far, v.background.shift(a).minus(v.background.shift(b)).length())
			}
		}
		if far < 0.5 || far > 1 {
			t.Errorf("%s: the background moves by %.2f pixels, want 0.5 to 1", v.Name(), far)
		}
	})
}

// A video is the same at any size: a fine drawing, averaged down, is the
// coarse one.
func TestAnySizeShowsTheSame(t *testing.T) {
	for _, size := range [][2]int{{64, 64}, {96, 64}, {40, 72}} {
		w, h := size[0], size[1]
		coarse, truth := draw(t, small(t, w, h), Train, 3, 5)
		fine, _ := draw(t, small(t, 4*w, 4*h), Train, 3, 5)
		off := 0.0
		for i := range coarse.Pix {
			x, y, c := i/3%w, i/3/w, i%3
			sum := 0.0
			for k := 0; k < 16; k++ {
				sum += float64(fine.Pix[3*((4*y+k/4)*4*w+4*x+k%4)+c]) / 16
			}
			off += math.Abs(sum-float64(coarse.Pix[i])) / float64(len(coarse.Pix))
		}
		if off > 2.5 {
			t.Errorf("%dx%d: a finer drawing differs by %.2f levels", w, h, off)
		}
		for id, j := range truth.Joints {
			if j.X < 0 || j.Y < 0 || j.X > float64(w-1) || j.Y > float64(h-1) {
				t.Errorf("%dx%d: %v lies outside", w, h, JointID(id))
			}
		}
	}
	for _, size := range [][2]int{{MinSide, MinSide}, {300, 17}, {128, 128}, {256, 256}} {
		f, truth := draw(t, small(t, size[0], size[1]), Test, 1, 2)
		if len(f.Pix) != 3*size[0]*size[1] || len(truth.Labels) != size[0]*size[1] {
			t.Errorf("%v: %d bytes and %d labels", size, len(f.Pix), len(truth.Labels))
		}
		if truth.Visible()[Torso] == 0 {
			t.Errorf("%v: no torso to be seen", size)
		}
	}
}
