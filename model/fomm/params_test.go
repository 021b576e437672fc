package fomm

import (
	"fmt"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
)

// params256 are the networks of the published configurations at 256x256.
func params256() Params {
	return Params{
		Common: CommonParams{NumKP: 10, NumChannels: 3, EstimateJacobian: true},
		KPDetector: KPDetectorParams{
			HourglassParams: HourglassParams{BlockExpansion: 32, MaxFeatures: 1024, NumBlocks: 5, ScaleFactor: 0.25},
			Temperature:     0.1,
		},
		Generator: GeneratorParams{
			BlockExpansion: 64, MaxFeatures: 512, NumDownBlocks: 2, NumBottleneckBlocks: 6, EstimateOcclusionMap: true,
			DenseMotion: HourglassParams{BlockExpansion: 64, MaxFeatures: 1024, NumBlocks: 5, ScaleFactor: 0.25},
		},
		Discriminator: DiscriminatorParams{
			Scales: []float64{1}, BlockExpansion: 32, MaxFeatures: 512, NumBlocks: 4,
			KPVariance: 0.01, EncHead: PatchHead, DecoderScale: 1,
		},
		AlignCorners: true,
	}
}

// count adds up the sizes of variables whose name begins with prefix.
func count(vars []*graph.Variable, prefix string) int {
	n := 0
	for _, v := range vars {
		if strings.HasPrefix(v.Name, prefix) {
			n += v.Size()
		}
	}
	return n
}

// TestParameterCounts compares with the counts that running PyTorch gave.
func TestParameterCounts(t *testing.T) {
	s := graph.New(tensorflow.Float)
	p := params256()
	NewAnimator(s, p)
	model.NewVGG19(s.Sub("vgg"), 1)
	withKP, withSN := p, p
	withKP.Discriminator.UseKP, withSN.Discriminator.SN = true, true
	for scope, c := range map[string]struct {
		variant model.Variant
		params  Params
	}{
		"fomm": {model.FOMMAdv, p}, "fomm_kp": {model.FOMMAdv, withKP}, "fomm_sn": {model.FOMMAdv, withSN},
		"unet": {model.PriorityCut, p}, "unet_kp": {model.UNet, withKP}, "unet_sn": {model.CutMix, withSN},
	} {
		NewDiscriminator(s.Sub(scope), kindOf(c.variant), c.params)
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	weights, state, frozen := s.Variables(graph.Trainable), s.Variables(graph.State), s.Variables(graph.Frozen)
	for _, c := range []struct {
		prefix string
		vars   []*graph.Variable
		want   int
	}{
		{"kp_detector.", weights, 14215368},
		{"generator.dense_motion_network.", weights, 37730268},
		{"generator.", weights, 45575391},
		{"fomm.", weights, 2758849},
		{"fomm_kp.", weights, 2769089},
		{"fomm_sn.", weights, 2758849},
		{"unet.", weights, 5082690},
		{"unet_kp.", weights, 5092930},
		{"unet_sn.", weights, 5082690},
		{"vgg.", frozen, 12944960},
		// Buffers less the anti-alias kernel [3, 1, 13, 13] and the counts of
		// batches, which are no variables here.
		{"kp_detector.", state, 6469 - 507 - 10},
		{"generator.", state, 17814 - 507 - 10 - 17},
		{"fomm_sn.", state, 8689},
		{"unet_sn.", state, 21298},
		{"fomm.", state, 0},
	} {
		if got := count(c.vars, c.prefix); got != c.want {
			t.Errorf("%s* has %d values, want %d", c.prefix, got, c.want)
		}
	}
}

// TestNames compares a few names and shapes with the reference's state dicts.
func TestNames(t *testing.T) {
	s := graph.New(tensorflow.Float)
	p := params256()
	p.Discriminator.Scales = []float64{1, 0.5}
	p.Discriminator.SN = true
	NewAnimator(s, p)
	NewDiscriminator(s, kindOf(model.FOMMAdv), p)
	NewUNetDiscriminator(s.Sub("unet"), p.Discriminator, p.Common)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	for name, dims := range map[string]string{
		"kp_detector.kp.weight":                                                         "[7 7 35 10]",
		"kp_detector.jacobian.bias":                                                     "[40]",
		"kp_detector.predictor.encoder.down_blocks.0.conv.weight":                       "[3 3 3 64]",
		"generator.first.norm.running_mean":                                             "[64]",
		"generator.down_blocks.1.conv.weight":                                           "[3 3 128 256]",
		"generator.bottleneck.r5.conv2.weight":                                          "[3 3 256 256]",
		"generator.bottleneck.r0.norm1.weight":                                          "[256]",
		"generator.up_blocks.0.conv.weight":                                             "[3 3 256 128]",
		"generator.final.weight":                                                        "[7 7 64 3]",
		"generator.dense_motion_network.mask.weight":                                    "[7 7 108 11]",
		"generator.dense_motion_network.occlusion.weight":                               "[7 7 108 1]",
		"discriminator.discs.1.down_blocks.0.conv.weight_orig":                          "[4 4 3 64]",
		"discriminator.discs.0-5.down_blocks.3.norm.bias":                               "[512]",
		"discriminator.discs.0-5.conv.weight_v":                                         "[512]",
		"unet.down_blocks.3.conv.weight_u":                                              "[512]",
		"unet.up_blocks.0.conv.weight_orig":                                             "[3 3 768 256]",
		"unet.up_blocks.2.norm.weight":                                                  "[64]",
		"unet.conv.bias":                                                                "[1]",
		"unet.conv_dec.weight_orig":                                                     "[1 1 64 1]",
		"generator.dense_motion_network.hourglass.decoder.up_blocks.4.norm.running_var": "[64]",
	} {
		if v := s.VariableNamed(name); v == nil {
			t.Errorf("there is no %s", name)
		} else if got := fmt.Sprint(v.Dims); got != dims {
			t.Errorf("%s is %s, want %s", name, got, dims)
		}
	}
	if s.VariableNamed("discriminator.discs.1.down_blocks.0.norm.weight") != nil {
		t.Error("the first block of a discriminator has a norm")
	}
}

// TestFirstJacobians: the head of the Jacobians starts as the identity.
func TestFirstJacobians(t *testing.T) {
	s := graph.New(tensorflow.Float)
	NewKPDetector(s.Sub("kp_detector"), goldenParams(true).KPDetector, goldenParams(true).Common)
	for i, v := range s.VariableNamed("kp_detector.jacobian.weight").Initial(1) {
		if v != 0 {
			t.Fatalf("weight %d starts as %v, want 0", i, v)
		}
	}
	for i, v := range s.VariableNamed("kp_detector.jacobian.bias").Initial(1) {
		if want := []float64{1, 0, 0, 1}[i%4]; v != want {
			t.Errorf("bias %d starts as %v, want %v", i, v, want)
		}
	}
}
