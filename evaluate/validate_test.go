package evaluate

import (
	"context"
	"errors"
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// drawn is a data set of small figures.
func drawn(t *testing.T, side int) *dataset.Dataset {
	t.Helper()
	set, err := shapes.New(shapes.Options{TrainVideos: 1, TestVideos: 2, Frames: 5, Width: side, Height: side})
	if err != nil {
		t.Fatal(err)
	}
	p := dataset.DefaultParams()
	p.FrameShape = [3]int{side, side, 3}
	data, err := dataset.FromSource(set, p)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// network is a small animator with its reconstruction and a session in which
// it has its first weights.
func network(t *testing.T, side int) (*graph.Scope, *fomm.Animator, *Reconstructor, *tf.Session) {
	t.Helper()
	c, _, err := config.Resolve(config.Options{Device: "cpu", Sets: []string{
		"num_kp=3", "kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
		"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
		"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return networkOf(t, c, side)
}

// networkOf is the inference of a configuration's networks with their first
// weights.
func networkOf(t *testing.T, c *config.Config, side int) (*graph.Scope, *fomm.Animator, *Reconstructor, *tf.Session) {
	t.Helper()
	s := graph.New(tensorflow.Float)
	a := fomm.NewAnimator(s, c.Model)
	r, err := NewReconstructor(s, a, side, side)
	if err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	if err := graph.Initialize(session, s.Variables(), 1); err != nil {
		t.Fatal(err)
	}
	return s, a, r, session
}

// reconstruct is encode and decode at once.
func (r *Reconstructor) reconstruct(run graph.Runner, source *video.Frame, driving []*video.Frame) (predictions, backgrounds []float32, err error) {
	encoded, err := r.Encode(run, source)
	if err != nil {
		return nil, nil, err
	}
	made, err := r.Reconstruct(run, encoded, driving, infer.Prediction, infer.Background)
	return made[infer.Prediction], made[infer.Background], err
}

// TestValidate compares the sums with ones made frame by frame, in another way,
// from single reconstructions and the drawn truth.
func TestValidate(t *testing.T) {
	const side = 32
	ctx := context.Background()
	_, _, r, session := network(t, side)
	data := drawn(t, side)
	const tau = 0.3 // an untrained network is sure of nothing
	got, err := Validate(ctx, session, r, data.Test(), Options{BGThreshold: tau})
	if err != nil {
		t.Fatal(err)
	}

	want := Result{Videos: 2, Frames: 10, Foreground: &Errors{}}
	both, either := 0, 0
	for _, v := range data.Test() {
		frames, err := v.Frames(ctx, 0, 1, 2, 3, 4)
		if err != nil {
			t.Fatal(err)
		}
		at := func(f *video.Frame, i int) float64 { return float64(f.Pix[i]) / 255 }
		still, _, err := r.reconstruct(session, frames[0], frames[:1])
		if err != nil {
			t.Fatal(err)
		}
		for index, f := range frames {
			made, alpha, err := r.reconstruct(session, frames[0], []*video.Frame{f})
			if err != nil {
				t.Fatal(err)
			}
			truth, err := v.Drawn().(*shapes.Video).Truth(index)
			if err != nil {
				t.Fatal(err)
			}
			inside := 0.0
			for _, l := range truth.Labels {
				if l != shapes.Background {
					inside++
				}
			}
			for i := range f.Pix {
				mean := 0.0
				for _, other := range frames {
					mean += at(other, i) / 5
				}
				for _, part := range []struct {
					e      *Errors
					weight float64
				}{{&want.Whole, 1 / (10 * 3 * float64(side*side))}, {want.Foreground, 1 / (10 * 3 * inside)}} {
					if part.e == want.Foreground && truth.Labels[i/3] == shapes.Background {
						continue
					}
					part.e.L1 += part.weight * math.Abs(float64(made[i])-at(f, i))
					part.e.CopySource += part.weight * math.Abs(at(frames[0], i)-at(f, i))
					part.e.MeanFrame += part.weight * math.Abs(mean-at(f, i))
					part.e.Frozen += part.weight * math.Abs(float64(still[i])-at(f, i))
				}
			}
			for i, a := range alpha {
				said, is := a > tau, truth.Labels[i] == shapes.Background
				if said && is {
					both++
				}
				if said || is {
					either++
				}
			}
		}
	}
	want.BackgroundIoU, want.HasBackground = float64(both)/float64(either), true
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6 })
	if diff := cmp.Diff(&want, got, near); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Foreground.CopySource < 2*got.Whole.CopySource {
		t.Errorf("figures move less than the picture: %+v", got)
	}

	few, err := Validate(ctx, session, r, data.Test(), Options{Videos: 1, Frames: 2, BGThreshold: tau})
	if err != nil || few.Videos != 1 || few.Frames != 2 {
		t.Errorf("a cheap validation gives %+v, %v", few, err)
	}
	if _, err := Validate(ctx, session, r, nil, Options{}); !errors.Is(err, ErrNoVideo) {
		t.Errorf("no video gives %v", err)
	}
	grid, err := r.Grid(ctx, session, data.Test(), Options{BGThreshold: tau}, picture.Style{Border: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(grid.Columns) != 9 || len(grid.Columns[8].Cells) != 2 {
		t.Errorf("a grid of %d columns", len(grid.Columns))
	}
}

// TestSourceIsEncodedOnce compares with the whole networks run on every pair.
func TestSourceIsEncodedOnce(t *testing.T) {
	const side, n = 32, 3
	ctx := context.Background()
	s, a, r, _ := network(t, side)
	infer := s.WithTraining(false).At("pairs")
	source := infer.Placeholder("source", tensorflow.Float, n, side, side, 3)
	driving := infer.Placeholder("driving", tensorflow.Float, n, side, side, 3)
	g := a.Generator.Generate(infer, source, a.KPDetector.Detect(infer.At("a"), source).Keypoints, a.KPDetector.Detect(infer.At("b"), driving).Keypoints)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := graph.Initialize(session, s.Variables(), 3); err != nil {
		t.Fatal(err)
	}
	frames, err := drawn(t, side).Test()[0].Frames(ctx, 0, 1, 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := r.reconstruct(session, frames[0], frames[1:])
	if err != nil {
		t.Fatal(err)
	}
	var sources, drivings []float32
	for _, f := range frames[1:] {
		sources = append(sources, unit(frames[0].Pix)...)
		drivings = append(drivings, unit(f.Pix)...)
	}
	one, err := tf.NewTensor(sources, n, side, side, 3)
	if err != nil {
		t.Fatal(err)
	}
	two, err := tf.NewTensor(drivings, n, side, side, 3)
	if err != nil {
		t.Fatal(err)
	}
	out, err := session.Run(map[tensorflow.Output]*tensorflow.Tensor{source: one, driving: two}, []tensorflow.Output{g.Prediction}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := tf.Values[float32](out[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if math.Abs(float64(want[i]-got[i])) > 1e-5 {
			t.Fatalf("value %d is %v, of whole pairs %v", i, got[i], want[i])
		}
	}
	if _, _, err := r.reconstruct(session, video.NewFrame(8, 8), frames[1:]); err == nil {
		t.Error("a frame of another size is taken")
	}
}

// broken is a video that cannot be read.
type broken struct{ dataset.Video }

func (broken) Name() string                    { return "broken" }
func (broken) Len() int                        { return 4 }
func (broken) Frame(int) (*video.Frame, error) { return nil, errors.New("torn") }

// halfBroken is a data set one of whose test videos is broken.
type halfBroken struct{ dataset.Source }

func (h halfBroken) Test() []dataset.Video {
	return append([]dataset.Video{broken{}}, h.Source.Test()...)
}

func TestBrokenVideosAreSkipped(t *testing.T) {
	const side = 32
	ctx := context.Background()
	_, _, r, session := network(t, side)
	set, err := shapes.New(shapes.Options{TrainVideos: 1, TestVideos: 1, Frames: 2, Width: side, Height: side})
	if err != nil {
		t.Fatal(err)
	}
	p := dataset.DefaultParams()
	p.FrameShape = [3]int{side, side, 3}
	data, err := dataset.FromSource(halfBroken{set}, p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Validate(ctx, session, r, data.Test(), Options{})
	if err != nil || got.Videos != 1 || !cmp.Equal(got.Skipped, []string{"broken"}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Validate(ctx, session, r, data.Test()[:1], Options{}); err == nil {
		t.Error("only broken videos give no error")
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		length, n int
		want      []int
	}{
		{5, 0, []int{0, 1, 2, 3, 4}}, {5, 9, []int{0, 1, 2, 3, 4}}, {10, 3, []int{0, 3, 6}}, {24, 8, []int{0, 3, 6, 9, 12, 15, 18, 21}}, {1, 1, []int{0}},
	} {
		if diff := cmp.Diff(c.want, spread(c.length, c.n)); diff != "" {
			t.Errorf("%d of %d (-want +got):\n%s", c.n, c.length, diff)
		}
	}
}
