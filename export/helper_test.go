package export

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/decode"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

// height and width differ, so that mixed-up axes are seen.
const height, width, points = 32, 64, 3

// sets are settings of networks small enough for tests.
var sets = []string{
	"frame_shape=[32,64,3]", "num_kp=3",
	"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
	"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
	"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
	"discriminator_params.block_expansion=2", "train_params.scales=[1]", "vgg19.width_divisor=32",
}

// someModel is a model with random weights whose keypoints, Jacobians and
// averages are anything but neutral.
func someModel(t testing.TB, seed int64, more ...string) *infer.Model {
	t.Helper()
	return louderModel(t, seed, 1, 0, more...)
}

// louderModel is someModel with the last layer's values times loud, and every
// value worn: changed by up to so much of itself.
func louderModel(t testing.TB, seed int64, loud, worn float64, more ...string) *infer.Model {
	t.Helper()
	c, _, err := config.Resolve(config.Options{Device: "cpu", Sets: append(slices.Clone(sets), more...)})
	if err != nil {
		t.Fatal(err)
	}
	s := graph.New(tensorflow.Float)
	fomm.NewAnimator(s, c.Model)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	groups := map[graph.Kind]*checkpoint.Group{graph.Trainable: {Name: rundir.Weights}, graph.State: {Name: rundir.State}}
	for _, v := range s.Variables() {
		groups[v.Kind].Tensors = append(groups[v.Kind].Tensors, checkpoint.NamedTensor{Name: v.Name, Tensor: disturbed(t, v, seed, loud, worn)})
	}
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	notes, err := rundir.Meta{
		Step: 700, Attempt: 700, Preset: c.Preset, Variant: string(c.Variant), FrameShape: c.Dataset.FrameShape,
		Fit: string(c.Dataset.Fit), AlignCorners: c.Model.AlignCorners, VGG19: "random", Config: string(text),
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "checkpoint")
	if err := checkpoint.Write(durable.OS{}, dir, 700, notes, *groups[graph.Trainable], *groups[graph.State]); err != nil {
		t.Fatal(err)
	}
	m, err := infer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// disturbed is the first value of a variable with noise.
func disturbed(t testing.TB, v *graph.Variable, seed int64, loud, worn float64) *tensorflow.Tensor {
	t.Helper()
	values := v.Initial(seed)
	r := random.New(seed, random.Label(v.Name), 1)
	wear := random.New(seed, random.Label(v.Name), 2)
	size := 0.1
	if strings.HasPrefix(v.Name, "kp_detector.jacobian.") {
		size = 0.02 // far from singular
	}
	if strings.HasPrefix(v.Name, "kp_detector.kp.") {
		size = 0.5 // keypoints apart from each other
	}
	for i := range values {
		values[i] += size * r.Uniform(-1, 1)
		if strings.HasPrefix(v.Name, "generator.final.") {
			values[i] *= loud
		}
		values[i] *= 1 + worn*wear.Uniform(-1, 1)
	}
	tensor, err := graph.NewTensor(v.DType, values, v.Dims...)
	if err != nil {
		t.Fatal(err)
	}
	return tensor
}

// exported writes a model as root/name/version.
func exported(t testing.TB, m *infer.Model, o Options) *Plan {
	t.Helper()
	p, err := Prepare(m, o)
	if err != nil {
		t.Fatal(err)
	}
	done, err := p.Write(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if done.Difference > tolerance || done.Bytes < 10_000 {
		t.Errorf("written: %+v", done)
	}
	return p
}

func open(t testing.TB, dir string) *savedmodel.Model {
	t.Helper()
	s, err := savedmodel.Open(dir, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// noise are n pictures, [n, 32, 64, 3].
func noise(t testing.TB, seed int64, n int) *tensorflow.Tensor {
	t.Helper()
	return sizedNoise(t, seed, n, [3]int{height, width, 3})
}

// sizedNoise are n pictures of that shape.
func sizedNoise(t testing.TB, seed int64, n int, shape [3]int) *tensorflow.Tensor {
	t.Helper()
	r := random.New(seed)
	values := make([]float32, n*shape[0]*shape[1]*shape[2])
	for i := range values {
		values[i] = float32(r.Uniform(0, 1))
	}
	return floats(t, values, int64(n), int64(shape[0]), int64(shape[1]), int64(shape[2]))
}

func floats(t testing.TB, values []float32, dims ...int64) *tensorflow.Tensor {
	t.Helper()
	v, err := tf.NewTensor(values, dims...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func valuesOf(t testing.TB, v *tensorflow.Tensor) []float32 {
	t.Helper()
	values, err := tf.Values[float32](v)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func farthest(t testing.TB, a, b []float32) float64 {
	t.Helper()
	if len(a) != len(b) || len(a) == 0 {
		t.Fatalf("%d and %d values", len(a), len(b))
	}
	far := 0.0
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		if d != d {
			t.Fatal("not a number")
		}
		far = max(far, d, -d)
	}
	return far
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func files(t testing.TB, list ...[]byte) *tensorflow.Tensor {
	t.Helper()
	text := make([]string, len(list))
	for i, f := range list {
		text[i] = string(f)
	}
	v, err := tensorflow.NewTensor(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// decoder runs the decoding of files by itself.
func decoder(t testing.TB, fit video.Fit) func(list ...[]byte) ([]float32, error) {
	t.Helper()
	g := tensorflow.NewGraph()
	in, out, err := decode.Files(g, "files", height, width, fit)
	if err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(g, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return func(list ...[]byte) ([]float32, error) {
		got, err := session.Run(map[tensorflow.Output]*tensorflow.Tensor{in: files(t, list...)}, []tensorflow.Output{out}, nil)
		if err != nil {
			return nil, err
		}
		return valuesOf(t, got[0]), nil
	}
}
