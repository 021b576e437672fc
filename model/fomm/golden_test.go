package fomm

import (
	"fmt"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// goldenParams are the small configuration of the reference results.
func goldenParams(alignCorners bool) Params {
	hourglass := HourglassParams{BlockExpansion: 8, MaxFeatures: 64, NumBlocks: 3, ScaleFactor: 0.25}
	return Params{
		Common:     CommonParams{NumKP: 5, NumChannels: 3, EstimateJacobian: true},
		KPDetector: KPDetectorParams{HourglassParams: hourglass, Temperature: 0.1},
		Generator: GeneratorParams{
			BlockExpansion: 8, MaxFeatures: 64, NumDownBlocks: 2, NumBottleneckBlocks: 3,
			EstimateOcclusionMap: true, DenseMotion: hourglass,
		},
		AlignCorners: alignCorners,
	}
}

// goldenDiscriminator is what the three discriminators have in common.
func goldenDiscriminator(blocks int) DiscriminatorParams {
	return DiscriminatorParams{
		Scales: []float64{1}, BlockExpansion: 8, MaxFeatures: 64, NumBlocks: blocks,
		KPVariance: 0.01, EncHead: PatchHead, DecoderScale: 1,
	}
}

// goldenWeights are those of the losses in the small configuration.
var goldenWeights = LossWeights{
	GeneratorGAN: 1, DiscriminatorGAN: 1, Consistency: 1,
	FeatureMatching: []float64{10, 10, 10, 10}, Perceptual: []float64{10, 10, 10, 10, 10},
	EquivarianceValue: 10, EquivarianceJacobian: 10,
}

// axes says how the file's order of axes is turned into ours.
type axes []int

var (
	asIs     axes               // the same order, or the same memory
	maps     = axes{0, 2, 3, 1} // [N, C, H, W]
	kernels  = axes{2, 3, 1, 0} // [out, in, height, width]
	pictures = axes{0, 1, 3, 4, 2}
)

// goldenGraph is the graph of one convention of sampling, and what of it is to
// be compared with which array.
type goldenGraph struct {
	t    *testing.T
	s    *graph.Scope
	file *golden.File

	source, driving tensorflow.Output

	animator     *Animator
	vgg          *model.VGG19
	disc         *MultiScale // disc_ms
	kpSource     Detection
	kpDriving    Detection
	generation   Generation
	real, fake   *model.Pyramid
	equivariance [2]tensorflow.Output // value, Jacobian; weighted
	perceptual   tensorflow.Output    // weighted

	outputs  []tensorflow.Output
	compared []comparison
}

// comparison is an output and the array it has to equal.
type comparison struct {
	array golden.Array // in our order of axes
	rule  golden.Rule
}

func newGoldenGraph(t *testing.T, s *graph.Scope, alignCorners bool) *goldenGraph {
	g := &goldenGraph{t: t, s: s}
	var err error
	if g.file, err = golden.Load(golden.ForwardFile); err != nil {
		t.Fatal(err)
	}
	g.source, g.driving = g.picture("in_source"), g.picture("in_driving")
	g.animator = NewAnimator(g.s, goldenParams(alignCorners))
	prefix := "ac0_"
	if alignCorners {
		prefix = "ac1_"
	}
	g.detect()
	g.generate(prefix)
	g.equivariances(prefix, alignCorners)
	return g
}

// array returns an array of the forward file in our order of axes.
func (g *goldenGraph) array(file *golden.File, name string, order axes) golden.Array {
	g.t.Helper()
	a, err := file.Array(name)
	if err == nil && order != nil {
		a, err = a.Transposed(order...)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return a
}

// picture is a stack of maps of the forward file, as a constant.
func (g *goldenGraph) picture(name string) tensorflow.Output {
	a := g.array(g.file, name, maps)
	return g.s.Values(a.Data, a.Dims()...)
}

// want asks for out to equal an array of the forward file.
func (g *goldenGraph) want(name string, out tensorflow.Output, order axes) {
	g.t.Helper()
	g.compare(g.array(g.file, name, order), out, golden.Forward)
}

func (g *goldenGraph) compare(a golden.Array, out tensorflow.Output, rule golden.Rule) {
	if out.Op == nil && g.s.Err() == nil {
		g.t.Fatalf("%s has no output to be compared", a.Name)
	}
	g.outputs = append(g.outputs, out)
	g.compared = append(g.compared, comparison{a, rule})
}

// run loads the weights and computes all outputs in one run.
func (g *goldenGraph) run() [][]float64 {
	g.t.Helper()
	session := tftest.NewSession(g.t, g.s)
	weights, err := golden.Load(golden.WeightsFile)
	if err != nil {
		g.t.Fatal(err)
	}
	values := map[*graph.Variable]*tensorflow.Tensor{}
	for _, v := range g.s.Variables() {
		a := g.array(weights, golden.WeightName(v.Name, ""), nil).Weight()
		if fmt.Sprint(a.Dims()) != fmt.Sprint(v.Dims) {
			g.t.Fatalf("%s is %v, in the file %v", v.Name, v.Dims, a.Shape)
		}
		values[v] = tftest.Tensor(g.t, v.DType, a.Data, v.Dims...)
	}
	if err := graph.Assign(session, values); err != nil {
		g.t.Fatal(err)
	}
	return tftest.Run(g.t, session, nil, g.outputs...)
}

// elsewhere are inputs, and arrays that other packages compare.
var elsewhere = []string{"in_", "eq_theta", "eq_control_params", "pc_", "norm_"}

// TestGolden compares every network and loss in eval mode with the reference,
// and the gradients of the generator's total loss: graphs of float32, with
// TensorFlow's kernels and with our own, and of float64, and these with each
// other, which shows what rounding does.
func TestGolden(t *testing.T) {
	var single, own, double, rounding golden.Report
	seen := map[string]bool{}
	for _, alignCorners := range []bool{false, true} {
		t.Run(fmt.Sprintf("align_corners %v", alignCorners), func(t *testing.T) {
			float := fullGoldenGraph(t, graph.New(tensorflow.Float), alignCorners)
			got := float.run()
			ours := fullGoldenGraph(t, ownKernels(alignCorners), alignCorners).run()
			exact := fullGoldenGraph(t, graph.New(tensorflow.Double), alignCorners).run()
			for i, c := range float.compared {
				own.Compare(t, c.array.Name+" (own kernels)", ours[i], c.array.Data, c.rule)
				single.Compare(t, c.array.Name, got[i], c.array.Data, c.rule)
				double.Compare(t, c.array.Name+" (float64)", exact[i], c.array.Data, c.rule)
				rounding.Compare(t, c.array.Name+" (float32, float64)", got[i], exact[i], c.rule)
				seen[c.array.Name] = true
			}
		})
	}
	for _, report := range []*golden.Report{&single, &own, &double, &rounding} {
		report.Log(t)
	}
	everyArray(t, seen)
}

// ownKernels is a graph of our own kernels. Without gradients layers are fused.
func ownKernels(fused bool) *graph.Scope {
	s := graph.New(tensorflow.Float)
	s.UseKernels("cpu")
	if !fused {
		s.WithTraining(true)
	}
	return s
}

// fullGoldenGraph is the graph of all that the files hold for a convention.
// Discriminators and gradients exist for align_corners false alone.
func fullGoldenGraph(t *testing.T, s *graph.Scope, alignCorners bool) *goldenGraph {
	g := newGoldenGraph(t, s, alignCorners)
	if !alignCorners {
		g.pyramids()
		g.perceptualLoss()
		g.multiScale()
		g.conditioned()
		g.unet()
		g.totalLoss()
	}
	return g
}

// everyArray fails where an array of the files was not compared.
func everyArray(t *testing.T, seen map[string]bool) {
	for _, name := range []string{golden.ForwardFile, golden.GradsFile} {
		f, err := golden.Load(name)
		if err != nil {
			t.Fatal(err)
		}
	arrays:
		for _, array := range f.Names("") {
			for _, prefix := range elsewhere {
				if strings.HasPrefix(array, prefix) {
					continue arrays
				}
			}
			if !seen[array] {
				t.Errorf("%s of %s was not compared", array, name)
			}
		}
	}
}
