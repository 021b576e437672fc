package picture

import (
	"fmt"
	"image/color"
	"math"
	"sort"
	"strings"
)

// Colormap gives keypoints their colours. The zero value is gist_rainbow.
type Colormap struct{ name string }

// defaultColormap is the reference's.
const defaultColormap = "gist_rainbow"

// colormaps are the known ones under Matplotlib's names: red, green and blue in
// [0, 1] of a place in [0, 1].
var colormaps = map[string]func(t float64) [3]float64{
	"cool": func(t float64) [3]float64 { return [3]float64{t, 1 - t, 1} },
	"gist_rainbow": func(t float64) [3]float64 {
		return [3]float64{
			between(t, knot{0, 1}, knot{0.215, 1}, knot{0.4, 0}, knot{0.77, 0}, knot{0.954, 1}),
			between(t, knot{0.03, 0}, knot{0.215, 1}, knot{0.586, 1}, knot{0.77, 0}),
			between(t, knot{0, 0.16}, knot{0.03, 0}, knot{0.4, 0}, knot{0.586, 1}, knot{0.954, 1}, knot{1, 0.75}),
		}
	},
	"jet": func(t float64) [3]float64 {
		return [3]float64{
			between(t, knot{0.35, 0}, knot{0.66, 1}, knot{0.89, 1}, knot{1, 0.5}),
			between(t, knot{0.125, 0}, knot{0.375, 1}, knot{0.64, 1}, knot{0.91, 0}),
			between(t, knot{0, 0.5}, knot{0.11, 1}, knot{0.34, 1}, knot{0.65, 0}),
		}
	},
	"rainbow": func(t float64) [3]float64 {
		return [3]float64{math.Abs(2*t - 0.5), math.Sin(math.Pi * t), math.Cos(math.Pi * t / 2)}
	},
}

// knot is a place at which a channel has a value.
type knot struct{ at, value float64 }

// between interpolates linearly; beyond its ends a channel stays as it is there.
func between(t float64, knots ...knot) float64 {
	for i, k := range knots {
		if t > k.at {
			continue
		}
		if i == 0 {
			return k.value
		}
		before := knots[i-1]
		return before.value + (k.value-before.value)*(t-before.at)/(k.at-before.at)
	}
	return knots[len(knots)-1].value
}

// Colormaps lists the names that ParseColormap knows.
func Colormaps() []string {
	var names []string
	for name := range colormaps {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// ParseColormap finds a colour map by its Matplotlib name.
func ParseColormap(name string) (Colormap, error) {
	if colormaps[name] == nil {
		return Colormap{}, fmt.Errorf("no colour map %q: there are %s", name, strings.Join(Colormaps(), ", "))
	}
	return Colormap{name: name}, nil
}

// At gives the colour of a place in [0, 1]; places beyond get that of the end.
func (c Colormap) At(t float64) color.RGBA {
	name := c.name
	if name == "" {
		name = defaultColormap
	}
	if !(t > 0) {
		t = 0 // also what is not a number
	}
	rgb := colormaps[name](min(t, 1))
	return color.RGBA{level(rgb[0]), level(rgb[1]), level(rgb[2]), 255}
}

// Of gives colour i of n, that of i/n as in the reference: maps that come back
// to their first colour give every keypoint one of its own.
func (c Colormap) Of(i, n int) color.RGBA { return c.At(float64(i) / float64(max(n, 1))) }
