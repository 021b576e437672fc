package monkeynet

import (
	"math"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

func TestRefusedParams(t *testing.T) {
	base, _ := full("vox")
	if err := base.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Params){
		"common_params.num_kp":                                      func(p *Params) { p.Common.NumKP = 0 },
		"common_params.num_channels":                                func(p *Params) { p.Common.NumChannels = 1 },
		"common_params.kp_variance":                                 func(p *Params) { p.Common.KPVariance = "-1" },
		"kp_detector_params.temperature":                            func(p *Params) { p.KPDetector.Temperature = math.NaN() },
		"kp_detector_params.num_blocks":                             func(p *Params) { p.KPDetector.NumBlocks = 0 },
		"kp_detector_params.clip_variance":                          func(p *Params) { p.Common.KPVariance = SingleVariance },
		"kp_detector_params.scale_factor":                           func(p *Params) { p.KPDetector.ScaleFactor = 2 },
		"generator_params.interpolation_mode":                       func(p *Params) { p.Generator.InterpolationMode = "bicubic" },
		"generator_params.num_refinement_blocks":                    func(p *Params) { p.Generator.NumRefinementBlocks = -1 },
		"generator_params.kp_embedding_params.use_heatmap":          func(p *Params) { p.Generator.KPEmbedding.UseHeatmap = false },
		"generator_params.kp_embedding_params.heatmap_type":         func(p *Params) { p.Generator.KPEmbedding.HeatmapType = "flat" },
		"generator_params.dense_motion_params.use_mask":             func(p *Params) { p.Generator.DenseMotion.UseMask, p.Generator.DenseMotion.UseCorrection = false, false },
		"generator_params.dense_motion_params.mask_embedding_param": func(p *Params) { p.Generator.DenseMotion.MaskEmbedding = EmbeddingParams{} },
		"discriminator_params.kp_embedding_params.norm_const":       func(p *Params) { p.Discriminator.KPEmbedding.NormConst = "0" },
		"discriminator_params.max_features":                         func(p *Params) { p.Discriminator.MaxFeatures = 0 },
	} {
		p := base
		change(&p)
		if err := p.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("want an error about %s, got %v", want, err)
		}
	}
}

// TestStartsStill: before training every mask favours the background, and the
// picture hardly moves.
func TestStartsStill(t *testing.T) {
	p := loadConfig(t, "vox").Model
	s := graph.New(tensorflow.Float)
	a := NewAnimator(s, p)
	frames := s.Placeholder("frames", tensorflow.Float, 2, 64, 64, 3)
	one := s.Slice(frames, []int{0, 0, 0, 0}, []int{1, -1, -1, -1})
	two := s.Slice(frames, []int{1, 0, 0, 0}, []int{1, -1, -1, -1})
	kpSource, kpDriving := a.KPDetector.DetectBoth(s.At("kp"), one, two)
	out := a.Generator.Generate(s.At("generator"), one, kpSource.Keypoints, kpDriving.Keypoints)
	session := tftest.NewSession(t, s)
	if err := graph.Initialize(session, s.Variables(), 3); err != nil {
		t.Fatal(err)
	}
	pixels := make([]float64, 2*64*64*3)
	for i := range pixels {
		pixels[i] = float64(i%97) / 97
	}
	got := tftest.Run(t, session, map[tensorflow.Output]*tensorflow.Tensor{
		frames: tftest.Tensor(t, tensorflow.Float, pixels, 2, 64, 64, 3),
	}, out.Mask, out.Correction)
	share := math.Exp(backgroundBias) / (math.Exp(backgroundBias) + float64(p.Common.NumKP))
	if math.Abs(got[0][0]-share) > 1e-5 {
		t.Errorf("the background's share is %v, want %v", got[0][0], share)
	}
	for _, c := range got[1] {
		if c != 0 {
			t.Fatalf("the correction begins with %v", c)
		}
	}
}

// TestClippedVariance: thin, isotropic and singular matrices, in float32.
func TestClippedVariance(t *testing.T) {
	s := graph.New(tensorflow.Float)
	in := []float64{
		4, 0, 0, 1e-6, // thin: the smaller one becomes 0.001, the larger grows with it
		0.1, 0, 0, 0.1, // isotropic, large enough
		1, 1, 1, 1, // singular
	}
	v := s.Values(in, 1, 3, 2, 2)
	clipped := clipVariance(s, v, 0.001)
	gradient := s.GradientsOf(s.Sum(clipped), []tensorflow.Output{v})
	got := tftest.Evaluate(t, s, clipped, gradient[0])
	for i, want := range []float64{4000, 0, 0, 0.001, 0.1, 0, 0, 0.1} {
		if math.Abs(got[0][i]-want) > 1e-5*math.Max(want, 1e-2) {
			t.Errorf("entry %d is %v, want %v", i, got[0][i], want)
		}
	}
	for i, d := range got[1][:8] {
		if math.IsNaN(d) || math.IsInf(d, 0) {
			t.Errorf("gradient %d is %v", i, d)
		}
	}
}

// TestConstantVariance: a number for all keypoints, which the detector does not
// look for.
func TestConstantVariance(t *testing.T) {
	p := loadConfig(t, "single").Model
	p.Common.KPVariance = "0.01"
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	s := graph.New(tensorflow.Double)
	d := NewKPDetector(s.Sub("kp_detector"), p.KPDetector, p.Common)
	if out := d.Detect(s, s.Placeholder("x", tensorflow.Double, 1, 64, 64, 3)); out.Var.Op != nil || s.Err() != nil {
		t.Errorf("a constant variance is found by the detector (%v)", s.Err())
	}
	kp := Keypoints{Mean: s.Values([]float64{-1, 1}, 1, 1, 2)}
	got := tftest.Evaluate(t, s, Gaussians(s, kp, p.Common.KPVariance, 3, 3))[0]
	for i, want := range []float64{math.Exp(-2 * 2 / 0.02), 0, 0, math.Exp(-1 / 0.02), 0, 0, 1} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("place %d is %v, want %v", i, got[i], want)
		}
	}
}

func TestSizesThatDoNotFit(t *testing.T) {
	p := loadConfig(t, "vox").Model
	s := graph.New(tensorflow.Float)
	a := NewAnimator(s, p)
	a.Generator.Encode(s.At("generator"), s.Placeholder("x", tensorflow.Float, 1, 60, 64, 3))
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "multiples of 16") {
		t.Errorf("pictures of 60x64 give %v", err)
	}
	small := graph.New(tensorflow.Float)
	d := NewDiscriminator(small.Sub("discriminator"), p.Discriminator, p.Common)
	kp := Keypoints{Mean: small.Placeholder("mean", tensorflow.Float, 1, 4, 2), Var: small.Placeholder("var", tensorflow.Float, 1, 4, 2, 2)}
	d.Judge(small, small.Placeholder("x", tensorflow.Float, 1, 8, 8, 3), kp)
	if small.Err() == nil {
		t.Error("a discriminator of three blocks judges pictures of 8x8")
	}
}
