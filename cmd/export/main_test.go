package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/train"
)

// asMain makes this test's binary the program itself.
const asMain = "PRIORITYCUT_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	os.Exit(m.Run())
}

// start prepares a run of the program in a folder.
func start(t *testing.T, dir string, flags ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, self, append(flags, "--log_dir="+t.TempDir())...)
	c.Dir = dir
	c.Env = append(os.Environ(), asMain+"=1", "BUILD_WORKING_DIRECTORY="+dir)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	return c, &out, &errs
}

func run(t *testing.T, dir string, flags ...string) (code int, stdout, stderr string) {
	t.Helper()
	c, out, errs := start(t, dir, flags...)
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// trainDefault takes one step of a tiny default run in dir.
func trainDefault(t *testing.T, dir string) {
	t.Helper()
	c, _, err := config.Resolve(config.Options{Device: "cpu", Sets: []string{
		"frame_shape=[32,32,3]", "batch_size=2", "num_kp=3",
		"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
		"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
		"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
		"discriminator_params.block_expansion=2", "vgg19.width_divisor=32", "train_params.scales=[1]",
		"step_milestones=[]", "steps=1", "checkpoint_steps=1", "checkpoint_freq=0",
		"validation_steps=0", "validation_videos=1", "validation_frames=2", "picture_steps=0", "reconstruction_params.num_videos=1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := train.Run(context.Background(), train.RunOptions{Config: c, Dir: filepath.Join(dir, defaultRun()), Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
}

// TestExport follows a newcomer: nothing trained yet, then the last run without
// a flag, then a frozen one beside it.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	code, _, stderr := run(t, dir)
	if code != 2 || !strings.Contains(stderr, "//cmd:train") || !strings.Contains(stderr, defaultRun()) {
		t.Errorf("nothing to export: exit code %d\n%s", code, stderr)
	}
	trainDefault(t, dir)

	code, stdout, stderr := run(t, dir, "--dry_run")
	if code != 0 || stderr != "" || !strings.Contains(stdout, "## animate_frame") {
		t.Errorf("dry run: exit code %d\n%s%s", code, stdout, stderr)
	}
	model := filepath.Join(dir, modelsDir, "shapes-64-prioritycut")
	if _, err := os.Stat(model); err == nil {
		t.Error("a dry run writes")
	}
	for _, flags := range [][]string{nil, {"--frozen"}} {
		code, stdout, stderr = run(t, dir, flags...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, "6 signatures; differs from the checkpoint by") {
			t.Fatalf("%v: exit code %d\n%s%s", flags, code, stdout, stderr)
		}
	}
	for version, frozen := range map[string]bool{"1": false, "2": true} {
		n, err := export.ReadNotes(filepath.Join(model, version))
		if err != nil || n.Frozen != frozen || n.Step != 1 {
			t.Errorf("version %s: %+v, %v", version, n, err)
		}
	}
	code, _, stderr = run(t, dir, "--version=2")
	if code != 2 || !strings.Contains(stderr, "never overwritten") {
		t.Errorf("an existing version: exit code %d\n%s", code, stderr)
	}
	code, _, stderr = run(t, dir, "--checkpoint=nowhere")
	if code != 2 || !strings.Contains(stderr, "nowhere") {
		t.Errorf("no checkpoint: exit code %d\n%s", code, stderr)
	}
	interrupted(t, dir, model)
}

// interrupted kills an export while it writes: nothing stands under its name.
func interrupted(t *testing.T, dir, model string) {
	t.Helper()
	c, _, _ := start(t, dir, "--version=9")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(4 * time.Minute)
	for {
		if found, err := filepath.Glob(filepath.Join(model, ".tmp-9*")); err != nil || len(found) > 0 || time.Now().After(deadline) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	_ = c.Process.Signal(syscall.SIGKILL)
	_ = c.Wait()
	if _, err := os.Stat(filepath.Join(model, "9")); err == nil {
		t.Error("a killed export left a model under its name")
	}
	if code, _, stderr := run(t, dir, "--version=9"); code != 0 {
		t.Errorf("after a kill: exit code %d\n%s", code, stderr)
	}
}

func TestHelpSaysWhatSignaturesDo(t *testing.T) {
	code, stdout, _ := run(t, t.TempDir(), "--help_signatures")
	for _, name := range []string{"serving_default", "absolute", "keypoints", "encode_source", "animate_frame", "predict_bytes"} {
		if code != 0 || !strings.Contains(stdout, "\n"+name+": ") {
			t.Errorf("exit code %d, %s is not described:\n%s", code, name, stdout)
		}
	}
}
