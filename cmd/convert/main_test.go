package main

import (
	"bytes"
	"context"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
	"github.com/prioritycut/prioritycut/train"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestDocumented(t *testing.T) { clitest.Documented(t, "../..", command().Command) }

// run runs the program and returns its exit code and what it printed.
func run(t *testing.T, flags ...string) (code int, stdout, stderr string) {
	t.Helper()
	return clitest.Run(t, "", flags...)
}

// mustRun fails where the program does or complains.
func mustRun(t *testing.T, flags ...string) (stdout string) {
	t.Helper()
	code, stdout, stderr := run(t, flags...)
	if code != 0 || stderr != "" {
		t.Fatalf("%v: exit code %d\n%s", flags, code, stderr)
	}
	return stdout
}

func goldenFile(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := golden.Bytes(name)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRecipe follows the recommended recipe: a published checkpoint of FOMM is
// converted, trained on with PriorityCut, and what comes out is carried to
// another program's format and back.
func TestRecipe(t *testing.T) {
	dir := t.TempDir()
	published, yaml := goldenFile(t, dir, "small.pth.tar"), goldenFile(t, dir, "small.yaml")
	fomm, ours := filepath.Join(dir, "fomm"), rundir.Dir(filepath.Join(dir, "ours"))

	listed := mustRun(t, "--checkpoint="+published, "--config="+yaml, "--out="+fomm, "--dry_run")
	if _, err := os.Lstat(fomm); err == nil || !strings.Contains(listed, "generator.final.weight ") {
		t.Errorf("a dry run writes (%v), or lists\n%s", err, listed)
	}
	said := mustRun(t, "--checkpoint="+published, "--config="+yaml, "--out="+fomm)
	for _, want := range []string{"after epoch 7", "align_corners true", "Adam after 2 steps", "train -- --init_from=" + fomm + " --config=" + yaml} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said:\n%s", want, said)
		}
	}

	goOn(t, fomm, yaml, ours)
	after(t, ours)

	file, again := filepath.Join(dir, "ours.safetensors"), rundir.Dir(filepath.Join(dir, "again"))
	mustRun(t, "--checkpoint="+string(ours), "--out="+file)
	mustRun(t, "--checkpoint="+file, "--out="+string(again))
	sameCheckpoints(t, ours, again)

	// The convention of sampling is a part of the checkpoint.
	other := filepath.Join(dir, "other")
	mustRun(t, "--checkpoint="+published, "--config="+yaml, "--set=model_params.align_corners=false", "--out="+other)
	err := tryOn(other, yaml, rundir.Dir(filepath.Join(dir, "refused")))
	if err == nil || !strings.Contains(err.Error(), "align_corners") {
		t.Errorf("weights of the other convention: %v", err)
	}
}

// tryOn takes one step of PriorityCut from a converted checkpoint.
func tryOn(from, yaml string, out rundir.Dir) error {
	one := int64(1)
	c, _, err := config.Resolve(config.Options{
		ConfigFile: yaml, Variant: "prioritycut", InitFrom: from, Data: "shapes", VGG19: "random", Device: "cpu", Steps: &one,
		Sets: []string{
			"init_discriminator=matching", "batch_size=2", "vgg19.width_divisor=32", "train_params.scales=[1]",
			"validation_videos=1", "validation_frames=2", "reconstruction_params.num_videos=1", "checkpoint_freq=0",
		},
	})
	if err != nil {
		return err
	}
	return train.Run(context.Background(), train.RunOptions{Config: c, Dir: string(out), Out: io.Discard})
}

func goOn(t *testing.T, from, yaml string, out rundir.Dir) {
	t.Helper()
	if err := tryOn(from, yaml, out); err != nil {
		t.Fatal(err)
	}
}

