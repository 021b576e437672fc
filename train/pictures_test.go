package train

import (
	"image"
	"math"
	"path/filepath"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
)

// TestVisualizerParamsAct draws the same step in two styles and looks for what
// each key changes.
func TestVisualizerParamsAct(t *testing.T) {
	drawn := func(sets ...string) (training, unseen image.Image) {
		dir := t.TempDir()
		complete(t, dir, tiny(t, model.FOMM, append([]string{"steps=1"}, sets...)...))
		at := rundir.Dir(dir).Pictures()
		return readPicture(t, filepath.Join(at, "train-00000001.png")), readPicture(t, filepath.Join(at, "unseen-00000001.png"))
	}
	plain, plainUnseen := drawn("kp_size=1")
	other, otherUnseen := drawn("kp_size=4", "draw_border=false", "colormap=jet")
	jet, err := picture.ParseColormap("jet")
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]image.Image{{plain, other}, {plainUnseen, otherUnseen}} {
		if a, b := pair[0].Bounds().Dx(), pair[1].Bounds().Dx(); a <= b {
			t.Errorf("grids are %d pixels wide with borders and %d without", a, b)
		}
		// Discs, and in the training grid also frames of the same colours.
		small, large := count(pair[0], picture.Colormap{}, 3), count(pair[1], jet, 3)
		if small < 10 || large < small+1000 {
			t.Errorf("discs of radius 1 have %d pixels, of radius 4 %d", small, large)
		}
		if n := count(pair[0], jet, 3); n > small/4 {
			t.Errorf("%d pixels have colours of another map", n)
		}
	}
}

// count counts the pixels in the colours of n keypoints.
func count(m image.Image, c picture.Colormap, n int) int {
	total := 0
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			r, g, b, _ := m.At(x, y).RGBA()
			for i := 0; i < n; i++ {
				if w := c.Of(i, n); uint8(r>>8) == w.R && uint8(g>>8) == w.G && uint8(b>>8) == w.B {
					total++
				}
			}
		}
	}
	return total
}

// A discriminator that tells little apart shows what it tells.
func TestScoreScale(t *testing.T) {
	outliers := make([]float32, 198) // and four far from them
	for i := range outliers {
		outliers[i] = 1 + float32(i)/197
	}
	a, b := tensorflow.Output{Index: 1}, tensorflow.Output{Index: 2}
	for name, c := range map[string]struct {
		values    map[tensorflow.Output][]float32
		low, high float64
	}{
		"narrow": {map[tensorflow.Output][]float32{a: {0.5, 0.625}, b: {0.25}}, 0.25, 0.625},
		"even":   {map[tensorflow.Output][]float32{a: {0.5}, b: {0.5}}, 0, 1},
		"none":   {nil, 0, 1},
		"far":    {map[tensorflow.Output][]float32{a: outliers, b: {7, 8, -9, -8}}, 1, 2},
		"broken": {map[tensorflow.Output][]float32{a: {float32(math.NaN()), 0.25, float32(math.Inf(1)), 0.5}}, 0.25, 0.5},
	} {
		got := (&canvas{values: c.values}).scoreScale(a, b)
		if got.Low != c.low || got.High != c.high {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
