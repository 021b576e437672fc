package x2face

import (
	"fmt"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model/modeltest"
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

func newGoldenGraph(t testing.TB, with modeltest.Arithmetic, file string, p Params, report *golden.Report) *goldenGraph {
	t.Helper()
	g := &goldenGraph{Graph: modeltest.New(t, with, file, report)}
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
// in its three conventions of sampling, with one source and with two, by
// TensorFlow's kernels and by our own.
func TestGoldenForward(t *testing.T) {
	for _, with := range []modeltest.Arithmetic{modeltest.Single, modeltest.Fused} {
		t.Run(with.Name, func(t *testing.T) {
			var report golden.Report
			seen := map[string]bool{}
			for _, c := range conventions {
				g := newGoldenGraph(t, with, forwardFile, c.params(goldenParams(t, true)), &report)
				g.wantForward(c.prefix)
				g.Run(g.weights())
				for n := range g.Compared() {
					seen[n] = true
				}
			}
			modeltest.Every(t, modeltest.Load(t, forwardFile), seen, "in_")
			report.Log(t)
		})
	}
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

// TestGoldenGradients compares all gradients in eval mode with two sources, by
// TensorFlow's kernels and by our own.
func TestGoldenGradients(t *testing.T) {
	for _, with := range []modeltest.Arithmetic{modeltest.Single, modeltest.Own} {
		t.Run(with.Name, func(t *testing.T) { checkGradients(t, with) })
	}
}

func checkGradients(t *testing.T, with modeltest.Arithmetic) {
	var report golden.Report
	g := newGoldenGraph(t, with, gradsFile, goldenParams(t, goldenAlignment(t)), &report)
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
	g := newGoldenGraph(t, modeltest.Double, trainFile, goldenParams(t, goldenAlignment(t)), &report)
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
