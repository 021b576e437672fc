package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset/named"
	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf/finite"
	"github.com/prioritycut/prioritycut/video"
)

// TestRun holds every number of an evaluation to one made another way: from
// written frames and the drawn set, with plain sums.
func TestRun(t *testing.T) {
	checkpoint := testModel(t, 1)
	q := request(t, checkpoint)
	q.MetricOn, q.WriteFrames, q.Keypoints, q.KeypointModel = OnPNG, filepath.Join(t.TempDir(), "frames"), FromTruth, testDetector(t)
	q.EmbeddingModel = q.KeypointModel // has an embedding too
	o := mustRun(t, q)
	rows := frameRows(t, o)
	if len(rows) != 2*24 || o.Summary[0].Frames != 48 || o.Summary[0].Videos != 2 {
		t.Fatalf("%d frame rows, summary %+v", len(rows), o.Summary[0])
	}
	set := drawnTest(t)
	ssim, err := metric.NewSSIM(metric.Uniform, testSide, testSide)
	if err != nil {
		t.Fatal(err)
	}
	var l1, videoMeans [2]float64
	for i, r := range rows {
		v, err := set.Video(shapes.Test, i/24)
		if err != nil {
			t.Fatal(err)
		}
		real, truth, err := v.Draw(i % 24)
		if err != nil {
			t.Fatal(err)
		}
		made, err := video.ReadPicture(filepath.Join(q.WriteFrames, v.Name(), fmt.Sprintf("%07d.png", i%24)), video.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Video != v.Name() || r.Frame != i%24 {
			t.Fatalf("row %d is of %s, %d", i, r.Video, r.Frame)
		}
		want := expected(t, ssim, real, made, truth)
		for m, w := range want {
			if got := float64(r.Value(m)); !(math.Abs(got-w) < 2e-5*max(1, math.Abs(w))) {
				t.Errorf("%s frame %d, %s: %v, want %v", r.Video, r.Frame, m, got, w)
			}
		}
		x := want[result.Measure{Metric: result.L1, Region: result.All}]
		l1[0] += x
		l1[1] += x * x
		videoMeans[i/24] += x / 24
	}
	checkJoints(t, o)
	s := o.Summary[0]
	mean := l1[0] / 48
	sd := math.Sqrt((l1[1] - 48*mean*mean) / 47)
	if math.Abs(float64(s.Mean)-mean) > 1e-7 || math.Abs(float64(s.CI95)-1.96*sd/math.Sqrt(48)) > 1e-7 {
		t.Errorf("summary %v +- %v, want %v +- %v", s.Mean, s.CI95, mean, 1.96*sd/math.Sqrt(48))
	}
	// Two videos: a quarter of the draws are the same one twice.
	if math.Abs(float64(s.CIVideosLow)-min(videoMeans[0], videoMeans[1])) > 1e-7 || math.Abs(float64(s.CIVideosHigh)-max(videoMeans[0], videoMeans[1])) > 1e-7 {
		t.Errorf("over videos %v .. %v, want %v", s.CIVideosLow, s.CIVideosHigh, videoMeans)
	}

	// The frames that it wrote, measured as predictions, give the same rows.
	p := NewRequest()
	p.Predictions, p.Data, p.Out, p.NumVideos, p.MetricOn = q.WriteFrames, config.Shapes, filepath.Join(t.TempDir(), "p"), 2, OnPNG
	p.Keypoints, p.KeypointModel, p.EmbeddingModel, p.Device = q.Keypoints, q.KeypointModel, q.EmbeddingModel, "cpu"
	if diff := cmp.Diff(rows, frameRows(t, mustRun(t, p)), equalValues); diff != "" {
		t.Errorf("predictions (-checkpoint +predictions):\n%s", diff)
	}
	var text strings.Builder
	if err := WriteReport(&text, o); err != nil || !strings.Contains(text.String(), "48 frames of 2 videos, 32x32 pixels") || !strings.Contains(text.String(), "MKR ↓") {
		t.Errorf("%v:\n%s", err, text.String())
	}
}

// expected are the values of a frame, by plain sums over its pictures in 8 bits
// and by what testDetector is known to find.
func expected(t *testing.T, ssim *metric.SSIM, real, made *video.Frame, truth *shapes.Truth) map[result.Measure]float64 {
	t.Helper()
	abs, square, inside := 0.0, 0.0, 0.0
	for j := range real.Pix {
		d := (float64(real.Pix[j]) - float64(made.Pix[j])) / 255
		abs += math.Abs(d)
		square += d * d
		if truth.Labels[j/3] != shapes.Background {
			inside += d * d
		}
	}
	n := float64(len(real.Pix))
	similar, err := ssim.Compare(unit(real.Pix), unit(made.Pix))
	if err != nil {
		t.Fatal(err)
	}
	// The test's detector says one keypoint at (mean red, mean green)*32, the
	// second always missing; the embedding is those means.
	want := map[result.Measure]float64{
		{Metric: result.L1, Region: result.All}:          abs / n,
		{Metric: result.PSNR, Region: result.All}:        -10 * math.Log10(square/n),
		{Metric: result.PSNR, Region: result.Salient}:    -10 * math.Log10(inside/n),
		{Metric: result.PSNR, Region: result.NonSalient}: -10 * math.Log10((square-inside)/n),
		{Metric: result.SSIM, Region: result.All}:        similar,
	}
	ra, ma := colourMeans(real), colourMeans(made)
	want[result.Measure{Metric: result.AED, Region: result.All}] = square2(ra[0]-ma[0]) + square2(ra[1]-ma[1])
	want[result.Measure{Metric: result.AEDEuclidean, Region: result.All}] = math.Sqrt(square2(ra[0]-ma[0]) + square2(ra[1]-ma[1]))
	akd, shown, lacking, both := 0.0, 0, 0, 0
	for j, joint := range truth.Joints {
		switch {
		case !joint.Visible:
		case j == 1: // the detector never finds it
			shown++
			lacking++
		default:
			shown++
			both++
			akd += (math.Abs(joint.X-testSide*ma[0]) + math.Abs(joint.Y-testSide*ma[1])) / 2
		}
	}
	want[result.Measure{Metric: result.MKR, Region: result.All}] = float64(lacking) / float64(shown)
	want[result.Measure{Metric: result.AKD, Region: result.All}] = akd / float64(both)
	return want
}

// TestAgreesWithValidation measures floats: training's own validation, which
// sums in another way, must find the same L1.
func TestAgreesWithValidation(t *testing.T) {
	ctx := context.Background()
	q := request(t, testModel(t, 1))
	o := mustRun(t, q)
	m, err := infer.Load(q.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	s, _, r, session := networkOf(t, m.Config, testSide)
	if err := m.Assign(session, s); err != nil {
		t.Fatal(err)
	}
	data, err := named.Open(ctx, m.Config.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Validate(ctx, session, r, data.Test(), Options{Videos: q.NumVideos})
	if err != nil {
		t.Fatal(err)
	}
	if s := o.Summary[0]; s.Frames != want.Frames || math.Abs(float64(s.Mean)-want.Whole.L1) > 1e-9 {
		t.Errorf("L1 %v of %d frames, validation %v of %d", s.Mean, s.Frames, want.Whole.L1, want.Frames)
	}
}

// TestNotANumber stops at a model that diverged, in 8 bits too, where its
// pictures would pass for black.
func TestNotANumber(t *testing.T) {
	run := filepath.Join(t.TempDir(), "diverged")
	writeModel(t, rundir.Dir(run), 1, func(name string, weights []float32) {
		// Weights that are no numbers would be refused; these make some.
		if strings.HasPrefix(name, "generator.up_blocks") && strings.HasSuffix(name, "running_var") {
			weights[0] = -1
		}
	})
	for _, on := range []string{OnFloat, OnPNG} {
		q := request(t, run)
		q.MetricOn, q.WriteFrames = on, filepath.Join(t.TempDir(), "frames")
		if _, err := Run(context.Background(), q); err == nil || !strings.Contains(err.Error(), "video test-0000: frame 0: the model predicts values that are no numbers") {
			t.Errorf("%s: %v", on, err)
		}
		if _, err := os.Stat(filepath.Join(q.WriteFrames, "test-0000")); err == nil {
			t.Errorf("%s: its frames are written", on)
		}
	}
}

// TestBrokenWeights are refused before anything is computed.
func TestBrokenWeights(t *testing.T) {
	run := filepath.Join(t.TempDir(), "broken")
	writeModel(t, rundir.Dir(run), 1, func(name string, weights []float32) {
		if strings.HasSuffix(name, "final.bias") {
			weights[0] = float32(math.NaN())
		}
	})
	var broken *finite.Error
	if _, err := Run(context.Background(), request(t, run)); !errors.As(err, &broken) || !strings.Contains(err.Error(), "generator.final.bias") {
		t.Error(err)
	}
}

func square2(x float64) float64 { return x * x }

// colourMeans are the means of red and green in [0, 1].
func colourMeans(f *video.Frame) (m [2]float64) {
	for i := 0; i < len(f.Pix); i += 3 {
		m[0] += float64(f.Pix[i]) / 255
		m[1] += float64(f.Pix[i+1]) / 255
	}
	return [2]float64{m[0] / float64(f.W*f.H), m[1] / float64(f.W*f.H)}
}

// TestBrokenVideos leaves out what cannot be read, and says so.
func TestBrokenVideos(t *testing.T) {
	data, made := t.TempDir(), t.TempDir()
	for v := 0; v < 3; v++ {
		name, frames := noisy(t, v)
		for _, part := range []string{"train", "test"} {
			for i, f := range frames[:4] {
				writePNG(t, f, data, part, name, fmt.Sprintf("%d.png", i))
				writePNG(t, f, made, name, fmt.Sprintf("%d.png", i))
			}
		}
		if v == 1 {
			if err := os.WriteFile(filepath.Join(data, "test", name, "2.png"), []byte("\x89PNG\r\n\x1a\nno"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Mkdir(filepath.Join(data, "test", "without frames"), 0o755); err != nil {
		t.Fatal(err)
	}
	q := predictions(t, made)
	q.Data, q.NumVideos = data, 10
	o := mustRun(t, q)
	if s := o.Summary[0]; s.Videos != 2 || s.Frames != 8 || s.SkippedVideos != 2 || s.DataKind != result.Other {
		t.Errorf("%+v", s)
	}
	if p := o.Summary[1]; p.Infinite != 8 || p.Frames != 0 || !math.IsInf(float64(p.Mean), 1) {
		t.Errorf("PSNR of equal pictures: %+v", p)
	}
	var text strings.Builder
	if err := WriteReport(&text, o); err != nil || !strings.Contains(text.String(), "2 videos could not be read, left out") || !strings.Contains(text.String(), "test-0001") || !strings.Contains(text.String(), "PSNR: 8 frames equal") {
		t.Errorf("%v:\n%s", err, text.String())
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	base := Request{Checkpoint: "x", Out: t.TempDir(), MetricOn: OnFloat, SSIMWindow: metric.Uniform, MaxFailedWrites: 1}
	for name, c := range map[string]struct {
		change func(*Request)
		want   string
	}{
		"two subjects":      {func(q *Request) { q.SavedModel = "y" }, "give one of"},
		"no subject":        {func(q *Request) { q.Checkpoint = "" }, "give one of"},
		"no folder":         {func(q *Request) { q.Out = "" }, "`out`"},
		"no such model":     {func(*Request) {}, "x"},
		"window":            {func(q *Request) { q.SSIMWindow = "box" }, "uniform or gaussian"},
		"float or png":      {func(q *Request) { q.MetricOn = "jpeg" }, "float or png"},
		"kind":              {func(q *Request) { q.DataKind = "cats" }, "faces, bodies or other"},
		"fit":               {func(q *Request) { q.Fit = "squeeze" }, "squeeze"},
		"data":              {func(q *Request) { q.Checkpoint, q.Predictions = "", "p" }, "needs `data`"},
		"size of a run":     {func(q *Request) { q.Height, q.Width = 64, 64 }, "`size` says nothing to `checkpoint`"},
		"split of a run":    {func(q *Request) { q.IDSampling = true }, "`id_sampling` says nothing to `checkpoint`"},
		"written twice":     {func(q *Request) { q.Checkpoint, q.Predictions, q.Data, q.WriteFrames = "", "p", "shapes", "w" }, "on disk already"},
		"no patience":       {func(q *Request) { q.MaxFailedWrites = 0 }, "`max_failed_writes`=0: must lie in 1..1000000"},
		"masks of no model": {func(q *Request) { q.Checkpoint, q.Predictions, q.Data, q.Masks = "", "p", "shapes", FromModel }, "`masks`=model"},
	} {
		q := base
		c.change(&q)
		var refused *RequestError
		if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	model := testModel(t, 1)
	for name, c := range map[string]struct {
		change func(*Request)
		want   string
	}{
		"real alone":     {func(q *Request) { q.Keypoints = FromTruth }, "`keypoint_model`"},
		"no such masks":  {func(q *Request) { q.Masks = "nowhere" }, "`masks`"},
		"no detector":    {func(q *Request) { q.KeypointModel = "nowhere" }, "`keypoint_model`"},
		"embedded truth": {func(q *Request) { q.Embeddings = FromTruth }, "no drawn truth about embeddings"},
		"no data":        {func(q *Request) { q.Data = "nowhere" }, "nowhere"},
	} {
		q := request(t, model)
		c.change(&q)
		var refused *RequestError
		if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestNameOf(t *testing.T) {
	for path, want := range map[string]string{
		"runs/mine": "mine", "runs/mine/": "mine", "runs/mine/checkpoints": "mine", "runs/mine/checkpoints/step-00000700": "mine-step-00000700", "fomm.frames": "fomm",
	} {
		if got := NameOf(path); got != want {
			t.Errorf("%s is called %s, want %s", path, got, want)
		}
	}
}

// checkJoints holds the single keypoints to AKD and MKR of the frames: both are
// made of the same distances and misses.
func checkJoints(t *testing.T, o *Outcome) {
	t.Helper()
	if len(o.Joints) != int(shapes.NumJoints) || o.Joints[7].Name != "left wrist" {
		t.Fatalf("%+v", o.Joints)
	}
	found := 0
	for _, j := range o.Joints {
		if j.Frames+j.Lacking != j.Shown || j.Shown > 48 {
			t.Errorf("%+v", j)
		}
		found += j.Frames
	}
	if found == 0 {
		t.Error("nothing was found")
	}
	stored, err := result.ReadJoints(o.Folder.Joints())
	if err != nil || len(stored) != 2*len(o.Joints) {
		t.Errorf("%d rows, %v", len(stored), err)
	}
}
