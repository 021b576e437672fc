package monkeynet

import (
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model/modeltest"
)

// full are the published configurations for faces and for the robot arm.
func full(name string) (p Params, w LossWeights) {
	maps := EmbeddingParams{UseHeatmap: true, HeatmapType: DifferenceHeatmap, NormConst: "100", ScaleFactor: 1}
	unet := UNetParams{BlockExpansion: 32, MaxFeatures: 1024, NumBlocks: 5}
	p = Params{
		Common:     CommonParams{NumKP: 10, NumChannels: 3, KPVariance: MatrixVariance},
		KPDetector: KPDetectorParams{UNetParams: unet, Temperature: 0.1, ScaleFactor: 1, ClipVariance: 0.001},
		Generator: GeneratorParams{
			UNetParams: unet, NumRefinementBlocks: 4, InterpolationMode: Nearest, KPEmbedding: maps,
			DenseMotion: DenseMotionParams{
				UNetParams: unet, UseMask: true, UseCorrection: true, ScaleFactor: 1, NumGroupBlocks: 2, MaskEmbedding: maps,
			},
		},
		Discriminator: DiscriminatorParams{BlockExpansion: 32, MaxFeatures: 256, NumBlocks: 4, KPEmbedding: maps},
	}
	w = LossWeights{Reconstruction: []float64{10, 10, 10, 10, 1}, GeneratorGAN: 1, DiscriminatorGAN: 1}
	g := &p.Generator
	g.DenseMotion.MaskEmbedding.UseDeformedSource = true
	if name == "vox" {
		p.KPDetector.ScaleFactor, g.DenseMotion.ScaleFactor, g.KPEmbedding.ScaleFactor = 0.25, 0.25, 0.25
		g.NumBlocks, g.InterpolationMode = 7, Trilinear
		return p, w
	}
	for _, u := range []*UNetParams{&p.KPDetector.UNetParams, &g.UNetParams, &g.DenseMotion.UNetParams} {
		u.MaxFeatures = 512
	}
	w.ReconstructionDeformed = 10
	for _, e := range []*EmbeddingParams{&g.KPEmbedding, &g.DenseMotion.MaskEmbedding, &p.Discriminator.KPEmbedding} {
		e.NormConst = NormSum
	}
	return p, w
}

// TestGoldenFullSize compares the published networks at their own size and
// widths, and counts their parameters: one convention of sampling by TensorFlow's
// kernels, one by our own.
func TestGoldenFullSize(t *testing.T) {
	if testing.Short() {
		t.Skip("125 million weights: left out by -short")
	}
	var report golden.Report
	seen := map[string]bool{}
	for _, name := range []string{"vox", "bair"} {
		for _, alignCorners := range []bool{false, true} {
			g := newFullGraph(t, name, alignCorners, &report)
			g.wantForward(alignCorners, golden.MonkeyForward)
			g.wantCounts()
			g.Run(modeltest.Formula(t))
			for n := range g.Compared() {
				seen[n] = true
			}
		}
	}
	modeltest.Every(t, modeltest.Load(t, modeltest.FullFile), seen, "x2face_", "seed", "monkey_vox_parameters", "monkey_bair_parameters")
	report.Log(t)
}

func newFullGraph(t testing.TB, name string, alignCorners bool, report *golden.Report) *goldenGraph {
	t.Helper()
	with := modeltest.Single
	if alignCorners {
		with = modeltest.Fused
	}
	g := &goldenGraph{Graph: modeltest.New(t, with, modeltest.FullFile, report)}
	g.Prefix = "monkey_" + name + "_"
	p, w := full(name)
	p.AlignCorners = alignCorners
	g.config.Model, g.config.Train.Weights = p, w
	g.config.LossTerms = strings.Fields("layer-0_rec layer-1_rec layer-2_rec layer-3_rec layer-4_rec gen_gan disc_gan")
	if w.ReconstructionDeformed != 0 {
		g.config.LossTerms = append([]string{"rec_def"}, g.config.LossTerms...)
	}
	g.animator = NewAnimator(g.S, p)
	g.discriminator = NewDiscriminator(g.S.Sub("discriminator"), p.Discriminator, p.Common)
	frames := modeltest.Load(t, golden.Baselines+"x2face_forward")
	g.source, g.driving = modeltest.Frames(t, g.S, frames, 0), modeltest.Frames(t, g.S, frames, 2)
	if name != "vox" { // every fourth row and column
		g.source, g.driving = shrink(g.S, g.source, 0.25), shrink(g.S, g.driving, 0.25)
	}
	return g
}

func (g *goldenGraph) wantCounts() {
	g.T.Helper()
	count := map[string]float64{}
	for _, v := range g.S.Variables(graph.Trainable) {
		network, _, _ := strings.Cut(v.Name, ".")
		count[network] += float64(v.Size())
	}
	want, err := g.File.Array(g.Prefix + "parameters")
	if err != nil {
		g.T.Fatal(err)
	}
	got := []float64{count["generator"], count["kp_detector"], count["discriminator"]}
	g.Report.Compare(g.T, want.Name, got, want.Data, golden.Exact)
}
