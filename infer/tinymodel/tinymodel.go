// Package tinymodel makes trained models for tests, small enough to animate in
// milliseconds: nothing was learned, but everything moves.
package tinymodel

import (
	"fmt"
	"os"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// Sets are settings of small networks on pictures of 32x32 pixels.
func Sets() []string {
	return []string{
		"frame_shape=[32,32,3]", "num_kp=5",
		"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
		"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
		"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
		"discriminator_params.block_expansion=2", "train_params.scales=[1]", "vgg19.width_divisor=32",
	}
}

// MonkeyNet are settings of such networks of Monkey-Net.
func MonkeyNet() []string {
	return []string{
		"variant=monkeynet", "frame_shape=[32,32,3]", "monkeynet_params.common_params.num_kp=5",
		"monkeynet_params.kp_detector_params={block_expansion: 4, max_features: 8, num_blocks: 2, scale_factor: 1, temperature: 0.1, clip_variance: 0.01}",
		"monkeynet_params.generator_params.block_expansion=4", "monkeynet_params.generator_params.max_features=8",
		"monkeynet_params.generator_params.num_blocks=2", "monkeynet_params.generator_params.num_refinement_blocks=1",
		"monkeynet_params.generator_params.dense_motion_params.block_expansion=4",
		"monkeynet_params.generator_params.dense_motion_params.max_features=8",
		"monkeynet_params.generator_params.dense_motion_params.num_blocks=2",
		"monkeynet_params.discriminator_params.block_expansion=2", "monkeynet_params.discriminator_params.num_blocks=2",
		"monkeynet_params.loss_weights.reconstruction=[10, 10, 10]",
	}
}

// X2Face are settings of such networks of X2Face.
func X2Face() []string {
	return []string{
		"variant=x2face", "frame_shape=[32,32,3]", "x2face_params.num_levels=5", "x2face_params.block_expansion=4",
		"x2face_params.max_features=8", "x2face_params.inner_features=8",
	}
}

// Write makes a run folder with one checkpoint of an animator. More settings
// (key=value) come on top of Sets.
func Write(dir string, seed int64, sets ...string) error {
	return WriteSized(dir, seed, config.Options{Sets: append(Sets(), sets...)})
}

// WriteFamily is Write for the settings of a family: MonkeyNet or X2Face.
func WriteFamily(dir string, seed int64, sets []string) error {
	return WriteSized(dir, seed, config.Options{Variant: strings.TrimPrefix(sets[0], "variant="), Sets: sets})
}

// WriteVariant is Write for a variant of any family; more settings come on top of
// its family's.
func WriteVariant(dir string, seed int64, v model.Variant, sets ...string) error {
	own := Sets()
	switch v {
	case model.MonkeyNet:
		own = MonkeyNet()
	case model.X2Face:
		own = X2Face()
	}
	return WriteSized(dir, seed, config.Options{Variant: string(v), Sets: append(own, sets...)})
}

// WriteSized is Write for networks of any size, such as those of a preset: for
// measurements.
func WriteSized(dir string, seed int64, o config.Options) error {
	o.Device, o.AllowMissing = "cpu", true
	c, _, err := config.Resolve(o)
	if err != nil {
		return err
	}
	s := graph.New(tensorflow.Float)
	c.Family().NewAnimator(s)
	if err := s.Err(); err != nil {
		return err
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		return err
	}
	defer session.Close()
	if err := graph.Initialize(session, s.Variables(), seed); err != nil {
		return err
	}
	groups, err := perturbed(session, s, seed)
	if err != nil {
		return err
	}
	return save(rundir.Dir(dir), c, groups)
}

// perturbed are the variables, changed where fresh ones would make a model
// that finds all keypoints in the middle and leaves every picture as it is.
func perturbed(session *tf.Session, s *graph.Scope, seed int64) ([]checkpoint.Group, error) {
	var groups []checkpoint.Group
	for _, g := range []struct {
		name string
		kind graph.Kind
	}{{rundir.Weights, graph.Trainable}, {rundir.State, graph.State}} {
		values, err := graph.Fetch(session, s.Variables(g.kind))
		if err != nil {
			return nil, err
		}
		group := checkpoint.Group{Name: g.name}
		for _, v := range s.Variables(g.kind) {
			t, err := perturb(v.Name, values[v], g.kind, random.New(seed, random.Label(v.Name)))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", v.Name, err)
			}
			group.Tensors = append(group.Tensors, checkpoint.NamedTensor{Name: v.Name, Tensor: t})
		}
		groups = append(groups, group)
	}
	return groups, nil
}

func perturb(name string, t *tensorflow.Tensor, kind graph.Kind, r *random.Rand) (*tensorflow.Tensor, error) {
	if t.DataType() != tensorflow.Float {
		return t, nil
	}
	values, err := tf.Values[float32](t)
	if err != nil {
		return nil, err
	}
	scale := noiseScale(t.Shape())
	for i := range values {
		switch {
		case strings.HasPrefix(name, "kp_detector.kp.weight"), strings.HasPrefix(name, "kp_detector.predictor.decoder.conv.weight"):
			values[i] *= 20 // sharp heatmaps
		case strings.HasPrefix(name, "generator.final.weight"), strings.HasPrefix(name, "generator.refinement_module.conv-last.weight"):
			values[i] *= 20 // strong colours
		case strings.HasPrefix(name, "kp_detector.jacobian."):
			values[i] += float32(scale * r.Uniform(-0.1, 0.1))
		case kind == graph.State:
			values[i] *= float32(r.Uniform(0.8, 1.2))
		default:
			values[i] += float32(scale * r.Uniform(-0.05, 0.05))
		}
	}
	return tf.NewTensor(values, t.Shape()...)
}

// noiseScale is 1 for what small networks have. A kernel [height, width, in, out]
// that sums up more values gets less noise, in proportion: else large networks
// would have Jacobians so far from the identity that inverting them makes errors
// of rounding visible, as no trained network has.
func noiseScale(dims []int64) float64 {
	const small = 400
	if len(dims) != 4 || dims[0]*dims[1]*dims[2] <= small {
		return 1
	}
	return small / float64(dims[0]*dims[1]*dims[2])
}

func save(run rundir.Dir, c *config.Config, groups []checkpoint.Group) error {
	text, err := c.Marshal()
	if err != nil {
		return err
	}
	const step = 3
	notes, err := rundir.Meta{
		Step: step, Attempt: step, Preset: c.Preset, Variant: string(c.Variant), FrameShape: c.Dataset.FrameShape,
		Fit: string(c.Dataset.Fit), AlignCorners: c.Model.AlignCorners, VGG19: "random", Config: string(text),
	}.Encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(run), 0o777); err != nil {
		return err
	}
	if err := durable.WriteFile(run.Config(), text); err != nil {
		return err
	}
	return checkpoint.OpenStore(run.Checkpoints()).Save(step, notes, groups...)
}
