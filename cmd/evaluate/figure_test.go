package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// figureSets are settings of networks small enough for tests; untrained ones
// are sure of nothing, hence the low threshold.
var figureSets = []string{
	"frame_shape=[32,32,3]", "num_kp=3", "prioritycut_params.bg_threshold=0.25",
	"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
	"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
	"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
	"discriminator_params.block_expansion=2", "train_params.scales=[1]", "vgg19.width_divisor=32",
}

// untrained writes a run of a variant with its first weights.
func untrained(t *testing.T, variant string) string {
	t.Helper()
	c, _, err := config.Resolve(config.Options{Device: "cpu", Variant: variant, Sets: figureSets})
	if err != nil {
		t.Fatal(err)
	}
	s := graph.New(tensorflow.Float)
	c.Family().NewAnimator(s)
	c.Family().NewCritic(s)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	groups := []checkpoint.Group{{Name: rundir.Weights}, {Name: rundir.State}}
	for i, kind := range []graph.Kind{graph.Trainable, graph.State} {
		for _, v := range s.Variables(kind) {
			value, err := graph.NewTensor(v.DType, v.Initial(4), v.Dims...)
			if err != nil {
				t.Fatal(err)
			}
			groups[i].Tensors = append(groups[i].Tensors, checkpoint.NamedTensor{Name: v.Name, Tensor: value})
		}
	}
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	notes, err := rundir.Meta{
		Step: 1, Attempt: 1, Preset: c.Preset, Variant: variant, FrameShape: c.Dataset.FrameShape, Fit: string(c.Dataset.Fit),
		AlignCorners: c.Model.AlignCorners, VGG19: "random", Config: string(text),
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), variant)
	if err := checkpoint.OpenStore(filepath.Join(dir, "checkpoints")).Save(1, notes, groups...); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "checkpoints")
}

// drawFigure is the program with flags, as from a shell.
func drawFigure(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := command()
	var out, errs bytes.Buffer
	p.Stdout, p.Stderr = &out, &errs
	code = p.Run(append(slices.Clone(args), "--device=cpu"), p.run)
	return code, out.String(), errs.String()
}

func TestFigure(t *testing.T) {
	cut, box := untrained(t, "prioritycut"), untrained(t, "cutmix")
	folder := t.TempDir()
	for name, args := range map[string][]string{
		"one.png":   {"--figure=1", "--checkpoint=" + cut, "--videos=2", "--percent=40"},
		"two.png":   {"--figure=2", cut, "--videos=test-0003", "--frames=7"},
		"three.png": {"--figure=3", "--checkpoints=" + box + "," + cut, "--videos=1"},
		"four.png":  {"--figure=4", "--data=shapes", "--labels=boxes,priority", "--videos=1", "--box=4,4,16,8", box, cut},
		"five.png":  {"--figure=5", "--checkpoints=" + box, "--videos=test-0001,test-0002", cut},
	} {
		out := filepath.Join(folder, "new", name)
		code, stdout, stderr := drawFigure(t, append(args, "--out="+out)...)
		if code != cli.ExitOK || !strings.Contains(stdout, "wrote "+out) {
			t.Errorf("%s: exit code %d: %s%s", name, code, stdout, stderr)
			continue
		}
		f, err := os.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		drawn, err := png.Decode(f)
		f.Close()
		if err != nil || drawn.Bounds().Dx() < 200 || drawn.Bounds().Dy() < 100 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFigureFlagsRefused(t *testing.T) {
	cut := untrained(t, "prioritycut")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--box=1,2,3,4"}, cli.ExitUsage, "say --figure"},
		{[]string{"--figure=7", cut}, cli.ExitUsage, "there is no figure 7"},
		{[]string{"--figure=4", cut, "--box=1,2,3"}, cli.ExitUsage, "x,y,w,h"},
		{[]string{"--figure=4", cut, "--box=1,2,0,4"}, cli.ExitUsage, "empty"},
		{[]string{"--figure=4", cut, "--videos=0"}, cli.ExitUsage, "from 1 on"},
		{[]string{"--figure=1", cut, "--keypoint_model=x", "--masks=none"}, cli.ExitUsage, "--masks --keypoint_model says nothing"},
		{[]string{"--figure=1", cut, "--out=x.jpg"}, cli.ExitUsage, ".png"},
		{[]string{"--figure=1", "/no/such/run"}, cli.ExitUsage, "/no/such/run"},
		{[]string{"--figure=1", cut, "--videos=nobody"}, cli.ExitFailed, "no test video"},
	} {
		code, _, stderr := drawFigure(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d: %s", c.args, code, stderr)
		}
	}
}
