package animate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/trained"
	"github.com/prioritycut/prioritycut/trained/tinymodel"
	"github.com/prioritycut/prioritycut/video"
)

const side = 32

// run is the folder of the model of all tests.
var run string

func TestMain(m *testing.M) {
	os.Exit(withRun(m))
}

func withRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "animate")
	if err == nil {
		defer os.RemoveAll(dir)
		run = filepath.Join(dir, "run")
		err = tinymodel.Write(run, 1)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func open(t *testing.T, o Options) *Animator {
	t.Helper()
	o.Session.Device = "cpu"
	a, err := Open(run, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// blobs are frames of coloured blobs that move, each video of a seed its own.
func blobs(n int, seed int64) []*video.Frame {
	r := random.New(seed)
	type blob struct{ x, y, vx, vy, size, r, g, b float64 }
	var all []blob
	for i := 0; i < 6; i++ {
		all = append(all, blob{r.Uniform(4, 28), r.Uniform(4, 28), r.Uniform(-0.6, 0.6), r.Uniform(-0.6, 0.6), r.Uniform(2, 5),
			r.Uniform(0, 255), r.Uniform(0, 255), r.Uniform(0, 255)})
	}
	frames := make([]*video.Frame, n)
	for i := range frames {
		f := video.NewFrame(side, side)
		for y := 0; y < side; y++ {
			for x := 0; x < side; x++ {
				px := f.Pix[3*(y*side+x):]
				for _, b := range all {
					dx, dy := float64(x)-b.x-b.vx*float64(i), float64(y)-b.y-b.vy*float64(i)
					if dx*dx+dy*dy < b.size*b.size {
						px[0], px[1], px[2] = byte(b.r), byte(b.g), byte(b.b)
					}
				}
			}
		}
		frames[i] = f
	}
	return frames
}

func opener(frames []*video.Frame) Opener {
	return func(ctx context.Context) (video.Reader, error) {
		return video.Sequence(ctx, len(frames), func(i int) (*video.Frame, error) { return frames[i], nil }), nil
	}
}

// memory collects frames.
type memory struct{ frames []*video.Frame }

func (m *memory) Write(f *video.Frame) error { m.frames = append(m.frames, f); return nil }
func (m *memory) Close() error               { return nil }
func (m *memory) Abort()                     {}

func animated(t *testing.T, a *Animator, job Job) ([]*video.Frame, Report) {
	t.Helper()
	sink := &memory{}
	report, err := a.Video(context.Background(), job, sink)
	if err != nil {
		t.Fatal(err)
	}
	if report.Frames != len(sink.frames) {
		t.Errorf("the report says %d frames, %d came", report.Frames, len(sink.frames))
	}
	return sink.frames, report
}

// direct computes all frames at once by another graph: source and driving
// frames side by side through whole networks, the motion from keypoints that
// this test relates itself, in float64.
func direct(t *testing.T, source *video.Frame, driving []*video.Frame, relate func(source, driving [][]float64) [][]float64) []*video.Frame {
	t.Helper()
	m, err := trained.Open(run)
	if err != nil {
		t.Fatal(err)
	}
	n := len(driving)
	s := graph.New(tensorflow.Float)
	net := model.NewAnimator(s, m.Config.Model)
	infer := s.WithTraining(false).At("direct")
	k := m.Config.Model.Common.NumKP
	pictures := infer.Placeholder("pictures", tensorflow.Float, int64(n+1), side, side, 3)
	kp := net.KPDetector.Detect(infer, pictures).Keypoints
	sources := infer.Placeholder("sources", tensorflow.Float, int64(n), side, side, 3)
	var given [2]model.Keypoints
	for i := range given {
		given[i].Value = infer.Placeholder(fmt.Sprint("value", i), tensorflow.Float, int64(n), int64(k), 2)
		given[i].Jacobian = infer.Placeholder(fmt.Sprint("jacobian", i), tensorflow.Float, int64(n), int64(k), 2, 2)
	}
	prediction := net.Generator.Generate(infer.At("generate"), sources, given[0], given[1]).Prediction
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := m.Assign(session, s); err != nil {
		t.Fatal(err)
	}
	floats := func(frames ...*video.Frame) (all []float32) {
		for _, f := range frames {
			for _, v := range f.Pix {
				all = append(all, float32(v)/255)
			}
		}
		return all
	}
	tensor := func(v []float32, shape ...int64) *tensorflow.Tensor {
		x, err := tf.NewTensor(v, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	out, err := session.Run(map[tensorflow.Output]*tensorflow.Tensor{
		pictures: tensor(floats(append([]*video.Frame{source}, driving...)...), int64(n+1), side, side, 3),
	}, []tensorflow.Output{kp.Value, kp.Jacobian}, nil)
	if err != nil {
		t.Fatal(err)
	}
	values, _ := tf.Values[float32](out[0])
	jacobians, _ := tf.Values[float32](out[1])
	// One row per keypoint: x, y, and the Jacobian's four entries.
	rows := func(i int) (all [][]float64) {
		for j := i * k; j < (i+1)*k; j++ {
			row := []float64{float64(values[2*j]), float64(values[2*j+1])}
			for _, v := range jacobians[4*j : 4*j+4] {
				row = append(row, float64(v))
			}
			all = append(all, row)
		}
		return all
	}
	var flat [2][2][]float32 // of source and driving: values, Jacobians
	var repeated []*video.Frame
	for i := 0; i < n; i++ {
		repeated = append(repeated, source)
		for which, list := range [][][]float64{rows(0), relate(rows(0), rows(i+1))} {
			for _, row := range list {
				for j, v := range row {
					part := min(j/2, 1)
					flat[which][part] = append(flat[which][part], float32(v))
				}
			}
		}
	}
	out, err = session.Run(map[tensorflow.Output]*tensorflow.Tensor{
		sources:        tensor(floats(repeated...), int64(n), side, side, 3),
		given[0].Value: tensor(flat[0][0], int64(n), int64(k), 2), given[0].Jacobian: tensor(flat[0][1], int64(n), int64(k), 2, 2),
		given[1].Value: tensor(flat[1][0], int64(n), int64(k), 2), given[1].Jacobian: tensor(flat[1][1], int64(n), int64(k), 2, 2),
	}, []tensorflow.Output{prediction}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pixels, _ := tf.Values[float32](out[0])
	var frames []*video.Frame
	for i := 0; i < n; i++ {
		f := video.NewFrame(side, side)
		for j := range f.Pix {
			f.Pix[j] = byte(math.Round(255 * float64(pixels[i*len(f.Pix)+j])))
		}
		frames = append(frames, f)
	}
	return frames
}

// relative is FOMM's formula for one frame, re-derived.
func relative(initial [][]float64, scale float64, jacobian bool) func(source, driving [][]float64) [][]float64 {
	return func(source, driving [][]float64) [][]float64 {
		var out [][]float64
		for k := range driving {
			s, d, i := source[k], driving[k], initial[k]
			row := []float64{scale*(d[0]-i[0]) + s[0], scale*(d[1]-i[1]) + s[1], d[2], d[3], d[4], d[5]}
			if jacobian {
				det := i[2]*i[5] - i[3]*i[4]
				inv := [4]float64{i[5] / det, -i[3] / det, -i[4] / det, i[2] / det}
				var m [4]float64 // J_d J_i^-1
				m[0], m[1] = d[2]*inv[0]+d[3]*inv[2], d[2]*inv[1]+d[3]*inv[3]
				m[2], m[3] = d[4]*inv[0]+d[5]*inv[2], d[4]*inv[1]+d[5]*inv[3]
				row[2], row[3] = m[0]*s[2]+m[1]*s[4], m[0]*s[3]+m[1]*s[5]
				row[4], row[5] = m[2]*s[2]+m[3]*s[4], m[2]*s[3]+m[3]*s[5]
			}
			out = append(out, row)
		}
		return out
	}
}

// keypointRows are those of one picture, as the animator finds them.
func keypointRows(t *testing.T, a *Animator, f *video.Frame) (rows [][]float64, points [][2]float64) {
	t.Helper()
	kp, err := a.Keypoints(video.Stretch, f)
	if err != nil {
		t.Fatal(err)
	}
	for k, p := range kp.Points(0) {
		j := kp.jacobian(0, k)
		rows = append(rows, []float64{p[0], p[1], j[0], j[1], j[2], j[3]})
	}
	return rows, kp.Points(0)
}

// equal compares videos: a level of rounding may differ.
func equal(t *testing.T, what string, got, want []*video.Frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d frames, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		worst, at := 0, 0
		for j := range want[i].Pix {
			if d := int(got[i].Pix[j]) - int(want[i].Pix[j]); max(d, -d) > worst {
				worst, at = max(d, -d), j
			}
		}
		if worst > 1 {
			t.Errorf("%s: frame %d differs by %d levels at byte %d", what, i, worst, at)
			return
		}
	}
}

// moving fails for a video that stands still: it would agree with anything.
func moving(t *testing.T, frames []*video.Frame) {
	t.Helper()
	moved := 0
	for j, v := range frames[0].Pix {
		if d := int(v) - int(frames[len(frames)-1].Pix[j]); d > 4 || d < -4 {
			moved++
		}
	}
	if moved < len(frames[0].Pix)/50 {
		t.Fatalf("only %d of %d bytes move", moved, len(frames[0].Pix))
	}
}

func TestVideoIsWhatTheModelComputes(t *testing.T) {
	a := open(t, Options{Batch: 4})
	source, driving := blobs(1, 2)[0], blobs(11, 3)
	initial, points := keypointRows(t, a, driving[0])
	sixth, _ := keypointRows(t, a, driving[6])
	_, sourcePoints := keypointRows(t, a, source)
	scale := math.Sqrt(HullArea(sourcePoints) / HullArea(points))
	if math.Abs(scale-1) < 0.02 {
		t.Fatalf("the scale %v says nothing", scale)
	}
	for what, c := range map[string]struct {
		motion Motion
		relate func(source, driving [][]float64) [][]float64
	}{
		"relative":          {Motion{}, relative(initial, 1, true)},
		"adapted scale":     {Motion{AdaptScale: true}, relative(initial, scale, true)},
		"driving Jacobians": {Motion{DrivingJacobian: true}, relative(initial, 1, false)},
		"best frame":        {Motion{BestFrame: 6}, relative(sixth, 1, true)},
		"absolute":          {Motion{Absolute: true}, func(_, driving [][]float64) [][]float64 { return driving }},
	} {
		got, report := animated(t, a, Job{Source: source, Driving: opener(driving), Motion: c.motion})
		moving(t, got)
		equal(t, what, got, direct(t, source, driving, c.relate))
		if report.BestFrame != c.motion.BestFrame || report.Total <= 0 {
			t.Errorf("%s: %+v", what, report)
		}
	}
}

// The reference animates forward and backward from the best frame and joins
// both; here it is one pass.
func TestBestFrameIsForwardAndBackward(t *testing.T) {
	a := open(t, Options{Batch: 3})
	source, driving := blobs(1, 2)[0], blobs(9, 3)
	const best = 4
	backward := make([]*video.Frame, 0, best+1)
	for i := best; i >= 0; i-- {
		backward = append(backward, driving[i])
	}
	back, _ := animated(t, a, Job{Source: source, Driving: opener(backward)})
	forth, _ := animated(t, a, Job{Source: source, Driving: opener(driving[best:])})
	var want []*video.Frame
	for i := best; i >= 0; i-- {
		want = append(want, back[i])
	}
	want = append(want, forth[1:]...)
	got, _ := animated(t, a, Job{Source: source, Driving: opener(driving), Motion: Motion{BestFrame: best}})
	equal(t, "joined", got, want)
}

func TestFindBestFrame(t *testing.T) {
	a := open(t, Options{Batch: 4})
	driving := blobs(10, 3)
	// The source stands in the video itself: its own frame is nearest.
	source := driving[7]
	var warnings []string
	warn := func(text string) { warnings = append(warnings, text) }
	got, report := animated(t, a, Job{Source: source, Driving: opener(driving), Motion: Motion{FindBestFrame: true}, Warn: warn})
	if report.BestFrame != 7 || report.PoseDistance > 1e-5 || len(warnings) > 0 {
		t.Errorf("%+v, %q", report, warnings)
	}
	want, _ := animated(t, a, Job{Source: source, Driving: opener(driving), Motion: Motion{BestFrame: 7}})
	equal(t, "found and given", got, want)
}

// The size of a batch changes nothing but speed.
func TestBatches(t *testing.T) {
	source, driving := blobs(1, 2)[0], blobs(7, 3)
	want, _ := animated(t, open(t, Options{Batch: 7}), Job{Source: source, Driving: opener(driving)})
	for _, batch := range []int{1, 2, 6, 8, 0} {
		a := open(t, Options{Batch: batch})
		var seen []int
		var progress []int
		got, _ := animated(t, a, Job{Source: source, Driving: opener(driving), Frames: 7,
			Observe:  func(i int, kp Keypoints) error { seen = append(seen, i); return nil },
			Progress: func(done, total int) { progress = append(progress, done, total) },
		})
		equal(t, fmt.Sprint("batch ", batch), got, want)
		if fmt.Sprint(seen) != "[-1 0 1 2 3 4 5 6]" || fmt.Sprint(progress) != "[1 7 2 7 3 7 4 7 5 7 6 7 7 7]" {
			t.Errorf("batch %d: seen %v, told %v", batch, seen, progress)
		}
	}
}

func TestWarnings(t *testing.T) {
	a := open(t, Options{})
	source, driving := blobs(1, 2)[0], blobs(3, 3)
	_, s := keypointRows(t, a, source)
	_, d := keypointRows(t, a, driving[0])
	distance, ok := PoseDistance(s, d)
	if !ok || distance < FarPose {
		t.Fatalf("the pictures of this test are %v apart, %v", distance, ok)
	}
	var said []string
	_, report := animated(t, a, Job{Source: source, Driving: opener(driving), Warn: func(text string) { said = append(said, text) }})
	if len(said) != 1 || !strings.Contains(said[0], "--find_best_frame") || math.Abs(report.PoseDistance-distance) > 1e-6 {
		t.Errorf("%q, %+v", said, report)
	}
	said = nil
	animated(t, a, Job{Source: source, Driving: opener(driving), Motion: Motion{Absolute: true}, Warn: func(text string) { said = append(said, text) }})
	animated(t, a, Job{Source: driving[0], Driving: opener(driving), Warn: func(text string) { said = append(said, text) }})
	if len(said) != 0 {
		t.Errorf("%q", said)
	}
}

func TestJobsThatCannotBe(t *testing.T) {
	a := open(t, Options{Batch: 2})
	source, driving := blobs(1, 2)[0], blobs(5, 3)
	broken := func(ctx context.Context) (video.Reader, error) {
		return video.Sequence(ctx, 5, func(i int) (*video.Frame, error) {
			if i == 3 {
				return nil, errors.New("it is damaged")
			}
			return driving[i], nil
		}), nil
	}
	for want, job := range map[string]Job{
		"a source picture":           {Driving: opener(driving)},
		"and a driving video":        {Source: source},
		"source picture: fit":        {Source: &video.Frame{W: 3, H: 3}, Driving: opener(driving)},
		"count from 0":               {Source: source, Driving: opener(driving), Motion: Motion{BestFrame: -1}},
		"has 5 frames":               {Source: source, Driving: opener(driving), Motion: Motion{BestFrame: 5}},
		"given or to be found":       {Source: source, Driving: opener(driving), Motion: Motion{BestFrame: 1, FindBestFrame: true}},
		"absolute motion":            {Source: source, Driving: opener(driving), Motion: Motion{Absolute: true, AdaptScale: true}},
		"none of stretch":            {Source: source, Driving: opener(driving), Fit: "squash"},
		"driving video: it is damag": {Source: source, Driving: broken},
		"no such file":               {Source: source, Driving: a.Driving(filepath.Join(run, "none.mp4"), video.Limits{})},
		"cannot watch":               {Source: source, Driving: opener(driving), Observe: func(int, Keypoints) error { return errors.New("cannot watch") }},
	} {
		if _, err := a.Video(context.Background(), job, &memory{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := a.Video(context.Background(), Job{Source: source, Driving: opener(driving)}, &full{}); err == nil || !strings.Contains(err.Error(), "disk") {
		t.Errorf("a full disk: %v", err)
	}
	if _, err := Open(run, Options{Batch: -1}); err == nil {
		t.Error("a negative batch")
	}
	file := filepath.Join(t.TempDir(), "vox.pth.tar")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, Options{}); err == nil || !strings.Contains(err.Error(), "cmd:convert") {
		t.Errorf("a file of weights: %v", err)
	}
	if _, err := Open(file+"x", Options{}); !IsMissing(err) {
		t.Errorf("a missing run: %v", err)
	}
}

// full is a disk that is full after a frame.
type full struct{ n int }

func (f *full) Write(*video.Frame) error {
	if f.n++; f.n > 1 {
		return errors.New("the disk is full")
	}
	return nil
}
func (f *full) Close() error { return nil }
func (f *full) Abort()       {}

// endless is a video that never ends, as a camera.
type endless struct{ closed *bool }

func (endless) Next() (*video.Frame, error) { return video.NewFrame(side, side), nil }
func (e endless) Close() error              { *e.closed = true; return nil }

func TestCancel(t *testing.T) {
	a := open(t, Options{Batch: 2})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	closed := false
	job := Job{
		Source:   blobs(1, 2)[0],
		Driving:  func(context.Context) (video.Reader, error) { return endless{&closed}, nil },
		Progress: func(done, _ int) { cancel() },
	}
	begin := time.Now()
	if _, err := a.Video(ctx, job, &memory{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	if took := time.Since(begin); took > 30*time.Second || !closed {
		t.Errorf("took %v, reader closed: %v", took, closed)
	}
}

// From film to film, and to a folder of pictures that holds what was computed.
func TestFiles(t *testing.T) {
	a := open(t, Options{})
	dir := t.TempDir()
	ctx := context.Background()
	source, driving := blobs(1, 2)[0], blobs(10, 3)
	drivingPath := filepath.Join(dir, "driving.mkv")
	film, err := video.CreateFilm(ctx, drivingPath, side, side, video.FilmOptions{Rate: "30000/1001", Quality: video.Lossless})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range driving {
		if err := film.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := film.Close(); err != nil {
		t.Fatal(err)
	}
	want, _ := animated(t, a, Job{Source: source, Driving: opener(driving)})
	for _, name := range []string{"frames", "lossless.mkv"} {
		path := filepath.Join(dir, name)
		sink, err := video.Create(ctx, path, side, side, video.FilmOptions{Rate: "30000/1001", Quality: video.Lossless})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Video(ctx, Job{Source: source, Driving: a.Driving(drivingPath, video.Limits{})}, sink); err != nil {
			t.Fatal(err)
		}
		if err := sink.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := video.Open(ctx, path, 0, 0, video.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var got []*video.Frame
		for {
			f, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, f)
		}
		r.Close()
		for i := range got {
			if !bytes.Equal(got[i].Pix, want[i].Pix) {
				t.Errorf("%s: frame %d is not what was computed", name, i)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d frames", name, len(got))
		}
	}
}

// What is no finite number is told, not turned into pixels or motion.
func TestNumbersThatAreNone(t *testing.T) {
	nan := float32(math.NaN())
	if _, err := newKeypoints(1, []float32{0, nan}, nil); err == nil {
		t.Error("a keypoint that is no number")
	}
	if _, err := newKeypoints(2, []float32{0, 1, 2}, nil); err == nil {
		t.Error("three coordinates of two pictures")
	}
	a := &Animator{h: 1, w: 1}
	if _, err := a.frames([]float32{0, nan, 1}); err == nil {
		t.Error("a pixel that is no number")
	}
	flat := Keypoints{N: 1, K: 1, Value: []float32{0, 0}, Jacobian: []float32{1, 1, 1, 1}}
	if _, err := flat.Relative(flat, flat, 1, true); err == nil || !strings.Contains(err.Error(), "singular") {
		t.Errorf("a singular Jacobian: %v", err)
	}
}
