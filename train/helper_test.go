package train

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
)

// tiny resolves a configuration of networks small enough for tests: the real
// code on pictures of 32x32 pixels. Sets come on top.
func tiny(t *testing.T, variant model.Variant, sets ...string) *config.Config {
	t.Helper()
	return resolve(t, config.Options{Variant: string(variant), Sets: append([]string{
		"frame_shape=[32,32,3]", "batch_size=2", "num_kp=3",
		"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
		"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
		"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
		"discriminator_params.block_expansion=2", "vgg19.width_divisor=32", "train_params.scales=[1]",
		"step_milestones=[]", "steps=4", "log_steps=1", "checkpoint_steps=100", "checkpoint_freq=0",
		"validation_steps=0", "validation_videos=2", "validation_frames=3", "picture_steps=0", "reconstruction_params.num_videos=1", "inter_threads=2",
	}, sets...)})
}

func resolve(t *testing.T, o config.Options) *config.Config {
	t.Helper()
	o.Device = "cpu"
	c, _, err := config.Resolve(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// complete runs a configuration to its end.
func complete(t *testing.T, dir string, c *config.Config) {
	t.Helper()
	if err := Run(context.Background(), RunOptions{Config: c, Dir: dir, Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
}

// begin opens folder and data of a run and prepares it to take steps. What it
// holds is released with the test.
func begin(t *testing.T, dir string, c *config.Config) (*session, error) {
	t.Helper()
	f, err := openFolder(rundir.Dir(dir), c, durable.OS{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	s := &session{config: c, folder: f, out: io.Discard, options: OptionsOf(c)}
	if err := s.openData(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s, s.prepare()
}

// state reads all that a checkpoint keeps, by name.
func state(t *testing.T, s *session) map[string][]byte {
	t.Helper()
	return stateIn(t, s.session, s.scope)
}

// stateIn is that of one replica.
func stateIn(t *testing.T, run graph.Runner, scope *graph.Scope) map[string][]byte {
	t.Helper()
	groups, err := snapshot(run, scope)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, g := range groups {
		for _, n := range g.Tensors {
			var b bytes.Buffer
			if _, err := n.Tensor.WriteContentsTo(&b); err != nil {
				t.Fatal(err)
			}
			all[n.Name] = b.Bytes()
		}
	}
	return all
}

func readPicture(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// termsOf are the columns of a row's losses and measurements.
func termsOf(r Row) (terms []string) {
	for name := range r.Values {
		own := name == warmupColumn || name == secondsPerStep || name == dataWaitShare
		for _, prefix := range []string{ratePrefix, gradientPrefix, "val_"} {
			own = own || strings.HasPrefix(name, prefix)
		}
		if !own {
			terms = append(terms, name)
		}
	}
	return terms
}
