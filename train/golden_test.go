package train

import (
	"fmt"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/prioritycut"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

const (
	goldenSteps = 3
	goldenRate  = 2e-4
)

// goldenCase is a variant whose steps the reference results hold.
type goldenCase struct {
	variant model.Variant
	file    string
	network string // the discriminator's name in the files
	// micro is the number of micro-batches of a step, each of the file's batch; 0
	// takes the batch at once.
	micro int
}

var goldenCases = []goldenCase{
	{model.FOMMAdv, golden.TrainAdvFile, "disc_ms", 0},
	{model.PriorityCut, golden.TrainPriorityCutFile, "unet_nosn", 0},
}

// accumulated are the same with steps of several micro-batches: the mean over equal
// ones is the reference's step, averages and spectral vectors included.
func (c goldenCase) accumulated(micro int) goldenCase {
	c.micro = micro
	return c
}

// options are the small configuration of the reference results, with a
// threshold of the background.
func (c goldenCase) options(threshold float64) StepOptions {
	hourglass := fomm.HourglassParams{BlockExpansion: 8, MaxFeatures: 64, NumBlocks: 3, ScaleFactor: 0.25}
	traits, _ := c.variant.Traits()
	f := &fomm.Family{
		Traits: traits,
		Params: fomm.Params{
			Common:     fomm.CommonParams{NumKP: 5, NumChannels: 3, EstimateJacobian: true},
			KPDetector: fomm.KPDetectorParams{HourglassParams: hourglass, Temperature: 0.1},
			Generator: fomm.GeneratorParams{
				BlockExpansion: 8, MaxFeatures: 64, NumDownBlocks: 2, NumBottleneckBlocks: 3,
				EstimateOcclusionMap: true, DenseMotion: hourglass,
			},
			Discriminator: fomm.DiscriminatorParams{
				Scales: []float64{1, 0.5}, BlockExpansion: 8, MaxFeatures: 64, NumBlocks: 3,
				SN: true, KPVariance: 0.01, EncHead: fomm.PatchHead, DecoderScale: 1,
			},
		},
		Train: fomm.TrainParams{
			Cut:       prioritycut.DefaultParams(),
			Transform: fomm.TransformParams{SigmaAffine: 0.05, SigmaTPS: 0.005, PointsTPS: 5},
			Weights: fomm.LossWeights{
				GeneratorGAN: 1, DiscriminatorGAN: 1, Consistency: 1,
				FeatureMatching: []float64{10, 10, 10, 10}, Perceptual: []float64{10, 10, 10, 10, 10},
				EquivarianceValue: 10, EquivarianceJacobian: 10,
			},
			Scales:     []float64{1, 0.5, 0.25},
			VGGDivisor: 8,
			Refinement: graph.RefineEachCall,
		},
	}
	if c.variant == model.PriorityCut {
		f.Params.Discriminator.NumBlocks, f.Params.Discriminator.SN = 4, false
		f.Train.Cut.BGThreshold = threshold
	}
	return StepOptions{Batch: 2 * max(c.micro, 1), Height: 64, Width: 64, Family: f, Accumulate: c.micro}
}

// goldenRun is a training step in float64 with the reference's weights.
type goldenRun struct {
	goldenCase
	t       *testing.T
	report  *golden.Report
	train   *golden.File
	forward *golden.File

	s       *graph.Scope
	step    *Step
	session *tf.Session
	initial map[*graph.Variable][]float64 // weights, averages, spectral vectors
	zero    map[string]bool               // by our names: gradients that are zero
}

// TestGoldenSteps takes three whole steps in float64 through the function that
// builds the trainer's step, and compares losses, masks, the first step's
// gradients and prediction, and how far everything moved.
func TestGoldenSteps(t *testing.T) {
	cases := goldenCases
	for _, c := range goldenCases {
		cases = append(cases, c.accumulated(2))
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s, %d micro-batches", c.variant, c.micro), func(t *testing.T) {
			var report golden.Report
			r := newGoldenRun(t, c, &report)
			for i := 0; i < goldenSteps; i++ {
				r.takeStep(i)
			}
			r.compareDeltas()
			report.Log(t)
		})
	}
}

func newGoldenRun(t *testing.T, c goldenCase, report *golden.Report) *goldenRun {
	r := &goldenRun{goldenCase: c, t: t, report: report, s: graph.New(tensorflow.Double)}
	r.train, r.forward = r.load(c.file), r.load(golden.ForwardFile)
	threshold := 0.0
	if c.variant == model.PriorityCut {
		threshold = r.array(r.train, "tau").Data[0]
	}
	var err error
	if r.step, err = BuildStep(r.s, c.options(threshold)); err != nil {
		t.Fatal(err)
	}
	if r.session, err = tf.NewSession(r.s.Graph(), tf.SessionConfig{Device: tftest.Device(), MemoryGrowth: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.session.Close() })
	r.assign()
	r.listZeroGradients()
	return r
}

func (r *goldenRun) load(name string) *golden.File {
	r.t.Helper()
	f, err := golden.Load(name)
	if err != nil {
		r.t.Fatal(err)
	}
	return f
}

func (r *goldenRun) array(f *golden.File, name string) golden.Array {
	r.t.Helper()
	a, err := f.Array(name)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// maps is an array of maps in our order of axes.
func (r *goldenRun) maps(f *golden.File, name string) golden.Array {
	r.t.Helper()
	a, err := r.array(f, name).NHWC()
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// nameOf is the files' name of a variable.
func (r *goldenRun) nameOf(v string) string { return golden.WeightName(v, r.network) }

// assign gives every variable the reference's value, and optimisers their
// start.
func (r *goldenRun) assign() {
	r.t.Helper()
	if err := graph.Initialize(r.session, r.s.Variables(graph.Slot), 0); err != nil {
		r.t.Fatal(err)
	}
	weights := r.load(golden.WeightsFile)
	r.initial = map[*graph.Variable][]float64{}
	values := map[*graph.Variable]*tensorflow.Tensor{}
	for _, v := range r.s.Variables(graph.Trainable, graph.State, graph.Frozen) {
		name := r.nameOf(v.Name)
		file := weights
		if len(weights.Names(name)) == 0 {
			file, name = r.train, "weights."+name
		}
		a := r.array(file, name).Weight()
		if fmt.Sprint(a.Dims()) != fmt.Sprint(v.Dims) {
			r.t.Fatalf("%s is %v, in the file %v", v.Name, v.Dims, a.Shape)
		}
		r.initial[v] = a.Data
		values[v] = r.double(a.Data, v.Dims...)
	}
	if err := graph.Assign(r.session, values); err != nil {
		r.t.Fatal(err)
	}
}

func (r *goldenRun) double(values []float64, dims ...int64) *tensorflow.Tensor {
	r.t.Helper()
	x, err := tf.NewTensor(values, dims...)
	if err != nil {
		r.t.Fatal(err)
	}
	return x
}

// listZeroGradients turns the file's list into our names. Every entry has to
// name a parameter that is trained.
func (r *goldenRun) listZeroGradients() {
	r.t.Helper()
	listed, err := golden.ZeroGradients(r.file)
	if err != nil {
		r.t.Fatal(err)
	}
	r.zero = map[string]bool{}
	for _, name := range r.step.GradientNames {
		if listed[r.nameOf(name)] {
			r.zero[name] = true
		}
	}
	if len(r.zero) != len(listed) {
		r.t.Errorf("%d of %d parameters listed as without gradient are trained", len(r.zero), len(listed))
	}
}
