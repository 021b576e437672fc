package x2face

import (
	"math"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

func TestRefusedParams(t *testing.T) {
	if p := DefaultParams(); p.Validate() != nil || p.Size() != 256 {
		t.Fatalf("the defaults are for pictures of %d: %v", p.Size(), p.Validate())
	}
	for want, change := range map[string]func(*Params){
		"num_levels":      func(p *Params) { p.NumLevels = 2 },
		"block_expansion": func(p *Params) { p.BlockExpansion = 0 },
		"max_features":    func(p *Params) { p.MaxFeatures = 1 << 20 },
		"inner_features":  func(p *Params) { p.InnerFeatures = -1 },
		"up_sampling":     func(p *Params) { p.UpSampling = "cubic" },
	} {
		p := DefaultParams()
		change(&p)
		if err := p.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("want an error about %s, got %v", want, err)
		}
	}
}

func small() Params {
	return Params{NumLevels: 4, BlockExpansion: 4, MaxFeatures: 16, InnerFeatures: 8, AlignCorners: true, UpSampling: AsSampling}
}

// TestSmallPictures: four levels take pictures of 16x16, and no others.
func TestSmallPictures(t *testing.T) {
	s := graph.New(tensorflow.Float)
	a := NewAnimator(s, small())
	source := s.Placeholder("source", tensorflow.Float, 1, 16, 16, 3)
	sampling := a.Drive(s, source)
	prediction := a.Sample(s, Face(s, []Embedding{a.Embed(s, source)}), sampling.Grid)
	if !s.Want("prediction", prediction, 1, 16, 16, 3) || !s.Want("code", sampling.Code, 1, 1, 1, 8) {
		t.Error(s.Err())
	}
	for _, v := range s.Variables(graph.Trainable) {
		if strings.HasSuffix(v.Name, "bias") && len(v.Dims) != 1 || strings.Contains(v.Name, "submodule.submodule.submodule.submodule") {
			t.Errorf("there is a variable %s", v.Name)
		}
	}
	a.Drive(s, s.Placeholder("large", tensorflow.Float, 1, 32, 32, 3))
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "16") {
		t.Errorf("pictures of 32x32 give %v", err)
	}
}

// TestFirstValues: Xavier's normal draws, and norms between 0.02 and 1.
func TestFirstValues(t *testing.T) {
	s := graph.New(tensorflow.Float)
	NewAnimator(s, DefaultParams())
	v := s.VariableNamed(DrivingScope + ".netG.model.submodule.down.1.weight") // 64 to 128 channels
	square := 0.0
	values := v.Initial(1)
	for _, x := range values {
		square += x * x / float64(len(values))
	}
	if want := 2 / float64(16*(64+128)); math.Abs(square/want-1) > 0.03 {
		t.Errorf("the kernel's variance is %v, want %v", square, want)
	}
	least, most := 1.0, 0.0
	for _, x := range s.VariableNamed(EmbeddingScope + ".netG.model.submodule.up.3.weight").Initial(1) {
		least, most = math.Min(least, x), math.Max(most, x)
	}
	if least < 0.02 || most > 1 || most-least < 0.5 {
		t.Errorf("the norm's weights lie in [%v, %v]", least, most)
	}
}

// TestFaceOfSources: the mean by confidence, written out.
func TestFaceOfSources(t *testing.T) {
	s := graph.New(tensorflow.Double)
	source := func(face, confidence float64) Embedding {
		return Embedding{Face: s.Values([]float64{face}, 1, 1, 1, 1), Confidence: s.Values([]float64{confidence}, 1, 1, 1, 1)}
	}
	list := []Embedding{source(1, 0.6), source(0, 0.3), source(0.5, 2.1)}
	got := tftest.Evaluate(t, s, Face(s, list), FaceWithoutFloor(s, list), Face(s, list[:1]))
	for i, want := range []float64{(0.6 + 1.05) / 3, (0.5 + 1) / 2.7, 1} {
		if math.Abs(got[i][0]-want) > 1e-14 {
			t.Errorf("face %d is %v, want %v", i, got[i][0], want)
		}
	}
	if Face(s, nil); s.Err() == nil {
		t.Error("a face of no sources is no error")
	}
}
