package figure

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/dataset/named"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
)

var ctx = context.Background()

// gathered is what a figure is drawn of.
func gathered(t *testing.T, o Options) ([]subject, []pair) {
	t.Helper()
	o.Device = "cpu"
	o, p, err := o.resolve()
	if err != nil {
		t.Fatal(err)
	}
	subjects, pairs, err := gather(ctx, o, p)
	if err != nil {
		t.Fatal(err)
	}
	return subjects, pairs
}

// drawn is the grid of a figure, which can be drawn.
func drawn(t *testing.T, o Options) *picture.Grid {
	t.Helper()
	o.Device = "cpu"
	g, err := Draw(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Draw(); err != nil {
		t.Fatal(err)
	}
	return g
}

func captions(g *picture.Grid) []string {
	var list []string
	for _, c := range g.Columns {
		list = append(list, c.Caption)
	}
	return list
}

// same reports whether a cell shows exactly a picture.
func same(cell image.Image, want *image.RGBA) bool {
	got, ok := cell.(*image.RGBA)
	return ok && got.Rect.Size() == want.Rect.Size() && slices.Equal(got.Pix, want.Pix)
}

// TestMasks: exactly the share of the foreground is cut, at its most occluded
// pixels, and the mixed picture is that of Eq. 2.
func TestMasks(t *testing.T) {
	for _, shape := range []string{"frame_shape=[32,32,3]", "frame_shape=[32,64,3]"} {
		path := saved(t, resolve(t, model.PriorityCut, shape), 3, nil)
		o := Options{Number: 2, Checkpoints: []string{path}, NumVideos: 3, Percent: []float64{0, 10, 30, 50, 100}}
		subjects, pairs := gathered(t, o)
		cut := subjects[0].cfg.PriorityCut
		if cut.BGThreshold != 0.25 {
			t.Fatalf("threshold %v", cut.BGThreshold)
		}
		for i, p := range pairs {
			for j, percent := range []int{0, 10, 30, 50, 100} {
				s := subjects[0].shots[i][j]
				name := fmt.Sprintf("%s %s, %d %%", shape, p.label(), percent)
				checkMask(t, name, s, cut.BGThreshold, percent)
				for k, m := range s.mixed {
					c := s.mask[k/3]
					want := c*float32(p.driving.Pix[k])/255 + (1-c)*s.prediction[k]
					if math.Abs(float64(m-want)) > 1e-6 {
						t.Fatalf("%s: value %d of the mixed picture is %v, want %v", name, k, m, want)
					}
				}
			}
		}
	}
}

func checkMask(t *testing.T, name string, s shot, tau float64, percent int) {
	t.Helper()
	var cut, kept []float64 // occlusion of foreground pixels
	for k, m := range s.mask {
		switch {
		case m != 0 && m != 1:
			t.Fatalf("%s: the mask has %v", name, m)
		case float64(s.background[k]) > tau:
			if m != 1 {
				t.Fatalf("%s: pixel %d of the background is cut", name, k)
			}
		case m == 0:
			cut = append(cut, float64(s.occlusion[k]))
		default:
			kept = append(kept, float64(s.occlusion[k]))
		}
	}
	foreground := len(cut) + len(kept)
	if foreground < len(s.mask)/10 || foreground > len(s.mask)*9/10 {
		t.Fatalf("%s: %d of %d pixels are foreground: the case shows nothing", name, foreground, len(s.mask))
	}
	if want := foreground * percent / 100; len(cut) != want {
		t.Errorf("%s: %d of %d foreground pixels are cut, want %d", name, len(cut), foreground, want)
	}
	sort.Float64s(cut)
	sort.Float64s(kept)
	if len(cut) > 0 && len(kept) > 0 && cut[len(cut)-1] > kept[0] {
		t.Errorf("%s: a pixel of occlusion %v is cut, one of %v is not", name, cut[len(cut)-1], kept[0])
	}
}

// TestFraction: no share loses a pixel to rounding.
func TestFraction(t *testing.T) {
	for _, percent := range []int{0, 1, 7, 10, 30, 33, 50, 70, 90, 99, 100} {
		k := float64(fraction(float64(percent)))
		for n := 0; n <= 70000; n++ {
			if got, want := int(math.Floor(k*float64(n))), n*percent/100; got != want {
				t.Fatalf("%d %% of %d are %d, want %d", percent, n, got, want)
			}
		}
	}
}

// TestCutFigures looks at the cells of Figures 1 and 2.
func TestCutFigures(t *testing.T) {
	path := saved(t, resolve(t, model.PriorityCut), 3, nil)
	o := Options{Number: 1, Checkpoints: []string{path}}
	g := drawn(t, o)
	want := []string{"source", "driving", "generated", "occlusion map", "PriorityCut mask", "CutMix image"}
	if d := cmp.Diff(want, captions(g)); d != "" {
		t.Error(d)
	}
	// The drawn set has 16 test videos of 24 frames.
	rows := []string{"test-0000 frame 4", "test-0004 frame 9", "test-0008 frame 14", "test-0012 frame 19"}
	if d := cmp.Diff(rows, g.RowLabels); d != "" {
		t.Error(d)
	}
	subjects, pairs := gathered(t, o)
	b := builder{h: 32, w: 32}
	for i, p := range pairs {
		s := subjects[0].shots[i][0]
		for c, want := range []*image.RGBA{
			b.frame(p.source), b.frame(p.driving), b.picture(s.prediction), b.heat(s.occlusion, grey), b.heat(s.mask, grey), b.picture(s.mixed),
		} {
			if !same(g.Columns[c].Cells[i], want) {
				t.Errorf("row %d, column %d shows something else", i, c)
			}
		}
	}

	g = drawn(t, Options{Number: 2, Checkpoints: []string{path}, Videos: []string{"test-0003"}, Frames: []int{5}})
	want = slices.Insert(want, 4, "background mask (alpha > 0.25)")
	if d := cmp.Diff(want, captions(g)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"k = 10 %", "k = 30 %", "k = 50 %"}, g.RowLabels); d != "" {
		t.Error(d)
	}
	if want := "Figure 2: the most occluded k % of the foreground are cut (prioritycut, step 7), test-0003 frame 5"; g.Title != want {
		t.Errorf("title %q", g.Title)
	}
}

