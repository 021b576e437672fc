package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

const testSide = 32

// testModel writes the checkpoint of a small untrained model whose output
// moves, and returns the run's folder.
func testModel(t *testing.T, seed int64) string {
	t.Helper()
	c, _, err := config.Resolve(config.Options{Device: "cpu", Sets: []string{
		fmt.Sprintf("frame_shape=[%d,%d,3]", testSide, testSide), "num_kp=3", "train_params.scales=[1]",
		"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
		"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
		"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
		"vgg19.width_divisor=32", "bg_threshold=0.3",
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := graph.New(tensorflow.Float)
	model.NewAnimator(s, c.Model)
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := graph.Initialize(session, s.Variables(), seed); err != nil {
		t.Fatal(err)
	}
	var groups []tf.Group
	for _, g := range []struct {
		name string
		kind graph.Kind
	}{{rundir.Weights, graph.Trainable}, {rundir.State, graph.State}} {
		group := tf.Group{Name: g.name}
		values, err := graph.Fetch(session, s.Variables(g.kind))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range s.Variables(g.kind) {
			group.Tensors = append(group.Tensors, tf.NamedTensor{Name: v.Name, Tensor: values[v]})
		}
		groups = append(groups, group)
	}
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	meta := rundir.Meta{
		Step: 5, Attempt: 5, Preset: c.Preset, Variant: string(c.Variant), FrameShape: c.Dataset.FrameShape, ConfigHash: c.Hash(),
		Fit: string(c.Dataset.Fit), AlignCorners: c.Model.AlignCorners, VGG19: "random", Config: string(text),
	}
	notes, err := meta.Encode()
	if err != nil {
		t.Fatal(err)
	}
	run := rundir.Dir(filepath.Join(t.TempDir(), "tiny"))
	if err := os.MkdirAll(string(run), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := rundir.WriteFile(run.Config(), text); err != nil {
		t.Fatal(err)
	}
	if err := tf.OpenStore(run.Checkpoints()).Save(5, notes, groups...); err != nil {
		t.Fatal(err)
	}
	return string(run)
}

// request evaluates a model on two drawn videos.
func request(t *testing.T, checkpoint string) Request {
	q := NewRequest()
	q.Checkpoint, q.Out, q.NumVideos, q.Device = checkpoint, filepath.Join(t.TempDir(), "out"), 2, "cpu"
	return q
}

func mustRun(t *testing.T, q Request) *Outcome {
	t.Helper()
	o, err := Run(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func frameRows(t *testing.T, o *Outcome) []result.FrameRow {
	t.Helper()
	var rows []result.FrameRow
	if err := result.EachFrame(o.Folder.Frames(), func(r result.FrameRow) error { rows = append(rows, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return rows
}

var equalValues = cmp.Comparer(func(a, b result.Value) bool { return a == b || !a.Known() && !b.Known() })

// drawnTest is the drawn test set as evaluation sees it.
func drawnTest(t *testing.T) *shapes.Set {
	t.Helper()
	o := shapes.DefaultOptions()
	o.Width, o.Height = testSide, testSide
	set, err := shapes.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

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
		for m, w := range want {
			if got := float64(r.Value(m)); !(math.Abs(got-w) < 2e-5*max(1, math.Abs(w))) {
				t.Errorf("%s frame %d, %s: %v, want %v", r.Video, r.Frame, m, got, w)
			}
		}
		l1[0] += abs / n
		l1[1] += abs / n * abs / n
		videoMeans[i/24] += abs / n / 24
	}
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

func square2(x float64) float64 { return x * x }

// colourMeans are the means of red and green in [0, 1].
func colourMeans(f *video.Frame) (m [2]float64) {
	for i := 0; i < len(f.Pix); i += 3 {
		m[0] += float64(f.Pix[i]) / 255
		m[1] += float64(f.Pix[i+1]) / 255
	}
	return [2]float64{m[0] / float64(f.W*f.H), m[1] / float64(f.W*f.H)}
}

// testDetector writes a model that finds as many keypoints as the drawn figures
// have joints, at (mean red, mean green)*32, the second with a confidence of
// 0.4, and an embedding of those means.
func testDetector(t *testing.T) string {
	t.Helper()
	s := graph.New(tensorflow.Float)
	image := s.Placeholder("image", tensorflow.Float, -1, testSide, testSide, 3)
	means := s.Mean(image, 1, 2)
	two := s.Slice(means, []int{0, 0}, []int{-1, 2})
	at := s.Scale(two, testSide)
	zero := s.Scale(s.Slice(means, []int{0, 0}, []int{-1, 1}), 0)
	var list []tensorflow.Output
	for j := 0; j < int(shapes.NumJoints); j++ {
		confidence := 0.9
		if j == 1 {
			confidence = 0.4
		}
		list = append(list, at, s.Add(zero, s.Scalar(confidence)))
	}
	keypoints := s.Reshape(s.Concat(1, list...), -1, int(shapes.NumJoints), 3)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	def, err := tf.GraphDefOf(s.Graph())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "detector")
	err = tf.WriteSavedModel(dir, tf.SavedModelDef{Graph: def, Signatures: []tf.SignatureDef{{
		Name:    tf.DefaultSignature,
		Inputs:  map[string]tf.TensorSpec{"image": tf.SpecOf(image)},
		Outputs: map[string]tf.TensorSpec{"keypoints": tf.SpecOf(keypoints), "embedding": tf.SpecOf(two)},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestGoOnAfterInterruption compares what an evaluation leaves that was stopped
// and went on with what an undisturbed one leaves.
func TestGoOnAfterInterruption(t *testing.T) {
	checkpoint := testModel(t, 1)
	whole := mustRun(t, request(t, checkpoint))
	q := request(t, checkpoint)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q.Progress = writerFunc(func([]byte) (int, error) { return 0, nil })
	stopAfter := 30 // frames: within the second video
	e, err := prepare(ctx, &q)
	if err != nil {
		t.Fatal(err)
	}
	e.subject = &stopping{subject: e.subject, after: stopAfter, stop: cancel}
	if _, err := e.run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled run gives %v", err)
	}
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := result.Read(q.Out); !errors.Is(err, result.ErrUnfinished) {
		t.Errorf("the stopped evaluation reads as %v", err)
	}
	again := mustRun(t, q)
	if again.Resumed != 1 {
		t.Errorf("%d videos were kept", again.Resumed)
	}
	for _, path := range []func(result.Folder) string{result.Folder.Frames, result.Folder.Videos, result.Folder.Summary} {
		a, err := os.ReadFile(path(whole.Folder))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path(again.Folder))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(a), string(b)); diff != "" {
			t.Errorf("%s (-whole +stopped):\n%s", path("x"), diff)
		}
	}
	// More of the same goes on; something else is refused.
	q.NumVideos = 3
	if o := mustRun(t, q); o.Resumed != 2 || o.Summary[0].Videos != 3 {
		t.Errorf("three videos: %d kept, %d summed", o.Resumed, o.Summary[0].Videos)
	}
	q.NumVideos = 1
	if o := mustRun(t, q); o.Summary[0].Videos != 1 || o.Summary[0].Frames != 24 {
		t.Errorf("one video: %+v", o.Summary[0])
	}
	q.SSIMWindow = metric.Gaussian
	var refused *RequestError
	if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "ssim_window") {
		t.Errorf("another window gives %v", err)
	}
	q.SSIMWindow, q.Checkpoint = metric.Uniform, testModel(t, 2)
	if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "weights") {
		t.Errorf("another model gives %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// stopping cancels after so many frames.
type stopping struct {
	subject
	after int
	stop  func()
}

func (s *stopping) predict(ctx context.Context, first int, driving []*video.Frame) ([]guess, error) {
	if s.after -= len(driving); s.after <= 0 {
		s.stop()
	}
	return s.subject.predict(ctx, first, driving)
}

// frames are pictures of noise about the frames of a drawn video.
func noisy(t *testing.T, index int) (name string, frames []*video.Frame) {
	t.Helper()
	v, err := drawnTest(t).Video(shapes.Test, index)
	if err != nil {
		t.Fatal(err)
	}
	r := random.New(3, uint64(index))
	for i := 0; i < v.Len(); i++ {
		f, err := v.Frame(i)
		if err != nil {
			t.Fatal(err)
		}
		g := video.NewFrame(f.W, f.H)
		for j := range g.Pix {
			g.Pix[j] = byte(min(max(int(f.Pix[j])+r.IntN(41)-20, 0), 255))
		}
		frames = append(frames, g)
	}
	return v.Name(), frames
}

func writePNG(t *testing.T, f *video.Frame, elements ...string) {
	t.Helper()
	path := filepath.Join(elements...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := video.WritePNG(path, f); err != nil {
		t.Fatal(err)
	}
}

func strip(frames []*video.Frame) *video.Frame {
	w, h := frames[0].W, frames[0].H
	s := video.NewFrame(w*len(frames), h)
	for i, f := range frames {
		for y := 0; y < h; y++ {
			copy(s.Pix[3*(y*s.W+i*w):], f.Pix[3*y*w:3*(y+1)*w])
		}
	}
	return s
}

// predictions requests an evaluation of a folder.
func predictions(t *testing.T, dir string) Request {
	q := NewRequest()
	q.Predictions, q.Data, q.NumVideos, q.Out, q.Device = dir, config.Shapes, 2, filepath.Join(t.TempDir(), "out"), "cpu"
	return q
}

// TestLayoutsOfPredictions stores the same frames in every way there is.
func TestLayoutsOfPredictions(t *testing.T) {
	var want []result.FrameRow
	for _, layout := range []string{"from 0", "from 1", "words", "strip", "film"} {
		dir := t.TempDir()
		for v := 0; v < 2; v++ {
			name, frames := noisy(t, v)
			switch layout {
			case "strip":
				writePNG(t, strip(frames), dir, name+".png")
				continue
			case "film":
				rawFilm(t, filepath.Join(dir, name+".mkv"), frames)
				continue
			}
			for i, f := range frames {
				writePNG(t, f, dir, name, map[string]string{
					"from 0": fmt.Sprintf("%05d.png", i), "from 1": fmt.Sprintf("frame_%d.png", i+1), "words": strings.Repeat("a", i+1) + ".png",
				}[layout])
			}
		}
		rows := frameRows(t, mustRun(t, predictions(t, dir)))
		if want == nil {
			want = rows
		}
		if diff := cmp.Diff(want, rows, equalValues); diff != "" || len(rows) != 48 {
			t.Errorf("%s: %d rows (-want +got):\n%s", layout, len(rows), diff)
		}
	}
	if l1 := float64(want[0].L1); l1 < 0.02 || l1 > 0.06 {
		t.Errorf("L1 of noise up to 20/255 is %v", l1)
	}
}

// TestPartialPredictions leaves frames and a video out.
func TestPartialPredictions(t *testing.T) {
	dir := t.TempDir()
	name, frames := noisy(t, 0)
	for i, f := range frames {
		if i != 3 && i != 23 {
			writePNG(t, f, dir, name, fmt.Sprintf("%07d.png", i))
		}
	}
	o := mustRun(t, predictions(t, dir))
	s := o.Summary[0]
	if s.Frames != 22 || s.MissingFrames != 26 || s.Videos != 1 || s.Missing != 26 {
		t.Errorf("%+v", s)
	}
	rows := frameRows(t, o)
	for i, r := range rows {
		if missing := i == 3 || i >= 23; missing == r.L1.Known() {
			t.Errorf("row %d is %+v", i, r)
		}
	}
	var text strings.Builder
	if err := WriteReport(&text, o); err != nil || !strings.Contains(text.String(), "26 frames without a prediction, left out: test-0000 (2 of 24), test-0001 (24 of 24)") {
		t.Errorf("%v:\n%s", err, text.String())
	}
}

func TestBadPredictions(t *testing.T) {
	name, frames := noisy(t, 0)
	for label, c := range map[string]struct {
		make func(dir string)
		want string
	}{
		"empty":         {func(string) {}, "holds no predictions"},
		"others' names": {func(dir string) { writePNG(t, frames[0], dir, "somebody", "0.png") }, "none of the 2 test videos"},
		"another size": {func(dir string) {
			writePNG(t, frames[0], dir, name, "0000000.png")
			writePNG(t, video.NewFrame(16, 16), dir, name, "0000001.png")
		}, filepath.Join(name, "0000001.png") + " has 16x16 pixels"},
		"beyond the end": {func(dir string) {
			writePNG(t, frames[0], dir, name, "0000000.png")
			writePNG(t, frames[0], dir, name, "0000024.png")
		}, "0000024.png is beyond the 24 frames"},
		"twice": {func(dir string) {
			writePNG(t, frames[0], dir, name, "1.png")
			writePNG(t, frames[0], dir, name, "01.png")
		}, "are both frame 1"},
		"names without numbers": {func(dir string) { writePNG(t, frames[0], dir, name, "a.png") }, "1 pictures for a video of 24 frames"},
		"too long a strip":      {func(dir string) { writePNG(t, strip(append(slices.Clone(frames), frames[0])), dir, name+".png") }, "more frames than the 24"},
		"damaged": {func(dir string) {
			writePNG(t, frames[1], dir, name, "0000001.png")
			if err := os.WriteFile(filepath.Join(dir, name, "0000000.png"), []byte("\x89PNG\r\n\x1a\nno"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "0000000.png"},
	} {
		dir := t.TempDir()
		c.make(dir)
		if _, err := Run(context.Background(), predictions(t, dir)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", label, err, c.want)
		}
	}
}

// TestMasksOfAFolder gives the drawn masks as pictures: the rows are those of
// the truth.
func TestMasksOfAFolder(t *testing.T) {
	dir, masks := t.TempDir(), t.TempDir()
	set := drawnTest(t)
	for v := 0; v < 2; v++ {
		name, frames := noisy(t, v)
		writePNG(t, strip(frames), dir, name+".png")
		drawn, err := set.Video(shapes.Test, v)
		if err != nil {
			t.Fatal(err)
		}
		for i := range frames {
			truth, err := drawn.Truth(i)
			if err != nil {
				t.Fatal(err)
			}
			f := video.NewFrame(testSide, testSide)
			for j, m := range truth.Foreground() {
				for c := 0; c < 3; c++ {
					f.Pix[3*j+c] = m * 255
				}
			}
			if v == 1 && i == 5 {
				continue // one is missing
			}
			writePNG(t, f, masks, name, fmt.Sprintf("%d.png", i))
		}
	}
	want := frameRows(t, mustRun(t, predictions(t, dir)))
	q := predictions(t, dir)
	q.Masks = masks
	o := mustRun(t, q)
	got := frameRows(t, o)
	gone := want[24+5]
	gone.PSNRSalient, gone.PSNRNonSalient, gone.SSIMSalient, gone.SSIMNonSalient = result.Absent(), result.Absent(), result.Absent(), result.Absent()
	want[24+5] = gone
	if diff := cmp.Diff(want, got, equalValues); diff != "" {
		t.Errorf("(-truth +folder):\n%s", diff)
	}
	if s := o.Summary[2]; s.Missing != 1 || s.Masks != masks || s.MissingFrames != 0 {
		t.Errorf("%+v", s)
	}
	// The model's own masks are told apart by the threshold.
	m := request(t, testModel(t, 1))
	m.Masks, m.NumVideos = FromModel, 1
	if s := mustRun(t, m).Summary[2]; s.Masks != FromModel || s.BGThreshold != 0.3 || s.Frames+s.Infinite != 24 {
		t.Errorf("%+v", s)
	}
}

// TestTables reads keypoints and embeddings that others found.
func TestTables(t *testing.T) {
	dir, tables := t.TempDir(), t.TempDir()
	name, frames := noisy(t, 0)
	writePNG(t, strip(frames), dir, name+".png")
	write := func(table, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(tables, table), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("real.csv", "video,frame,x0,y0,x1,y1\nelse,0,1,1,1,1\n"+name+",0,1,2,3,4\n"+name+",1,1,2,-1,-1\n"+name+",2,1,2,3,4\nelse,1,1,1,1,1\n"+name+",3,5,5,5,5\n")
	write("generated.csv", "video,frame,x0,y0,x1,y1\n"+name+",3,5,5,,\n"+name+",0,2,4,3,4\n"+name+",1,1,2,9,9\n")
	q := predictions(t, dir)
	q.NumVideos, q.Keypoints = 1, tables
	o := mustRun(t, q)
	rows := frameRows(t, o)
	nan := math.NaN()
	for i, want := range [][2]float64{{0.75, 0}, {0, 0}, {nan, 1}, {0, 0.5}, {nan, nan}} {
		for k, got := range []result.Value{rows[i].AKD, rows[i].MKR} {
			if float64(got) != want[k] && (got.Known() || !math.IsNaN(want[k])) {
				t.Errorf("frame %d, value %d: %v, want %v", i, k, got, want[k])
			}
		}
	}
	if r := o.Run; r.KeypointsGenerated != "table" || !strings.HasPrefix(r.KeypointsReal, "real.csv@") || !strings.HasPrefix(r.Inputs, "generated.csv@") {
		t.Errorf("%+v", r)
	}
	// Another table is another evaluation.
	write("generated.csv", "video,frame,x0,y0,x1,y1\n"+name+",3,5,5,,\n")
	if _, err := Run(context.Background(), q); err == nil || !strings.Contains(err.Error(), "inputs") {
		t.Errorf("another table gives %v", err)
	}
	q.Out, q.DataKind = filepath.Join(t.TempDir(), "faces"), result.Faces
	if o := mustRun(t, q); o.Summary[8].Frames != 0 || o.Summary[7].Frames != 1 {
		t.Errorf("faces: MKR of %d frames, AKD of %d", o.Summary[8].Frames, o.Summary[7].Frames)
	}
	for text, want := range map[string]string{
		"":                              "no header",
		"video,frame,x0\n":              "header must be video,frame,x0,y0",
		"frame,video,x0,y0\n":           "header must be",
		"video,frame,x,y\nelse,0,1,1\n": "none of the 1 test videos",
		"video,frame,x,y\n" + name + ",0,1,nan\n":                   `line 2: "nan" is no number`,
		"video,frame,x,y\n" + name + ",zero,1,1\n":                  `"zero" is no number of a frame`,
		"video,frame,x,y\n" + name + ",0,1,1\n" + name + ",0,1,1\n": "two rows of frame 0",
		"video,frame,x,y\n" + name + ",0,1\n":                       "wrong number of fields",
		"video,frame,x0,y0\n" + name + ",3,1,1\n":                   "2 keypoints in the real frame, 1 in the generated",
	} {
		write("generated.csv", text)
		q.Out = filepath.Join(t.TempDir(), "bad")
		if _, err := Run(context.Background(), q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	write("generated.csv", "video,frame,e0,e1\n"+name+",0,3,4\n"+name+",1,,\n")
	write("real.csv", "video,frame,e0,e1\n"+name+",0,0,0\n"+name+",1,1,1\n")
	q.Keypoints, q.Embeddings, q.Out = "", tables, filepath.Join(t.TempDir(), "aed")
	o = mustRun(t, q)
	if s := o.Summary; s[9].Mean != 25 || s[10].Mean != 5 || s[9].Frames != 1 || s[7].Mean.Known() {
		t.Errorf("AED %v and %v of %d frames", s[9].Mean, s[10].Mean, s[9].Frames)
	}
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
	base := Request{Checkpoint: "x", Out: t.TempDir(), MetricOn: OnFloat, SSIMWindow: metric.Uniform}
	for name, c := range map[string]struct {
		change func(*Request)
		want   string
	}{
		"two subjects":      {func(q *Request) { q.SavedModel = "y" }, "give one of"},
		"no subject":        {func(q *Request) { q.Checkpoint = "" }, "give one of"},
		"no folder":         {func(q *Request) { q.Out = "" }, "--out"},
		"no such model":     {func(*Request) {}, "x"},
		"window":            {func(q *Request) { q.SSIMWindow = "box" }, "uniform or gaussian"},
		"float or png":      {func(q *Request) { q.MetricOn = "jpeg" }, "float or png"},
		"kind":              {func(q *Request) { q.DataKind = "cats" }, "faces, bodies or other"},
		"fit":               {func(q *Request) { q.Fit = "squeeze" }, "squeeze"},
		"data":              {func(q *Request) { q.Checkpoint, q.Predictions = "", "p" }, "needs --data"},
		"masks of no model": {func(q *Request) { q.Checkpoint, q.Predictions, q.Data, q.Masks = "", "p", "shapes", FromModel }, "--masks=model"},
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
		"real alone":     {func(q *Request) { q.Keypoints = FromTruth }, "--keypoint_model"},
		"no such masks":  {func(q *Request) { q.Masks = "nowhere" }, "--masks"},
		"no detector":    {func(q *Request) { q.KeypointModel = "nowhere" }, "--keypoint_model"},
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
