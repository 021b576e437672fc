package monkeynet

import (
	"math"
	"slices"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model/modeltest"
)

// TestGoldenTransfer moves one picture like a film of three frames, by every
// relation of keypoints, and reconstructs the film.
func TestGoldenTransfer(t *testing.T) {
	for _, name := range goldenNames {
		t.Run(name, func(t *testing.T) {
			var report golden.Report
			align := loadConfig(t, name).AlignCorners
			g := newGoldenGraph(t, modeltest.Single, name, "forward", align, &report)
			s, b := g.S, g.config.Batch
			source := modeltest.Frames(t, s, g.File, 0)
			film := modeltest.Frames(t, s, g.File, b, b+1, lastFrame(t, g.File))
			kpSource := g.animator.KPDetector.Detect(s.At("source"), source).Keypoints
			kpFilm := g.animator.KPDetector.Detect(s.At("film"), film).Keypoints
			g.wantKeypoints("transfer_kp_source_", kpSource)
			g.wantKeypoints("transfer_kp_driving_", kpFilm)
			encoded := g.animator.Generator.Encode(s, three(s, source))
			for setting := range g.config.Transfer {
				if slices.Contains(g.File.SampleNames("transfer_"), "transfer_"+setting+"_mean") {
					g.wantTransfer("transfer_"+setting+"_", setting, encoded, kpSource, kpFilm)
				}
			}
			g.wantReconstruction(film, kpFilm)
			g.wantRelations()
			g.Run(weightsOf(t, name))
			modeltest.Every(t, g.File, g.Compared(), "in_", "kp_", "dm_", "gen_", "disc_", "ac0_", "ac1_")
			report.Log(t)
		})
	}
}

func lastFrame(t testing.TB, f *golden.File) int {
	a, err := f.Array("in_frames")
	if err != nil {
		t.Fatal(err)
	}
	return a.Shape[0] - 1
}

// three is a picture three times.
func three(s *graph.Scope, x tensorflow.Output) tensorflow.Output { return s.Concat(0, x, x, x) }

func first(s *graph.Scope, kp Keypoints) Keypoints {
	return Keypoints{
		Mean: s.Slice(kp.Mean, []int{0, 0, 0}, []int{1, -1, -1}),
		Var:  s.Slice(kp.Var, []int{0, 0, 0, 0}, []int{1, -1, -1, -1}),
	}
}

func (g *goldenGraph) wantKeypoints(prefix string, kp Keypoints) {
	g.Want(prefix+"mean", kp.Mean, modeltest.AsIs, golden.MonkeyForward)
	g.Want(prefix+"var", kp.Var, modeltest.AsIs, golden.MonkeyForward)
}

func (g *goldenGraph) wantTransfer(prefix, setting string, encoded Encoded, kpSource, kpFilm Keypoints) {
	s, r := g.S, g.config.Transfer[setting]
	var scale tensorflow.Output
	if r.MovementMult {
		scale = g.movement("transfer_kp_source_mean", "transfer_kp_driving_mean")
	}
	kp := r.Relate(s, kpSource, kpFilm, first(s, kpFilm), scale)
	g.wantKeypoints(prefix, kp)
	everywhere := Keypoints{Mean: three(s, kpSource.Mean), Var: three(s, kpSource.Var)}
	out := g.animator.Generator.Decode(s, encoded, everywhere, kp)
	g.Want(prefix+"prediction", out.Prediction, modeltest.Maps, golden.MonkeyForward)
}

func (g *goldenGraph) wantReconstruction(film tensorflow.Output, kp Keypoints) {
	s := g.S
	start := first(s, kp)
	begin := s.Slice(film, []int{0, 0, 0, 0}, []int{1, -1, -1, -1})
	everywhere := Keypoints{Mean: three(s, start.Mean), Var: three(s, start.Var)}
	out := g.animator.Generator.Generate(s, three(s, begin), everywhere, kp)
	g.Want("reconstruction_l1", s.L1(out.Prediction, film), modeltest.AsIs, golden.MonkeyForward)
}

// wantRelations relates made-up keypoints, some with variances whose product is
// not positive and means outside the picture.
func (g *goldenGraph) wantRelations() {
	if len(g.File.SampleNames("normalize_")) == 0 {
		return
	}
	s := g.S
	given := func(name string) Keypoints {
		values := func(part string) tensorflow.Output {
			a, err := g.File.Array("normalize_" + name + "_" + part)
			if err != nil {
				g.T.Fatal(err)
			}
			return s.Values(a.Data, a.Dims()...)
		}
		return Keypoints{Mean: values("mean"), Var: values("var")}
	}
	source, driving := given("source"), given("driving")
	for setting, r := range g.config.Transfer {
		var scale tensorflow.Output
		if r.MovementMult {
			scale = g.movement("normalize_source_mean", "normalize_driving_mean")
		}
		g.wantKeypoints("normalize_"+setting+"_", r.Relate(s, source, driving, first(s, driving), scale))
	}
	g.Want("normalize_source_mean", source.Mean, modeltest.AsIs, golden.Exact)
	g.Want("normalize_source_var", source.Var, modeltest.AsIs, golden.Exact)
	g.Want("normalize_driving_mean", driving.Mean, modeltest.AsIs, golden.Exact)
	g.Want("normalize_driving_var", driving.Var, modeltest.AsIs, golden.Exact)
}

// movement is the scale of movement_mult from the means of the file.
func (g *goldenGraph) movement(source, driving string) tensorflow.Output {
	area := func(name string) float64 {
		a, err := g.File.Array(name)
		if err != nil {
			g.T.Fatal(err)
		}
		return hullArea(a.Data[:2*a.Shape[1]])
	}
	return g.S.Values([]float64{math.Sqrt(area(source) / area(driving))}, 1, 1, 1)
}

// hullArea is the area of the convex hull of points x0, y0, x1, y1 ..., by its
// edges: those that leave all points on one side.
func hullArea(p []float64) float64 {
	n, twice := len(p)/2, 0.0
	for i := 0; i < n; i++ {
		for j := 0; j < n; j++ {
			edge := i != j
			for k := 0; k < n && edge; k++ {
				turn := (p[2*j]-p[2*i])*(p[2*k+1]-p[2*i+1]) - (p[2*j+1]-p[2*i+1])*(p[2*k]-p[2*i])
				edge = turn >= 0
			}
			if edge {
				twice += p[2*i]*p[2*j+1] - p[2*j]*p[2*i+1]
			}
		}
	}
	return math.Abs(twice) / 2
}
