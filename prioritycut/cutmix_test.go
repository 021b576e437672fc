package prioritycut

import (
	"math"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// area is the number of pixels of a box.
func (b Box) area() int { return (b.Y1 - b.Y0) * (b.X1 - b.X0) }

func TestDrawBoxStaysInThePicture(t *testing.T) {
	r := random.New(21)
	p := DefaultParams()
	for _, size := range [][2]int{{1, 1}, {1, 9}, {7, 2}, {64, 64}, {33, 50}} {
		h, w := size[0], size[1]
		for i := 0; i < 2000; i++ {
			b := DrawBox(r, h, w, p)
			if b.Y0 < 0 || b.Y0 > b.Y1 || b.Y1 > h || b.X0 < 0 || b.X0 > b.X1 || b.X1 > w {
				t.Fatalf("box %+v leaves a picture of %dx%d", b, h, w)
			}
		}
	}
}

// TestDrawBoxFollowsItsLaw integrates the law of the boxes over lambda and the
// centre and compares means: the sides' share, clipping, coverage and coin.
func TestDrawBoxFollowsItsLaw(t *testing.T) {
	const size, draws = 32, 40000
	var area, middle, corner, inverted float64
	r := random.New(22)
	for i := 0; i < draws; i++ {
		b := DrawBox(r, size, size, DefaultParams())
		area += float64(b.area()) / draws
		if b.Y0 <= 16 && 16 < b.Y1 && b.X0 <= 16 && 16 < b.X1 {
			middle += 1.0 / draws
		}
		if b.Y0 == 0 && b.X0 == 0 && b.area() > 0 {
			corner += 1.0 / draws
		}
		if b.Invert {
			inverted += 1.0 / draws
		}
	}
	var wantArea, wantMiddle, wantCorner float64
	const steps = 4000
	for i := 0; i < steps; i++ {
		length := int(math.Sqrt(1-(float64(i)+0.5)/steps) * size)
		var span, holds, touches float64
		for centre := 0; centre < size; centre++ {
			from, to := max(centre-length/2, 0), min(centre-length/2+length, size)
			span += float64(to-from) / size
			if from <= 16 && 16 < to {
				holds += 1.0 / size
			}
			if from == 0 && to > from {
				touches += 1.0 / size
			}
		}
		wantArea += span * span / steps
		wantMiddle += holds * holds / steps
		wantCorner += touches * touches / steps
	}
	for _, c := range []struct {
		what      string
		got, want float64
		tolerance float64
	}{
		{"mean area", area, wantArea, 5}, {"middle covered", middle, wantMiddle, 0.012},
		{"corner covered", corner, wantCorner, 0.012}, {"inverted", inverted, 0.5, 0.012},
	} {
		if math.Abs(c.got-c.want) > c.tolerance {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestInversionLeavesTheBoxes(t *testing.T) {
	with, without := DefaultParams(), DefaultParams()
	without.CutMixInvert = false
	a, b := DrawBoxes(random.New(23), 50, 20, 30, with), DrawBoxes(random.New(23), 50, 20, 30, without)
	coins := 0
	for i := 0; i < len(a); i += BoxFields {
		if !slices.Equal(a[i:i+4], b[i:i+4]) || b[i+4] != 0 {
			t.Fatalf("box %d is %v with inversion and %v without", i/BoxFields, a[i:i+5], b[i:i+5])
		}
		coins += int(a[i+4])
	}
	if coins == 0 || coins == 50 {
		t.Errorf("%d of 50 boxes are inverted", coins)
	}
}

func TestBoxMask(t *testing.T) {
	const h, w = 5, 7
	boxes := []Box{
		{Y0: 1, X0: 2, Y1: 3, X1: 6}, {Y0: 1, X0: 2, Y1: 3, X1: 6, Invert: true},
		{Y1: h, X1: w}, {Y1: h, X1: w, Invert: true}, {}, {Y0: 2, X0: 3, Y1: 2, X1: 7, Invert: true}, {Y0: 4, X0: 6, Y1: h, X1: w},
	}
	var encoded []int32
	for _, b := range boxes {
		encoded = b.appendTo(encoded)
	}
	for _, dtype := range []tensorflow.DataType{tensorflow.Float, tensorflow.Double} {
		s := graph.New(dtype)
		mask := BoxMask(s, s.Const(tftest.Of(t, encoded, int64(len(boxes)), BoxFields)), h, w)
		s.Want("mask", mask, len(boxes), h, w, 1)
		got := tftest.Evaluate(t, s, mask)[0]
		for n, b := range boxes {
			for y := 0; y < h; y++ {
				for x := 0; x < w; x++ {
					want := 1.0
					if inside := y >= b.Y0 && y < b.Y1 && x >= b.X0 && x < b.X1; inside != b.Invert {
						want = 0
					}
					if v := got[(n*h+y)*w+x]; v != want {
						t.Fatalf("box %+v: pixel %d, %d is %v, want %v", b, y, x, v, want)
					}
				}
			}
		}
	}
}

func TestBoxMaskRefuses(t *testing.T) {
	for part, build := range map[string]func(s *graph.Scope){
		"boxes is": func(s *graph.Scope) { BoxMask(s, s.Placeholder("b", tensorflow.Int32, 3, 4), 8, 8) },
		"int32":    func(s *graph.Scope) { BoxMask(s, s.Placeholder("b", tensorflow.Float, 3, 5), 8, 8) },
		"0x8":      func(s *graph.Scope) { BoxMask(s, s.Placeholder("b", tensorflow.Int32, 3, 5), 0, 8) },
	} {
		s := graph.New(tensorflow.Float)
		build(s)
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %q", err, part)
		}
	}
}

func TestParamsValidate(t *testing.T) {
	if err := DefaultParams().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for part, change := range map[string]func(p *Params){
		"bg_threshold": func(p *Params) { p.BGThreshold = 1.5 },
		"k_min is":     func(p *Params) { p.KMin = -0.1 },
		"k_max is":     func(p *Params) { p.KMax = math.NaN() },
		"above k_max":  func(p *Params) { p.KMin, p.KMax = 0.6, 0.5 },
		"k_of":         func(p *Params) { p.KOf = "all" },
		"polarity":     func(p *Params) { p.Polarity = "none" },
		"cutmix_pair":  func(p *Params) { p.CutMixPair = "third" },
	} {
		p := DefaultParams()
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %q", err, part)
		}
	}
}
