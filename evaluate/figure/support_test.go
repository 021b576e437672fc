package figure

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// tau is a threshold at which untrained networks have both a background and a
// foreground.
const tau = "prioritycut_params.bg_threshold=0.25"

// sets are settings of networks small enough for tests.
var sets = []string{
	"frame_shape=[32,32,3]", "num_kp=3", tau,
	"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
	"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
	"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
	"discriminator_params.block_expansion=2", "train_params.scales=[1]", "vgg19.width_divisor=32",
}

// resolve is a small configuration.
func resolve(t *testing.T, variant model.Variant, more ...string) *config.Config {
	t.Helper()
	c, _, err := config.Resolve(config.Options{Device: "cpu", Variant: string(variant), Sets: append(slices.Clone(sets), more...)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// saved writes a checkpoint of networks with drawn weights, without those whose
// names begin with a prefix in left, and returns its folder.
func saved(t *testing.T, c *config.Config, seed int64, change func(*rundir.Meta), left ...string) string {
	t.Helper()
	s := graph.New(tensorflow.Float)
	c.Family().NewAnimator(s)
	c.Family().NewCritic(s)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	var list []checkpoint.Group
	for _, g := range []struct {
		name string
		kind graph.Kind
	}{{rundir.Weights, graph.Trainable}, {rundir.State, graph.State}} {
		group := checkpoint.Group{Name: g.name}
		for _, v := range s.Variables(g.kind) {
			if slices.ContainsFunc(left, func(p string) bool { return strings.HasPrefix(v.Name, p) }) {
				continue
			}
			value, err := graph.NewTensor(v.DType, lively(v, seed), v.Dims...)
			if err != nil {
				t.Fatal(err)
			}
			group.Tensors = append(group.Tensors, checkpoint.NamedTensor{Name: v.Name, Tensor: value})
		}
		list = append(list, group)
	}
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	meta := rundir.Meta{
		Step: 7, Attempt: 7, Preset: c.Preset, Variant: string(c.Variant), FrameShape: c.Dataset.FrameShape,
		Fit: string(c.Dataset.Fit), AlignCorners: c.Model.AlignCorners, VGG19: "random", Config: string(text),
	}
	if change != nil {
		change(&meta)
	}
	notes, err := meta.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	if err := checkpoint.OpenStore(filepath.Join(dir, "checkpoints")).Save(meta.Step, notes, list...); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "checkpoints")
}

// lively are first values, larger where an untrained network would hardly move
// and hardly hide anything.
func lively(v *graph.Variable, seed int64) []float64 {
	values := v.Initial(seed)
	r := random.New(seed, random.Label(v.Name), random.Label("lively"))
	for i := range values {
		switch {
		case strings.HasPrefix(v.Name, "kp_detector.jacobian"):
			values[i] += r.Uniform(-0.3, 0.3)
		case strings.HasSuffix(v.Name, "mask.weight") || strings.HasSuffix(v.Name, "occlusion.weight"):
			values[i] *= 6
		}
	}
	return values
}
