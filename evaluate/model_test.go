package evaluate

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// shared is a folder that lives as long as the tests.
var shared string

func TestMain(m *testing.M) {
	var err error
	if shared, err = os.MkdirTemp("", "evaluate-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(shared)
	os.Exit(code)
}

// testModel returns the run of a small untrained model whose output moves. It
// is not to be written to: tests share it.
func testModel(t *testing.T, seed int64) string {
	t.Helper()
	run := filepath.Join(shared, fmt.Sprint(seed), "tiny")
	if _, err := os.Stat(run); err != nil {
		writeModel(t, rundir.Dir(run), seed, func(string, []float32) {})
	}
	return run
}

// writeModel writes the run of a model with its first weights, after change
// changed them.
func writeModel(t *testing.T, run rundir.Dir, seed int64, change func(name string, weights []float32)) {
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
	fomm.NewAnimator(s, c.Model)
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := graph.Initialize(session, s.Variables(), seed); err != nil {
		t.Fatal(err)
	}
	var groups []checkpoint.Group
	for _, g := range []struct {
		name string
		kind graph.Kind
	}{{rundir.Weights, graph.Trainable}, {rundir.State, graph.State}} {
		group := checkpoint.Group{Name: g.name}
		values, err := graph.Fetch(session, s.Variables(g.kind))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range s.Variables(g.kind) {
			weights, err := tf.Values[float32](values[v])
			if err != nil {
				t.Fatal(err)
			}
			change(v.Name, weights)
			tensor, err := tf.NewTensor(weights, values[v].Shape()...)
			if err != nil {
				t.Fatal(err)
			}
			group.Tensors = append(group.Tensors, checkpoint.NamedTensor{Name: v.Name, Tensor: tensor})
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
	if err := os.MkdirAll(string(run), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(run.Config(), text); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.OpenStore(run.Checkpoints()).Save(5, notes, groups...); err != nil {
		t.Fatal(err)
	}
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
	err = savedmodel.Write(dir, savedmodel.Def{Graph: def, Signatures: []savedmodel.SignatureDef{{
		Name:    savedmodel.DefaultSignature,
		Inputs:  map[string]savedmodel.TensorSpec{"image": savedmodel.SpecOf(image)},
		Outputs: map[string]savedmodel.TensorSpec{"keypoints": savedmodel.SpecOf(keypoints), "embedding": savedmodel.SpecOf(two)},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
