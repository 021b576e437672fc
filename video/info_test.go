package video

import (
	"context"
	"math"
	"path/filepath"
	"testing"
	"time"
)

// What Probe says of films by others: rates, uneven distances, late pictures.
func TestProbeTimes(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	ntsc := film(t, filepath.Join(dir, "ntsc.mp4"), "testsrc2=size=32x32:rate=30000/1001:duration=3", "-pix_fmt", "yuv420p")
	uneven := film(t, filepath.Join(dir, "uneven.mp4"), "testsrc2=size=32x32:rate=30:duration=4", "-pix_fmt", "yuv420p",
		"-vf", "select='not(mod(n,3))+lt(n,40)'", "-fps_mode", "vfr")
	late := filepath.Join(dir, "late.mkv")
	ffmpeg(t, "-itsoffset", "0.5", "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25:duration=1", "-f", "lavfi", "-i", "sine=duration=2",
		"-c:v", "ffv1", "-c:a", "pcm_s16le", late)
	for path, want := range map[string]Info{
		ntsc:   {ExactRate: "30000/1001", SteadyRate: "30000/1001"},
		uneven: {Variable: true, SteadyRate: "30/1"},
		late:   {ExactRate: "25/1", SteadyRate: "25/1", Start: 500 * time.Millisecond, Audio: "pcm_s16le"},
	} {
		info, err := Probe(ctx, path, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if info.Variable != want.Variable || info.SteadyRate != want.SteadyRate || !want.Variable && info.ExactRate != want.ExactRate || info.Audio != want.Audio ||
			(info.Start-want.Start).Abs() > 25*time.Millisecond || info.Duration == 0 {
			t.Errorf("%s: %+v, want %+v", path, info, want)
		}
		if rate, err := ParseRate(info.ExactRate); err != nil || math.Abs(rate-info.Rate) > 1e-9 {
			t.Errorf("%s: rate %q and %v, %v", path, info.ExactRate, info.Rate, err)
		}
	}
}

func times(ms ...int) (s shownTimes) {
	for _, at := range ms {
		s.at = append(s.at, time.Duration(at)*time.Millisecond)
	}
	return s
}

// spaced are n times of a constant distance in microseconds, in whole
// milliseconds as webm and mkv keep them.
func spaced(n, micros int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = (i*micros + 500) / 1000
	}
	return all
}

// The pictures' own times decide; headers only name a rate that fits them.
func TestPace(t *testing.T) {
	recorded := []int{0, 47, 64, 131, 133, 199, 262, 271, 344, 356, 407, 441, 512, 533, 598, 612, 688, 701, 765, 790}
	slowing := spaced(10, 40000)
	for i := 0; i < 20; i++ {
		slowing = append(slowing, 400+100*i)
	}
	for name, c := range map[string]struct {
		at            []int
		hints         []string
		exact, steady string
		variable      bool
	}{
		"ntsc in milliseconds":  {at: spaced(900, 33367), hints: []string{"30/1", "1000/1"}, exact: "30000/1001", steady: "30000/1001"},
		"a header's odd rate":   {at: spaced(40, 78125), hints: []string{"12800/1000"}, exact: "12800/1000", steady: "12800/1000"},
		"no header":             {at: spaced(40, 78125), exact: "39000/3047", steady: "39000/3047"},
		"a clock of 1000":       {at: recorded, hints: []string{"1000/1", "0/0"}, steady: "30", variable: true},
		"a steady lie":          {at: slowing, hints: []string{"50/1", "50/1"}, steady: "25", variable: true},
		"the mean for a rate":   {at: slowing, hints: []string{"500/37", "500/37"}, steady: "25", variable: true},
		"quicker than screens":  {at: spaced(100, 8333), hints: []string{"120/1"}, exact: "120/1", steady: "60"},
		"one picture":           {at: []int{0}, hints: []string{"1000/1"}},
		"two pictures":          {at: []int{0, 47}, hints: []string{"1000/1"}, exact: "1000/47", steady: "1000/47"},
		"two, one tick apart":   {at: []int{0, 1}, exact: "1000/1", steady: "58.8235"},
		"slides":                {at: []int{0, 5000, 12000, 13000, 29000}, steady: "5", variable: true},
		"all at once":           {at: []int{7, 7, 7}},
		"a gap in a steady one": {at: append(spaced(25, 40000), 1500, 1540, 1580), hints: []string{"25/1"}, steady: "25", variable: true},
	} {
		p := paceOf(times(c.at...), c.hints...)
		if p.steady != c.steady || p.variable != c.variable || !c.variable && p.exact != c.exact {
			t.Errorf("%s: %+v; want rate %q, steady %q, variable %v", name, p, c.exact, c.steady, c.variable)
		}
		if p.steady != "" {
			if rate, err := ParseRate(p.steady); err != nil || rate > 60.5 {
				t.Errorf("%s: steady rate %q, %v", name, p.steady, err)
			}
		}
	}
	one := times(0)
	one.last = 100 * time.Millisecond
	if p := paceOf(one); p.mean != 10 || p.steady == "" {
		t.Errorf("one picture of 0.1 s: %+v", p)
	}
}
