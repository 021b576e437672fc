package monkeynet

import (
	"fmt"
	"strconv"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"go.yaml.in/yaml/v3"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model/modeltest"
)

// goldenNames are the configurations of the reference results: as for faces, as
// for the robot arm, and what no preset uses.
var goldenNames = []string{"vox", "bair", "single"}

// goldenConfig is a configuration of the reference results.
type goldenConfig struct {
	Batch        int  `yaml:"batch"`
	AlignCorners bool `yaml:"align_corners"`
	Model        Params
	Train        struct {
		Weights LossWeights `yaml:"loss_weights"`
	} `yaml:"train_params"`
	LossTerms []string                  `yaml:"loss_terms"`
	Transfer  map[string]goldenTransfer `yaml:"transfer_settings"`
}

type goldenTransfer struct {
	Relation     `yaml:",inline"`
	MovementMult bool `yaml:"movement_mult"`
}

func loadConfig(t testing.TB, name string) goldenConfig {
	t.Helper()
	var raw any
	if err := golden.BaselineConfig(&raw, "monkey", name); err != nil {
		t.Fatal(err)
	}
	data, err := yaml.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	var c goldenConfig
	c.Model = DefaultParams()
	outer := struct {
		*goldenConfig `yaml:",inline"`
		Model         *Params `yaml:"model_params"`
	}{&c, &c.Model}
	if err := yaml.Unmarshal(data, &outer); err != nil {
		t.Fatal(err)
	}
	return c
}

// goldenGraph is the graph of one convention of sampling.
type goldenGraph struct {
	*modeltest.Graph
	config        goldenConfig
	animator      *Animator
	discriminator *Discriminator
	source        tensorflow.Output
	driving       tensorflow.Output
}

func newGoldenGraph(t testing.TB, with modeltest.Arithmetic, name, file string, alignCorners bool, report *golden.Report) *goldenGraph {
	t.Helper()
	g := &goldenGraph{Graph: modeltest.New(t, with, golden.Baselines+"monkey_"+name+"_"+file, report), config: loadConfig(t, name)}
	p := g.config.Model
	p.AlignCorners = alignCorners
	g.animator = NewAnimator(g.S, p)
	g.discriminator = NewDiscriminator(g.S.Sub("discriminator"), p.Discriminator, p.Common)
	forward := modeltest.Load(t, golden.Baselines+"monkey_"+name+"_forward")
	b := g.config.Batch
	g.source = modeltest.Frames(t, g.S, forward, upTo(0, b)...)
	g.driving = modeltest.Frames(t, g.S, forward, upTo(b, 2*b)...)
	return g
}

func upTo(from, to int) []int {
	var list []int
	for i := from; i < to; i++ {
		list = append(list, i)
	}
	return list
}

func weightsOf(t testing.TB, name string) func(*graph.Variable) golden.Array {
	return modeltest.Weights(t, modeltest.Load(t, golden.Baselines+"monkey_"+name+"_weights"))
}

// TestGoldenForward compares every tensor in eval mode with the public code's,
// in both conventions of sampling, by TensorFlow's kernels and by our own.
func TestGoldenForward(t *testing.T) {
	for _, name := range goldenNames {
		for _, with := range []modeltest.Arithmetic{modeltest.Single, modeltest.Fused} {
			t.Run(name+", "+with.Name, func(t *testing.T) {
				var report golden.Report
				seen := map[string]bool{}
				for _, alignCorners := range []bool{false, true} {
					g := newGoldenGraph(t, with, name, "forward", alignCorners, &report)
					g.wantForward(alignCorners, golden.MonkeyForward)
					g.Run(weightsOf(t, name))
					for n := range g.Compared() {
						seen[n] = true
					}
				}
				modeltest.Every(t, modeltest.Load(t, golden.Baselines+"monkey_"+name+"_forward"), seen,
					"in_", "transfer_", "normalize_", "reconstruction_l1")
				report.Log(t)
			})
		}
	}
}

