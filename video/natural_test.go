package video

import (
	"slices"
	"strings"
	"testing"
)

func TestSortFrames(t *testing.T) {
	const long = "99999999999999999999999"
	for _, want := range []string{
		"1.png 2.png 10.png 11.png 100.png",
		"a1.jpg a2.jpg a10.jpg b1.jpg",
		"f1-2.png f1-10.png f2-1.png f10-1.png",
		"0000000.png 0000001.png 0000010.png",
		"01.png 1.png 02.png 2.png",
		"frame.png frame1.png frame2.png",
		"3.jpg 3.png 20.jpg",
		"8.png " + long + ".png 1" + long + ".png",
	} {
		names := strings.Fields(want)
		got := slices.Clone(names)
		slices.Reverse(got)
		SortFrames(got)
		if !slices.Equal(got, names) {
			t.Errorf("%v, want %v", got, names)
		}
	}
}

// The order is one: of any three names the first comes before the last.
func FuzzCompareFrames(f *testing.F) {
	f.Add("1", "01", "a1")
	f.Add("f2", "f10", "f1x")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if (CompareFrames(a, b) == 0) != (a == b) || CompareFrames(a, b) != -CompareFrames(b, a) {
			t.Errorf("%q and %q: %d and %d", a, b, CompareFrames(a, b), CompareFrames(b, a))
		}
		if CompareFrames(a, b) < 0 && CompareFrames(b, c) < 0 && CompareFrames(a, c) >= 0 {
			t.Errorf("%q, %q, %q", a, b, c)
		}
	})
}
