package train

import (
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// TestCurvesOfRows: losses as they are, errors over those of copying, and only
// what a run has.
func TestCurvesOfRows(t *testing.T) {
	rows := []Row{
		{Step: 10, Values: map[string]float64{"perceptual": 4, "disc_gan": 0.5}},
		{Step: 20, Values: map[string]float64{"perceptual": 3, valL1: 0.03, valL1Copy: 0.06}},
	}
	c := curves(rows, []string{"perceptual", "disc_gan", "gen_gan"})
	if len(c.Panels) != 2 || len(c.Panels[0].Series) != 2 || len(c.Panels[1].Series) != 1 {
		t.Fatalf("%+v", c)
	}
	if diff := cmp.Diff([]float64{4, 3}, c.Panels[0].Series[0].Y); diff != "" {
		t.Error(diff)
	}
	if s := c.Panels[1].Series[0]; s.X[0] != 20 || s.Y[0] != 0.5 {
		t.Errorf("%+v", s)
	}
	var many []Row
	for i := 0; i < 3*curvePoints; i++ {
		many = append(many, Row{Step: int64(i), Values: map[string]float64{"perceptual": float64(i)}})
	}
	s := curves(many, []string{"perceptual"}).Panels[0].Series[0]
	if len(s.X) != curvePoints || s.X[1] != 4 || s.Y[1] != 4 {
		t.Errorf("%d places, the second at %v, %v", len(s.X), s.X[1], s.Y[1])
	}
}

// TestSpoiledTableCostsThePictureAlone: training goes on without it.
func TestSpoiledTableCostsThePictureAlone(t *testing.T) {
	dir := rundir.Dir(t.TempDir())
	if err := os.WriteFile(dir.Metrics(), []byte("format_version,step\n1,nonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := &curvesHook{files: durable.OS{}, patience: newPatience(dir, 3), metrics: dir.Metrics(), path: dir.Curves(), every: 1}
	if err := h.After(&Moment{Position: Position{Step: 1}}); err != nil {
		t.Error(err)
	}
}

// checkCurves looks at the picture of a run's curves, and at a grid of unseen
// videos from before its end.
func checkCurves(t *testing.T, dir string, validated string) {
	t.Helper()
	f, err := os.Open(rundir.Dir(dir).Curves())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if c, _, err := image.DecodeConfig(f); err != nil || c.Height < 2*220 {
		t.Errorf("the curves are a picture of %dx%d pixels, %v", c.Width, c.Height, err)
	}
	if validated != "" {
		checkPicture(t, filepath.Join(rundir.Dir(dir).Pictures(), validated))
	}
}
