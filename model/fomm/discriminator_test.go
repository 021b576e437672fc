package fomm

import (
	"fmt"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// TestUNetShapes are the sizes of the U-Net discriminator at 256x256.
func TestUNetShapes(t *testing.T) {
	for _, c := range []struct {
		name          string
		change        func(p *DiscriminatorParams)
		decoded, head string
		size          int
	}{
		{"recommended", func(*DiscriminatorParams) {}, "[-1 64 64 256] [-1 128 128 128] [-1 256 256 64]", "[-1 32 32 1]", 5082690},
		{"half the decoder", func(p *DiscriminatorParams) { p.DecoderScale = 0.5 },
			"[-1 64 64 128] [-1 128 128 64] [-1 256 256 32]", "[-1 32 32 1]", 2758849 + 885120 + 147648 + 36960 + 33},
		{"global", func(p *DiscriminatorParams) { p.EncHead = GlobalHead },
			"[-1 64 64 256] [-1 128 128 128] [-1 256 256 64]", "[-1 1]", 5082690},
		{"keypoints", func(p *DiscriminatorParams) { p.UseKP = true },
			"[-1 64 64 256] [-1 128 128 128] [-1 256 256 64]", "[-1 32 32 1]", 5092930},
	} {
		s := graph.New(tensorflow.Float)
		p := params256()
		c.change(&p.Discriminator)
		d := NewDiscriminator(s, kindOf(model.PriorityCut), p)
		kp := Keypoints{Value: s.Placeholder("kp", tensorflow.Float, -1, 10, 2)}
		x := s.Placeholder("x", tensorflow.Float, -1, 256, 256, 3)
		j := d.Judge(s.At("judge"), model.NewPyramid(s, x), kp)
		if err := s.Err(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		shapes := func(list []tensorflow.Output) string {
			var all []string
			for _, o := range list {
				all = append(all, fmt.Sprint(s.Shape(o)))
			}
			return strings.Join(all, " ")
		}
		if got, want := shapes(j.Features[0]), "[-1 128 128 64] [-1 64 64 128] [-1 32 32 256] [-1 32 32 512]"; got != want {
			t.Errorf("%s: encoder is %s, want %s", c.name, got, want)
		}
		if got := shapes(j.Decoded); got != c.decoded {
			t.Errorf("%s: decoder is %s, want %s", c.name, got, c.decoded)
		}
		if got := shapes(j.Scores); got != c.head {
			t.Errorf("%s: scores are %s, want %s", c.name, got, c.head)
		}
		if got := shapes([]tensorflow.Output{j.Pixels}); got != "[-1 256 256 1]" {
			t.Errorf("%s: scores of pixels are %s", c.name, got)
		}
		if got := count(s.Variables(graph.Trainable), "discriminator."); got != c.size {
			t.Errorf("%s: %d parameters, want %d", c.name, got, c.size)
		}
	}
}

// TestGlobalHead re-computes a picture's score: ReLU, sum over pixels, linear.
func TestGlobalHead(t *testing.T) {
	s := graph.New(tensorflow.Double)
	p := goldenDiscriminator(2)
	p.EncHead = GlobalHead
	d := NewUNetDiscriminator(s.Sub("unet"), p, goldenParams(true).Common)
	j := d.Judge(s.At("judge"), model.NewPyramid(s, noise(s, 1, 2, 8, 8, 3)), Keypoints{})
	last := j.Features[0][1]
	got := fetch(t, initialized(t, s), j.Scores[0], last, s.VariableNamed("unet.conv.weight").Value, s.VariableNamed("unet.conv.bias").Value)
	channels := len(got[2])
	want := []float64{got[3][0], got[3][0]}
	perPicture := len(got[1]) / 2
	for i, v := range got[1] {
		if v > 0 {
			want[i/perPicture] += v * got[2][i%channels]
		}
	}
	expect(t, "score", got[0], want, 1e-12)
}

// TestConditioned: a discriminator that is told the keypoints sees each as one
// more channel, and passes no gradient to them.
func TestConditioned(t *testing.T) {
	s := graph.New(tensorflow.Double)
	p := goldenDiscriminator(3)
	p.UseKP = true
	x := noise(s, 1, 2, 32, 32, 3)
	kp := Keypoints{Value: s.Placeholder("kp", tensorflow.Double, 2, 5, 2)}
	joined := p.condition(s, x, kp)
	drawn := Gaussians(s, kp.Value, 32, 32, 0.01) // [2, 5, 32, 32]
	values := make([]float64, 20)
	for i := range values {
		values[i] = float64(i%7)/4 - 0.7
	}
	feeds := map[tensorflow.Output]*tensorflow.Tensor{kp.Value: tftest.Tensor(t, tensorflow.Double, values, 2, 5, 2)}
	got := tftest.Run(t, tftest.NewSession(t, s), feeds, joined, x, drawn)
	want := make([]float64, 2*1024*8)
	for i := range want {
		n, pixel, c := i/8/1024, i/8%1024, i%8
		if c < 3 {
			want[i] = got[1][(n*1024+pixel)*3+c]
		} else {
			want[i] = got[2][(n*5+c-3)*1024+pixel]
		}
	}
	expect(t, "picture and keypoints", got[0], want, 0)
	grad := s.GradientsOf(s.Sum(joined), []tensorflow.Output{kp.Value})
	if s.Err() == nil && len(grad) == 1 && grad[0].Op != nil && grad[0].Index >= 0 {
		t.Error("a gradient flows from the discriminator to the keypoints")
	}
}

// TestSizesThatDoNotFit: errors say the size and what would fit.
func TestSizesThatDoNotFit(t *testing.T) {
	for what, c := range map[string]struct {
		build func(s *graph.Scope, p Params, x func(h, w int64) tensorflow.Output)
		want  []string
	}{
		"keypoint detector": {func(s *graph.Scope, p Params, x func(h, w int64) tensorflow.Output) {
			NewKPDetector(s.Sub("kp_detector"), p.KPDetector, p.Common).Detect(s, x(72, 64))
		}, []string{"18x16", "multiples of 8"}},
		"heads of the detector": {func(s *graph.Scope, p Params, x func(h, w int64) tensorflow.Output) {
			p.KPDetector.NumBlocks = 1
			NewKPDetector(s.Sub("kp_detector"), p.KPDetector, p.Common).Detect(s, x(24, 64))
		}, []string{"6x16", "7"}},
		"dense motion": {func(s *graph.Scope, p Params, x func(h, w int64) tensorflow.Output) {
			nets := NewAnimator(s, p)
			kp := Keypoints{Value: s.Placeholder("v", tensorflow.Float, 1, 5, 2), Jacobian: s.Placeholder("j", tensorflow.Float, 1, 5, 2, 2)}
			nets.Generator.Generate(s, x(40, 64), kp, kp)
		}, []string{"10x16", "hourglass"}},
		"U-Net discriminator": {func(s *graph.Scope, p Params, x func(h, w int64) tensorflow.Output) {
			p.Discriminator = goldenDiscriminator(4)
			NewDiscriminator(s, kindOf(model.UNet), p).Judge(s, model.NewPyramid(s, x(64, 60)), Keypoints{})
		}, []string{"64x60", "multiples of 8"}},
		"multi-scale discriminator": {func(s *graph.Scope, p Params, x func(h, w int64) tensorflow.Output) {
			p.Discriminator = goldenDiscriminator(4)
			NewDiscriminator(s, kindOf(model.FOMMAdv), p).Judge(s, model.NewPyramid(s, x(16, 16)), Keypoints{})
		}, []string{"down_blocks.2/conv", "smaller than a kernel of 4"}},
		"VGG-19": {func(s *graph.Scope, _ Params, x func(h, w int64) tensorflow.Output) {
			model.NewVGG19(s.Sub("vgg"), 16).Features(s, x(8, 64))
		}, []string{"1x8", "MaxPool"}},
		"keypoints of another number": {func(s *graph.Scope, p Params, x func(h, w int64) tensorflow.Output) {
			nets := NewAnimator(s, p)
			kp := Keypoints{Value: s.Placeholder("v", tensorflow.Float, 1, 4, 2)}
			nets.Generator.Generate(s, x(64, 64), kp, kp)
		}, []string{"dense_motion_network"}},
		"a kind that does not exist": {func(s *graph.Scope, p Params, _ func(h, w int64) tensorflow.Output) {
			NewDiscriminator(s, 7, p)
		}, []string{"kind 7"}},
	} {
		s := graph.New(tensorflow.Float)
		n := 0
		c.build(s, goldenParams(true), func(h, w int64) tensorflow.Output {
			n++
			return s.Placeholder(fmt.Sprint("x", n), tensorflow.Float, 1, h, w, 3)
		})
		err := s.Err()
		if err == nil {
			t.Errorf("%s: no error", what)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %q lacks %q", what, err, part)
			}
		}
	}
}

// TestNoDiscriminator: FOMM's recipe has none.
func TestNoDiscriminator(t *testing.T) {
	s := graph.New(tensorflow.Float)
	if d := NewDiscriminator(s, kindOf(model.FOMM), params256()); d != nil || len(s.Variables()) != 0 || s.Err() != nil {
		t.Errorf("FOMM has a discriminator %v with %d variables (%v)", d, len(s.Variables()), s.Err())
	}
}

// kindOf is the kind of discriminator that a variant is trained against.
func kindOf(v model.Variant) model.DiscriminatorKind {
	traits, _ := v.Traits()
	return traits.Discriminator
}