func newest(t *testing.T, dir rundir.Dir) *checkpoint.Checkpoint {
	t.Helper()
	c, damaged, err := checkpoint.OpenStore(dir.Checkpoints()).Latest()
	if err != nil || len(damaged) > 0 {
		t.Fatal(err, damaged)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// after looks at the state after the step: the converted weights have moved by
// one step of Adam, whose counts went on.
func after(t *testing.T, run rundir.Dir) {
	t.Helper()
	c := newest(t, run)
	for name, want := range map[string]int64{"step": 1, "optimizer.generator.step": 3, "optimizer.kp_detector.step": 3, "optimizer.discriminator.step": 1} {
		tensor, err := c.Tensor(rundir.Optimizer, name)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := tf.Value[int64](tensor); err != nil || n != want {
			t.Errorf("%s is %d, not %d (%v)", name, n, want, err)
		}
	}
	arrays, err := golden.Load(golden.WeightsFile)
	if err != nil {
		t.Fatal(err)
	}
	for ours, theirs := range map[string]string{
		"generator.final.weight":                  "generator.final.weight",
		"kp_detector.jacobian.weight":             "kp_detector.jacobian.weight",
		"discriminator.down_blocks.0.conv.weight": "disc_kp.discs.1.down_blocks.0.conv.weight",
		"discriminator.down_blocks.3.norm.weight": "disc_kp.discs.1.down_blocks.3.norm.weight",
	} {
		was, err := arrays.Array(theirs)
		if err != nil {
			t.Fatal(err)
		}
		tensor, err := c.Tensor(rundir.Weights, ours)
		if err != nil {
			t.Fatal(err)
		}
		is, err := tf.Values[float32](tensor)
		if err != nil {
			t.Fatal(err)
		}
		moved := 0.0
		for i, x := range was.Weight().Float32s() {
			moved = max(moved, math.Abs(float64(is[i]-x)))
		}
		if moved == 0 || moved > 1e-3 { // a step is about the learning rate of 2e-4
			t.Errorf("%s has moved by up to %v", ours, moved)
		}
	}
}

// sameCheckpoints compares the files of two runs' newest checkpoints.
func sameCheckpoints(t *testing.T, a, b rundir.Dir) {
	t.Helper()
	from, to := newest(t, a).Dir, newest(t, b).Dir
	entries, err := os.ReadDir(from)
	if err != nil || len(entries) != 5 {
		t.Fatalf("%d files (%v)", len(entries), err)
	}
	for _, e := range entries {
		x, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(filepath.Join(to, e.Name()))
		if err != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs after the round trip (%v)", e.Name(), err)
		}
	}
}

// TestMistakes types what cannot work: exit code 2, a line, nothing written.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	published, yaml := goldenFile(t, dir, "small.pth.tar"), goldenFile(t, dir, "small.yaml")
	out := filepath.Join(dir, "out")
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{nil, "--checkpoint=FILE"},
		{[]string{"--checkpoint=" + published, "--out=" + out}, "which configuration"},
		{[]string{"--checkpoint=" + yaml, "--config=" + yaml, "--out=" + out}, "neither npz nor safetensors"},
		{[]string{"--checkpoint=" + published, "--config=" + yaml, "--out=" + out, "--align_corners=false"}, "it is a setting: --set align_corners=VALUE"},
		{[]string{"--chekpoint=" + published}, "did you mean --checkpoint?"},
	} {
		code, stdout, stderr := run(t, c.flags...)
		if code != 2 || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%v: exit code %d, %q, %q", c.flags, code, stdout, stderr)
		}
	}
	code, stdout, stderr := run(t, "--checkpoint="+published, "--preset=taichi-256", "--out="+out, "--dry_run")
	if code != 2 || strings.Count(stdout, "\nmisshapen: ") < 100 || !strings.Contains(stderr, "other sizes") {
		t.Errorf("a dry run with another configuration: exit code %d\n%s%s", code, stdout, stderr)
	}
	if _, err := os.Lstat(out); err == nil {
		t.Error("something was written")
	}
}

// TestHelp documents the names that other programs will meet.
func TestHelp(t *testing.T) {
	help := strings.Join(strings.Fields(mustRun(t, "--help")), " ")
	for _, want := range []string{"optimizer_<network>.<parameter>.exp_avg", "optimizer_<network>.step", "[out, in, height, width]", "align_corners=false", "--weights_only", "--dry_run"} {
		if !strings.Contains(help, want) {
			t.Errorf("--help lacks %q", want)
		}
	}
}
