package picture

import (
	"math"
	"strings"
	"testing"
)

// TestColormapsGiveEveryKeypointItsOwnColour compares all pairs.
func TestColormapsGiveEveryKeypointItsOwnColour(t *testing.T) {
	for _, name := range Colormaps() {
		c, err := ParseColormap(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{2, 5, 10} {
			for i := 0; i < n; i++ {
				for j := 0; j < i; j++ {
					a, b := c.Of(i, n), c.Of(j, n)
					d := math.Abs(float64(a.R)-float64(b.R)) + math.Abs(float64(a.G)-float64(b.G)) + math.Abs(float64(a.B)-float64(b.B))
					if d < 40 {
						t.Errorf("%s: colours %d and %d of %d are %v and %v", name, i, j, n, a, b)
					}
				}
			}
		}
		for _, end := range [][2]float64{{-3, 0}, {7, 1}, {math.NaN(), 0}, {math.Inf(1), 1}} {
			if c.At(end[0]) != c.At(end[1]) {
				t.Errorf("%s: %v is not drawn as %v", name, end[0], end[1])
			}
		}
	}
	if (Colormap{}).Of(3, 7) != (Colormap{"gist_rainbow"}).Of(3, 7) {
		t.Error("the zero value is not the reference's map")
	}
}

func TestParseColormapNamesTheKnown(t *testing.T) {
	_, err := ParseColormap("jett")
	if err == nil {
		t.Fatal("an unknown map is taken")
	}
	for _, want := range append(Colormaps(), "jett") {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