// TestPrediction: what figures show is what the protocol computes.
func TestPrediction(t *testing.T) {
	path := saved(t, resolve(t, model.UNet), 5, nil)
	subjects, pairs := gathered(t, Options{Number: 4, Checkpoints: []string{path}, Videos: []string{"test-0002", "test-0009"}, Frames: []int{3, 20}})
	m, err := infer.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	s := graph.New(tensorflow.Float)
	r, err := evaluate.NewReconstructor(s, fomm.NewAnimator(s, m.Config.Model), 32, 32)
	if err != nil {
		t.Fatal(err)
	}
	session := session(t, s, m)
	data, err := named.Open(ctx, m.Config.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, v := range []int{2, 9} {
		err := r.Video(ctx, session, data.Test()[v], []int{3, 20}, func(one evaluate.Reconstruction) error {
			if p := pairs[at]; p.index != one.Index || p.name != data.Test()[v].Name() {
				t.Errorf("pair %d is %s", at, p.label())
			}
			for k, x := range subjects[0].shots[at][0].prediction {
				if math.Abs(float64(x-one.Prediction[k])) > 1e-5 {
					t.Fatalf("%s: value %d is %v, the protocol has %v", pairs[at].label(), k, x, one.Prediction[k])
				}
			}
			at++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if at != len(pairs) {
		t.Errorf("%d pairs, want %d", len(pairs), at)
	}
}

func session(t *testing.T, s *graph.Scope, m *infer.Model) *tf.Session {
	t.Helper()
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	if err := m.Assign(session, s); err != nil {
		t.Fatal(err)
	}
	return session
}

// TestFeedback judges the shown reconstructions in another graph, with keypoints
// found anew.
func TestFeedback(t *testing.T) {
	paths := []string{saved(t, resolve(t, model.CutMix, "discriminator_params.sn=true"), 1, nil), saved(t, resolve(t, model.PriorityCut), 2, nil)}
	o := Options{Number: 3, Checkpoints: paths, NumVideos: 2}
	g := drawn(t, o)
	want := []string{"source", "driving", "cutmix", "cutmix: feedback", "prioritycut", "prioritycut: feedback"}
	if d := cmp.Diff(want, captions(g)); d != "" {
		t.Error(d)
	}
	subjects, pairs := gathered(t, o)
	scale := g.Legends[0].Scale
	if len(g.Legends) != 1 || math.Abs(scale.Low+scale.High-1) > 1e-12 {
		t.Errorf("legends %+v", g.Legends)
	}
	beyond, all := 0, 0
	for i, path := range paths {
		m, err := infer.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		s := graph.New(tensorflow.Float)
		a := fomm.NewAnimator(s, m.Config.Model)
		critic := fomm.NewDiscriminator(s, model.PixelDiscriminator, m.Config.Model)
		off := s.WithTraining(false)
		shown, driving := off.Placeholder("shown", tensorflow.Float, 1, 32, 32, 3), off.Placeholder("driving", tensorflow.Float, 1, 32, 32, 3)
		j := critic.Judge(off.At("judge"), model.NewPyramid(off, shown), a.KPDetector.Detect(off.At("kp"), driving).Keypoints)
		session := session(t, s, m)
		for k, p := range pairs {
			frame := make([]float32, len(p.driving.Pix))
			for at, b := range p.driving.Pix {
				frame[at] = float32(b) / 255
			}
			feeds := map[tensorflow.Output]*tensorflow.Tensor{}
			for to, v := range map[tensorflow.Output][]float32{shown: subjects[i].shots[k][0].prediction, driving: frame} {
				if feeds[to], err = tf.NewTensor(v, 1, 32, 32, 3); err != nil {
					t.Fatal(err)
				}
			}
			out, err := session.Run(feeds, []tensorflow.Output{j.Pixels}, nil)
			if err != nil {
				t.Fatal(err)
			}
			scores, err := tf.Values[float32](out[0])
			if err != nil {
				t.Fatal(err)
			}
			got := subjects[i].shots[k][0].pixels
			for at, v := range scores {
				if all++; float64(v) < scale.Low || float64(v) > scale.High {
					beyond++
				}
				if math.Abs(float64(v-got[at])) > 1e-4 {
					t.Fatalf("%s, %s: the score of pixel %d is %v, want %v", subjects[i].label, p.label(), at, got[at], v)
				}
			}
			b := builder{h: 32, w: 32}
			if !same(g.Columns[3+2*i].Cells[k], b.heat(got, scale)) {
				t.Errorf("%s, %s: the feedback is not what is drawn", subjects[i].label, p.label())
			}
		}
	}
	if float64(beyond) > 0.006*float64(all) {
		t.Errorf("%d of %d scores are beyond the scale %v", beyond, all, scale)
	}
}

// TestBox: what is in the box is enlarged below the whole.
func TestBox(t *testing.T) {
	paths := []string{saved(t, resolve(t, model.FOMM), 1, nil), saved(t, resolve(t, model.FOMM), 2, nil)}
	box := image.Rect(4, 6, 20, 14)
	g := drawn(t, Options{Number: 4, Checkpoints: paths, Labels: []string{"one", "one"}, NumVideos: 2, Box: box})
	if d := cmp.Diff([]string{"source", "driving", "one", "one"}, captions(g)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"test-0000 frame 8", "the box", "test-0008 frame 16", "the box"}, g.RowLabels); d != "" {
		t.Error(d)
	}
	plain := drawn(t, Options{Number: 4, Checkpoints: paths, NumVideos: 2})
	for c, column := range g.Columns {
		for i := 0; i < 2; i++ {
			whole := plain.Columns[c].Cells[i].(*image.RGBA)
			framed, part := column.Cells[2*i].(*image.RGBA), column.Cells[2*i+1].(*image.RGBA)
			// 32 pixels are enlarged 8 times, the box's 16 columns twice that.
			if framed.Rect.Dx() != 256 || framed.RGBAAt(4*8, 6*8) != boxColour || framed.RGBAAt(20*8-1, 14*8-1) != boxColour {
				t.Fatalf("column %d: no box in a picture of %v", c, framed.Rect)
			}
			if part.Rect != image.Rect(0, 0, 256, 128) {
				t.Fatalf("column %d: the box is shown at %v", c, part.Rect)
			}
			for y := 0; y < 128; y++ {
				for x := 0; x < 256; x++ {
					if part.RGBAAt(x, y) != whole.RGBAAt(4+x/16, 6+y/16) {
						t.Fatalf("column %d: pixel (%d,%d) of the box is wrong", c, x, y)
					}
				}
			}
		}
	}
}

// TestDifferences: all maps have the colours of one scale, which spans them.
func TestDifferences(t *testing.T) {
	paths := []string{saved(t, resolve(t, model.FOMM), 1, nil), saved(t, resolve(t, model.FOMMAdv), 2, nil), saved(t, resolve(t, model.FOMM), 3, nil)}
	o := Options{Number: 5, Checkpoints: paths, NumVideos: 2}
	g := drawn(t, o)
	if d := cmp.Diff([]string{"test-0000 frame 8", "test-0008 frame 16"}, captions(g)); d != "" {
		t.Error(d)
	}
	if len(g.Legends) != 1 {
		t.Fatalf("%d legends, want one", len(g.Legends))
	}
	subjects, pairs := gathered(t, o)
	scale := g.Legends[0].Scale
	beyond, all, top := 0, 0, 0.0
	for i, s := range subjects {
		sum := 0.0
		for j, p := range pairs {
			cell := g.Columns[j].Cells[2+2*i].(*image.RGBA)
			for k := 0; k < 32*32; k++ {
				d := 0.0
				for c := 0; c < 3; c++ {
					d += math.Abs(float64(p.driving.Pix[3*k+c])/255-float64(s.shots[j][0].prediction[3*k+c])) / 3
				}
				sum += d / (32 * 32 * 2)
				all++
				top = max(top, d)
				if d > scale.High {
					beyond++
				}
				if got, want := cell.RGBAAt(k%32, k/32), scale.Colour(float64(float32(d))); got != want {
					t.Fatalf("%s, %s: pixel %d has colour %v, want %v", s.label, p.label(), k, got, want)
				}
			}
		}
		if want := fmt.Sprintf("difference, mean %.4f", sum); g.RowLabels[2+2*i] != want {
			t.Errorf("row %q, want %q", g.RowLabels[2+2*i], want)
		}
	}
	if scale.Low != 0 || float64(beyond) > 0.006*float64(all) || scale.High > top+0.05 {
		t.Errorf("scale %v, beyond it %d of %d values, the largest %v", scale, beyond, all, top)
	}
	// The runs' folders are called alike, so they are numbered.
	if got := []string{g.RowLabels[1], g.RowLabels[3], g.RowLabels[5]}; !slices.Equal(got, []string{"fomm (1)", "fomm-adv", "fomm (2)"}) {
		t.Errorf("rows are called %q", got)
	}
}

func TestMost(t *testing.T) {
	values := make([]float32, 1000)
	for i := range values {
		values[i] = 0.21
	}
	values[7] = 0.9
	if v := most(values); math.Abs(v-0.25) > 1e-12 {
		t.Errorf("one hot pixel gives %v", v)
	}
	if v := most(make([]float32, 5)); v != 0.05 {
		t.Errorf("equal pictures give %v", v)
	}
	if v := most(nil); v != 0.05 {
		t.Errorf("nothing gives %v", v)
	}
}