func (g *goldenGraph) wantForward(alignCorners bool, rule golden.Rule) {
	s, corners := g.S, "ac0_"
	if alignCorners {
		corners = "ac1_"
	}
	maps := func(name string, out tensorflow.Output) { g.Want(name, out, modeltest.Maps, rule) }
	series := func(name string, from int, list []tensorflow.Output) {
		for i, out := range list {
			if i >= from {
				maps(name+strconv.Itoa(i), out)
			}
		}
	}
	kpSource, kpDriving := g.animator.KPDetector.DetectBoth(s.At("kp_detector"), g.source, g.driving)
	for i, out := range kpSource.Encoded[1:] {
		maps(fmt.Sprintf("kp_source_enc%d", i), out)
	}
	series("kp_source_up", 0, kpSource.Decoded)
	out := g.animator.Generator.Generate(s.At("generator"), g.source, kpSource.Keypoints, kpDriving.Keypoints)
	small := s.Shape(out.Small)
	for when, d := range map[string]Detection{"source": kpSource, "driving": kpDriving} {
		at := "kp_" + when + "_"
		maps(at+"logits", d.Logits)
		h := s.Shape(d.Logits)
		g.Want(at+"heatmap", s.Reshape(d.Heatmap, -1, h[3], h[1], h[2]), modeltest.AsIs, rule)
		g.Want(at+"mean", d.Mean, modeltest.AsIs, rule)
		g.Want(at+"var", d.Var, modeltest.AsIs, rule)
		gaussians := Gaussians(s, d.Keypoints, g.config.Model.Common.KPVariance, small[1], small[2])
		g.Want(at+"gaussian", s.Reshape(gaussians, -1, h[3], small[1], small[2]), modeltest.AsIs, rule)
	}
	for i, skip := range out.Skips[1:] {
		maps(fmt.Sprintf("gen_enc%d", i), skip)
	}
	g.Want("dm_heatmap", out.Heatmap, modeltest.AsIs, rule)
	g.Want("dm_difference", out.Difference, modeltest.AsIs, rule)
	maps("gen_kp_embedding", out.KPEmbedding)

	g.Want(corners+"dm_sparse_deformed", out.SparseDeformed, []int{0, 1, 4, 2, 3}, rule)
	series(corners+"dm_group", 0, out.Groups)
	maps(corners+"dm_hourglass", out.HourglassOut)
	maps(corners+"dm_mask", out.Mask)
	if out.Correction.Op != nil {
		maps(corners+"dm_correction", out.Correction)
	}
	maps(corners+"dm_deformation", out.Deformation)
	maps(corners+"deformed", out.Deformed())
	series(corners+"gen_deformed", 1, out.SkipsDeformed)
	series(corners+"gen_up", 0, out.Up)
	series(corners+"gen_refine", 0, out.Refined)
	maps(corners+"gen_logits", out.Logits)
	maps(corners+"prediction", out.Prediction)
	fake := g.discriminator.Judge(s.At("discriminator"), out.Prediction, kpDriving.Keypoints)
	real := g.discriminator.Judge(s.At("discriminator"), g.driving, kpDriving.Keypoints)
	maps("disc_kp_embedding", real.KPEmbedding)
	series("disc_real_map", 1, real.Maps)
	series(corners+"disc_fake_map", 1, fake.Maps)
	w := g.config.Train.Weights
	terms := append(GeneratorTerms(s, w, out.Deformed(), g.driving, fake, real), DiscriminatorTerms(s, w, fake, real)...)
	for i, term := range terms {
		if term.Name != g.config.LossTerms[i] {
			g.T.Errorf("loss %d is %s, want %s", i, term.Name, g.config.LossTerms[i])
		}
		g.Want(corners+"loss_"+term.Name, s.Scale(term.Value, term.Weight), modeltest.AsIs, rule)
	}
}
