package video

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// grating is a picture of upright waves that move from one field to the next:
// what differs between neighbouring lines is combing.
const grating = "nullsrc=size=%s:rate=50:duration=0.8,format=yuv420p,geq=lum='128+90*sin((X-4*N)/6)':cb=128:cr=128"

// gratingOf is that of a size.
func gratingOf(size string) string { return strings.Replace(grating, "%s", size, 1) }

// combing is the mean distance of neighbouring lines in levels.
func combing(f *Frame) float64 {
	var sum float64
	line := 3 * f.W
	for i := line; i < len(f.Pix); i++ {
		sum += math.Abs(float64(f.Pix[i]) - float64(f.Pix[i-line]))
	}
	return sum / float64(len(f.Pix)-line)
}

// through decodes a film in a view of the test's.
func through(t *testing.T, path string, v view) []*Frame {
	t.Helper()
	f := &Film{path: path, limits: DefaultLimits, view: v}
	if err := f.start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.begin(); err != nil {
		t.Fatal(err)
	}
	all, err := readAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// joined is one transport stream after another.
func joined(t *testing.T, path, first, second string) string {
	t.Helper()
	ffmpeg(t, "-i", "concat:"+first+"|"+second, "-c", "copy", path)
	return path
}

// Frames of an interlaced film are what was there when the first field was taken,
// as many and at the same times as its pictures.
func TestInterlacedFilms(t *testing.T) {
	dir := t.TempDir()
	truth := open(t, film(t, filepath.Join(dir, "truth.mkv"), gratingOf("96x80"), "-c:v", "ffv1"))
	const fields = "+ilme+ildct"
	for name, args := range map[string][]string{
		"top.ts":     {"interleave_top", "-c:v", "mpeg2video", "-q:v", "1", "-flags", fields},
		"bottom.mov": {"interleave_bottom", "-c:v", "mpeg2video", "-q:v", "1", "-flags", fields},
		"top.mp4":    {"interleave_top", "-c:v", "libx264", "-qp", "4", "-flags", fields},
		"bottom.mkv": {"interleave_bottom", "-c:v", "libx264", "-qp", "4", "-flags", fields},
		"prores.mov": {"interleave_top,format=yuv422p10le", "-c:v", "prores_ks", "-flags", fields},
	} {
		path := film(t, filepath.Join(dir, name), gratingOf("96x80"), append([]string{"-vf", "tinterlace=" + args[0]}, args[1:]...)...)
		info := probe1(t, path)
		woven := info.view
		woven.fields = ""
		if c := combing(through(t, path, woven)[5]); c < 20 {
			t.Fatalf("%s: the film is not interlaced: %.1f", name, c)
		}
		got := open(t, path)
		if !info.Interlaced || len(got) != 20 || info.Frames != 20 || info.Rate != 25 || !slices.ContainsFunc(info.Remarks(), func(s string) bool { return strings.Contains(s, "interlaced") }) {
			t.Errorf("%s: %d frames, %+v", name, len(got), info)
		}
		for i, f := range got {
			if d, c := difference(f, truth[2*i]), combing(f); d > 6 || c > 4 {
				t.Errorf("%s: frame %d is %.1f off, and its lines %.1f", name, i, d, c)
			}
		}
	}
}

// Pictures that are marked as whole stay what they are, bit by bit, in a film
// that has others before them; films that have no others do not meet the filter.
func TestWholePicturesAmongFields(t *testing.T) {
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"a.ts": {"-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ilme+ildct"},
		"b.ts": {"-c:v", "libx264", "-flags", "+ilme+ildct"},
	} {
		whole := film(t, filepath.Join(dir, "whole-"+name), "testsrc2=size=96x80:rate=25:duration=0.4", append([]string{"-pix_fmt", "yuv420p"}, args[:len(args)-2]...)...)
		if info := probe1(t, whole); info.Interlaced || info.view.fields != "" {
			t.Errorf("%s: %+v", whole, info)
		}
		fields := film(t, filepath.Join(dir, "fields-"+name), gratingOf("96x80"), append([]string{"-vf", "tinterlace=interleave_top"}, args...)...)
		path := joined(t, filepath.Join(dir, name), fields, whole)
		info := probe1(t, path)
		plain := info.view
		plain.fields = ""
		got, want := open(t, path), through(t, path, plain)
		// The decoder of mpeg2 may keep a picture where a stream ends.
		if !info.Interlaced || len(got) < 29 || len(want) != len(got) {
			t.Fatalf("%s: %d and %d frames, %+v", name, len(got), len(want), info)
		}
		for i := range got {
			if same := slices.Equal(got[i].Pix, want[i].Pix); same != (i >= len(got)-10) {
				t.Errorf("%s: frame %d is as stored: %v", name, i, same)
			}
		}
	}
}

// Fields come before everything else that is done to pictures: turning, pixels
// that are not square, other sizes in the middle; and one picture is one frame.
func TestInterlacedAndMore(t *testing.T) {
	dir := t.TempDir()
	fields := []string{"-c:v", "mpeg2video", "-q:v", "1", "-flags", "+ilme+ildct"}
	woven := func(name, size, then string, more ...string) string {
		args := append([]string{"-vf", "tinterlace=interleave_top" + then}, append(fields, more...)...)
		return film(t, filepath.Join(dir, name), gratingOf(size), args...)
	}
	wide := woven("wide.mov", "96x80", ",setsar=4/3")
	lain := filepath.Join(dir, "lain.mov")
	lay(t, wide, lain)
	for path, size := range map[string][2]int{wide: {128, 80}, lain: {80, 128}} {
		for i, f := range open(t, path) {
			c := combing(f)
			if path == lain {
				c = combing(f.turned(6))
			}
			if f.W != size[0] || f.H != size[1] || c > 4 {
				t.Errorf("%s: frame %d is %dx%d, its lines %.1f", path, i, f.W, f.H, c)
			}
		}
	}
	if n := len(open(t, woven("one.mov", "96x80", "", "-frames:v", "1"))); n != 1 {
		t.Errorf("of one picture come %d frames", n)
	}
	// Television changes its width in the middle.
	path := joined(t, filepath.Join(dir, "both.ts"), woven("a.ts", "96x80", ""), woven("b.ts", "64x80", ""))
	frames := open(t, path)
	if len(frames) < 38 {
		t.Errorf("%d frames", len(frames))
	}
	for i, f := range frames {
		if c := combing(f); f.W != 96 || c > 8 {
			t.Errorf("frame %d is %dx%d, its lines %.1f", i, f.W, f.H, c)
		}
	}
}
