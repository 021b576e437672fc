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

// Ticks of a clock are no rate to draw pictures at.
func TestSteadyRate(t *testing.T) {
	for _, c := range []struct{ mean, base, want string }{
		{"25/1", "25/1", "25/1"}, {"750000/37037", "30000/1001", "30000/1001"}, {"2943/100", "90000/1", "60"},
		{"0/0", "25/1", "25/1"}, {"12/1", "0/0", "12/1"}, {"0/0", "0/0", ""},
	} {
		info := Info{Duration: 10 * time.Second}
		info.setRate(c.mean, c.base)
		if info.SteadyRate != c.want {
			t.Errorf("mean %s, base %s: %q, want %q", c.mean, c.base, info.SteadyRate, c.want)
		}
	}
}
