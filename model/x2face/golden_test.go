package x2face

import (
	"fmt"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model/modeltest"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

const (
	forwardFile = golden.Baselines + "x2face_forward"
	gradsFile   = golden.Baselines + "x2face_grads"
	trainFile   = golden.Baselines + "x2face_train3"
	weightsFile = golden.Baselines + "x2face_weights"
)

// goldenParams are the configuration of the reference results.
func goldenParams(t testing.TB, alignCorners bool) Params {
	t.Helper()
	var c struct {
		NGF   int `json:"ngf"`
		Inner int `json:"inner_nc"`
	}
	if err := golden.BaselineConfig(&c, "x2face"); err != nil {
		t.Fatal(err)
	}
	return Params{
		NumLevels: 8, BlockExpansion: c.NGF, MaxFeatures: 8 * c.NGF, InnerFeatures: c.Inner,
		AlignCorners: alignCorners, UpSampling: AsSampling,
	}
}

// convention is a reading of the public code's calls of the sampler.
type convention struct {
	prefix string
	params func(Params) Params
}

var conventions = []convention{
	{"ac0_", func(p Params) Params { p.AlignCorners = false; return p }},
	{"ac1_", func(p Params) Params { p.AlignCorners = true; return p }},
	{"mixed_", func(p Params) Params { p.AlignCorners, p.UpSampling = true, HalfPixel; return p }},
}

// goldenGraph is a graph on the pictures of the reference results.
type goldenGraph struct {
	*modeltest.Graph
	animator                *Animator
	source, second, driving tensorflow.Output
}

func newGoldenGraph(t testing.TB, dtype tensorflow.DataType, file string, p Params, report *golden.Report) *goldenGraph {
	t.Helper()
	g := &goldenGraph{Graph: modeltest.New(t, dtype, file, report)}
	g.animator = NewAnimator(g.S, p)
	forward := modeltest.Load(t, forwardFile)
	g.source = modeltest.Frames(t, g.S, forward, 0, 1)
	g.driving = modeltest.Frames(t, g.S, forward, 2, 3)
	g.second = modeltest.Frames(t, g.S, forward, 4, 5)
	return g
}

func (g *goldenGraph) weights() func(*graph.Variable) golden.Array {
	return modeltest.Weights(g.T, modeltest.Load(g.T, weightsFile))
}

// TestGoldenForward compares every tensor in eval mode with the public code's,
// in its three conventions of sampling, with one source and with two.
func TestGoldenForward(t *testing.T) {
	var report golden.Report
	seen := map[string]bool{}
	for _, c := range conventions {
		t.Run(c.prefix, func(t *testing.T) {
			g := newGoldenGraph(t, tensorflow.Float, forwardFile, c.params(goldenParams(t, true)), &report)
			g.wantForward(c.prefix)
			g.Run(g.weights())
			for n := range g.Compared() {
				seen[n] = true
			}
		})
	}
	modeltest.Every(t, modeltest.Load(t, forwardFile), seen, "in_")
	report.Log(t)
}

func (g *goldenGraph) wantForward(prefix string) {
	s := g.S
	first, second := g.animator.Embed(s.At("first"), g.source), g.animator.Embed(s.At("second"), g.second)
	sampling := g.animator.Drive(s, g.driving)
	faces := Face(s, []Embedding{first, second})
	picture := func(name string, x tensorflow.Output) { g.Want(prefix+name, x, modeltest.Maps, golden.X2FacePictures) }
	maps := func(name string, x tensorflow.Output) { g.Want(prefix+name, x, modeltest.Maps, golden.X2FaceForward) }

	both := g.animator.Sample(s, faces, sampling.Grid)
	one := g.animator.Sample(s, Face(s, []Embedding{first}), sampling.Grid)
	picture("prediction", both)
	picture("prediction_single", one)
	g.Want(prefix+"loss", Photometric(s, both, g.driving), modeltest.AsIs, golden.X2FaceForward)
	g.Want(prefix+"loss_single", Photometric(s, one, g.driving), modeltest.AsIs, golden.X2FaceForward)
	if prefix == "mixed_" {
		return
	}
	for i := range first.Down {
		maps(fmt.Sprintf("emb_down%d", i), first.Down[i])
		maps(fmt.Sprintf("emb_up%d", i), first.Up[i])
		maps(fmt.Sprintf("drv_down%d", i), sampling.Down[i])
		maps(fmt.Sprintf("drv_up%d", i), sampling.Up[i])
	}
	g.Want(prefix+"emb_grid", first.Grid, modeltest.AsIs, golden.X2FaceForward)
	g.Want(prefix+"drv_grid", sampling.Grid, modeltest.AsIs, golden.X2FaceForward)
	maps("drv_code", sampling.Code)
	maps("emb_confidence", first.Confidence)
	maps("emb_confidence_b", second.Confidence)
	picture("emb_face", first.Face)
	picture("emb_faces", faces)
	picture("emb_faces_no_offset", FaceWithoutFloor(s, []Embedding{first, second}))
}

// TestGoldenGradients compares all gradients in eval mode with two sources.
func TestGoldenGradients(t *testing.T) {
	var report golden.Report
	g := newGoldenGraph(t, tensorflow.Float, gradsFile, goldenParams(t, goldenAlignment(t)), &report)
	s := g.S
	loss := g.loss(s, g.source, g.second)
	g.Want("loss", loss, modeltest.AsIs, golden.X2FaceGradients)
	vars := s.Variables(graph.Trainable)
	for i, d := range s.Gradients(loss, vars) {
		g.Want("grad."+vars[i].Name, d, modeltest.AxesOf(vars[i]), golden.X2FaceGradients)
	}
	g.Run(g.weights())
	modeltest.Every(t, g.File, g.Compared())
	report.Log(t)
}

func goldenAlignment(t testing.TB) bool {
	t.Helper()
	var align bool
	if err := golden.BaselineConfig(&align, "x2face", "align_corners"); err != nil {
		t.Fatal(err)
	}
	return align
}

// predict is the picture of the driving frame from the sources.
func (g *goldenGraph) predict(s *graph.Scope, sources ...tensorflow.Output) tensorflow.Output {
	var embedded []Embedding
	for i, x := range sources {
		embedded = append(embedded, g.animator.Embed(s.At(fmt.Sprintf("source%d", i)), x))
	}
	return g.animator.Sample(s, Face(s, embedded), g.animator.Drive(s, g.driving).Grid)
}

func (g *goldenGraph) loss(s *graph.Scope, sources ...tensorflow.Output) tensorflow.Output {
	return Photometric(s, g.predict(s, sources...), g.driving)
}

// TestGoldenTwoSources compares a pass in train mode with two sources, whose
// calls of the embedding network each move its averages.
func TestGoldenTwoSources(t *testing.T) {
	var report golden.Report
	g := newGoldenGraph(t, tensorflow.Double, trainFile, goldenParams(t, goldenAlignment(t)), &report)
	s := g.S.WithTraining(true)
	prediction := g.predict(s, g.source, g.second)
	loss := Photometric(s, prediction, g.driving)
	g.Want("two_prediction", prediction, modeltest.Maps, golden.BaselineTrain)
	g.Want("two_loss", loss, modeltest.AsIs, golden.TrainLosses)
	vars := s.Variables(graph.Trainable)
	for i, d := range s.Gradients(loss, vars) {
		g.Want("two_grad."+vars[i].Name, d, modeltest.AxesOf(vars[i]), golden.TrainGradients)
	}
	for _, v := range s.Variables(graph.State) {
		g.Want("two_after."+v.Name, s.Pending(v), modeltest.AsIs, golden.BaselineTrain)
	}
	g.Run(g.weights())
	modeltest.Every(t, g.File, g.Compared(), "losses", "step0_", "after1.", "delta3.")
	report.Log(t)
}

// TestGoldenSteps takes three whole steps in train mode in float64, of stochastic
// gradient descent with momentum.
func TestGoldenSteps(t *testing.T) {
	var report golden.Report
	g := newGoldenGraph(t, tensorflow.Double, trainFile, goldenParams(t, goldenAlignment(t)), &report)
	s := g.S.WithTraining(true)
	prediction := g.predict(s, g.source)
	loss := Photometric(s, prediction, g.driving)
	vars := s.Variables(graph.Trainable)
	grads := s.Gradients(loss, vars)
	sgd := graph.NewSGD(s, vars, s.Scalar(1e-3), 0.9)
	barrier := s.Barrier(append(append(append([]tensorflow.Output{loss}, grads...), s.PendingUpdates()...), sgd.Reads()...)...)

	g.Want("step0_prediction", prediction, modeltest.Maps, golden.BaselineTrain)
	zero, err := golden.ZeroGradients(trainFile)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range grads {
		g.wantGradient("step0_grad."+vars[i].Name, vars[i], d, zero)
	}
	for _, v := range s.Variables(graph.State) {
		g.Want("after1."+v.Name, s.Pending(v), modeltest.AsIs, golden.BaselineTrain)
	}
	train := append(sgd.Apply(s, grads, barrier), s.Commit(barrier)...)
	g.takeSteps(loss, train, zero)
	report.Log(t)
}

// wantGradient compares the rows of the confidence apart where they are zero: a
// single source's cancels.
func (g *goldenGraph) wantGradient(name string, v *graph.Variable, d tensorflow.Output, zero map[string]bool) {
	g.T.Helper()
	if !zero[v.Name+"[2]"] {
		g.Want(name, d, modeltest.AxesOf(v), golden.TrainGradients)
		return
	}
	all, err := g.File.Sample(name)
	if err != nil {
		g.T.Fatal(err)
	}
	third := len(all.Values) / 3
	part := func(from, to int) golden.Sample {
		return golden.Sample{Name: name, Shape: []int{(to - from) * third}, Values: all.Values[from*third : to*third]}
	}
	flow := g.S.Slice(d, []int{0, 0, 0, 0}, []int{-1, -1, -1, 2})
	g.WantSample(part(0, 2), flow, modeltest.Kernels, golden.TrainGradients)
	none := part(2, 3)
	none.Values = make([]float64, third)
	g.WantSample(none, g.S.Slice(d, []int{0, 0, 0, 2}, []int{-1, -1, -1, 1}), modeltest.Kernels, golden.ZeroGradient)
}

func (g *goldenGraph) takeSteps(loss tensorflow.Output, train []*tensorflow.Operation, zero map[string]bool) {
	session := g.Start(g.weights())
	want, err := g.File.Array("losses")
	if err != nil {
		g.T.Fatal(err)
	}
	for step := 0; step < 3; step++ {
		fetches := []tensorflow.Output{loss}
		if step == 0 {
			fetches = append(fetches, g.Outputs()...)
		}
		out, err := session.Run(nil, fetches, train)
		if err != nil {
			g.T.Fatal(err)
		}
		g.Report.Compare(g.T, fmt.Sprintf("loss of step %d", step), tftest.Values(g.T, out[0]), want.Data[step:step+1], golden.TrainLosses)
		if step == 0 {
			g.Compare(out[1:])
		}
	}
	seen := g.Compared()
	g.compareDeltas(session, zero, seen)
	modeltest.Every(g.T, g.File, seen, "losses", "two_")
}

// compareDeltas compares how far weights and averages have moved.
func (g *goldenGraph) compareDeltas(session graph.Runner, zero map[string]bool, seen map[string]bool) {
	vars := g.S.Variables(graph.Trainable, graph.State)
	after, err := graph.Fetch(session, vars)
	if err != nil {
		g.T.Fatal(err)
	}
	weights := g.weights()
	for _, v := range vars {
		name := "delta3." + v.Name
		want, err := g.File.Sample(name)
		if err != nil {
			g.T.Fatal(err)
		}
		got, err := want.Of(modeltest.Delta(g.T, v, after[v], weights(v)))
		if err != nil {
			g.T.Fatal(err)
		}
		if zero[v.Name+"[2]"] {
			flow := len(got) / 3 * 2
			g.Report.Compare(g.T, name, got[flow:], make([]float64, len(got)-flow), golden.ZeroChange)
			got, want.Values = got[:flow], want.Values[:flow]
		}
		g.Report.Compare(g.T, name, got, want.Values, golden.X2FaceTrainDeltas)
		seen[name] = true
	}
}
