package x2face

import (
	"testing"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model/modeltest"
)

// TestGoldenFullSize compares the published networks at their own size and
// widths, and counts their parameters: one convention of sampling by TensorFlow's
// kernels, one by our own.
func TestGoldenFullSize(t *testing.T) {
	if testing.Short() {
		t.Skip("65 million weights: left out by -short")
	}
	var report golden.Report
	seen := map[string]bool{}
	for i, with := range []modeltest.Arithmetic{modeltest.Single, modeltest.Fused} {
		c := conventions[i]
		p := c.params(DefaultParams())
		g := &goldenGraph{Graph: modeltest.New(t, with, modeltest.FullFile, &report)}
		g.Prefix = "x2face_"
		g.animator = NewAnimator(g.S, p)
		forward := modeltest.Load(t, forwardFile)
		g.source, g.driving = modeltest.Frames(t, g.S, forward, 0), modeltest.Frames(t, g.S, forward, 2)
		g.second = modeltest.Frames(t, g.S, forward, 4)
		g.wantForward(c.prefix)
		g.wantCounts()
		g.Run(modeltest.Formula(t))
		for n := range g.Compared() {
			seen[n] = true
		}
	}
	modeltest.Every(t, modeltest.Load(t, modeltest.FullFile), seen, "monkey_", "seed", "x2face_parameters")
	report.Log(t)
}

func (g *goldenGraph) wantCounts() {
	g.T.Helper()
	count := map[string]float64{}
	for _, v := range g.S.Variables(graph.Trainable) {
		count[v.Name[:len(DrivingScope)]] += float64(v.Size())
	}
	want, err := g.File.Array("x2face_parameters")
	if err != nil {
		g.T.Fatal(err)
	}
	got := []float64{count[EmbeddingScope[:len(DrivingScope)]], count[DrivingScope]}
	g.Report.Compare(g.T, want.Name, got, want.Data, golden.Exact)
}
