package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/ablation"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/train"
)

// asMain makes this test's binary the program itself, and so its children.
const asMain = "PRIORITYCUT_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	os.Exit(m.Run())
}

// tiny are settings of networks small enough for tests.
var tiny = []string{
	"frame_shape=[32,32,3]", "batch_size=2", "num_kp=3",
	"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
	"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
	"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
	"discriminator_params.block_expansion=2", "vgg19.width_divisor=32", "train_params.scales=[1]",
	"step_milestones=[]", "cons_warmup_steps=0",
}

// child returns the command with flags and tiny settings.
func child(t *testing.T, dir string, flags ...string) (c *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	c = exec.CommandContext(ctx, self, flags...)
	for _, set := range tiny {
		c.Args = append(c.Args, "--set", set)
	}
	c.Args = append(c.Args, "--device=cpu", "--log_dir="+t.TempDir(), "--out="+dir)
	c.Env = append(os.Environ(), asMain+"=1")
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	c.Stdout, c.Stderr = stdout, stderr
	return c, stdout, stderr
}

// TestStopGoOn interrupts an ablation in the middle of its first run and lets
// it go on to an end that is near, however far the run came until it stopped.
func TestStopGoOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ablation")
	flags := []string{"--quick", "--variants=prioritycut,fomm", "--seeds=1"}
	c, stdout, stderr := child(t, dir, append(flags, "--steps=100000")...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	first := rundir.Dir(filepath.Join(dir, "fomm-seed0"))
	waitForSteps(t, first, 2, stderr)
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil || !strings.Contains(stdout.String(), "the same command goes on") {
		t.Fatalf("a stopped ablation ends with %v\n%s%s", err, stdout, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "prioritycut-seed0")); err == nil {
		t.Error("the second run was begun after the signal")
	}

	times, err := ablation.ReadTimes(ablation.TimesPath(dir))
	if err != nil || len(times) != 1 {
		t.Fatalf("times: %+v, %v", times, err)
	}
	end := times[0].LastStep + 5
	c, stdout, stderr = child(t, dir, append(flags, fmt.Sprintf("--steps=%d", end))...)
	if err := c.Run(); err != nil {
		t.Fatalf("an ablation that goes on ends with %v\n%s%s", err, stdout, stderr)
	}
	for _, want := range []string{"| Baseline | ", "| + PriorityCut | ", "better in every metric", "AED ↓ not measured"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the end of an ablation does not say %q:\n%s", want, stdout)
		}
	}
	checkFiles(t, dir)
	times, err = ablation.ReadTimes(ablation.TimesPath(dir))
	if err != nil || len(times) != 3 {
		t.Fatalf("times: %+v, %v", times, err)
	}
	stopped, gone, second := times[0], times[1], times[2]
	if stopped.Complete || stopped.Run != "fomm-seed0" || stopped.LastStep < 2 {
		t.Errorf("the stopped run: %+v", stopped)
	}
	if !gone.Complete || gone.Run != "fomm-seed0" || gone.FirstStep != stopped.LastStep || gone.LastStep != end {
		t.Errorf("the run that went on: %+v", gone)
	}
	if !second.Complete || second.Run != "prioritycut-seed0" || second.FirstStep != 0 || second.LastStep != end || second.Seconds <= 0 {
		t.Errorf("the second run: %+v", second)
	}

	c, stdout, stderr = child(t, dir, append(flags, "--steps=1")...)
	if err := c.Run(); err == nil || !strings.Contains(stderr.String(), "more than the 1 that") {
		t.Errorf("runs that are too long are taken: %v\n%s%s", err, stdout, stderr)
	}
	c, stdout, stderr = child(t, dir, append(flags, fmt.Sprintf("--steps=%d", end), "--set=lr_generator=0.5")...)
	if err := c.Run(); err == nil || !strings.Contains(stderr.String(), "0.5 now") {
		t.Errorf("runs with another rate are taken: %v\n%s%s", err, stdout, stderr)
	}
}

// checkFiles looks at what an ablation leaves behind.
func checkFiles(t *testing.T, dir string) {
	t.Helper()
	for name, want := range map[string]string{
		ablation.MarkdownFile: "## The paper's claims", ablation.HTMLFile: "data:image/png;base64,iVBORw0KGgo", ablation.TableFile: ",Baseline,",
		ablation.RunsFile: ",prioritycut-seed0,", ablation.EffectsFile: ",ci_videos_high,frames,videos,verdict,ci_seeds_low,ci_seeds_high,seeds\n1,shapes,prioritycut,fomm,l1,all,",
		ablation.ClaimsFile: "\nd,1,shapes,prioritycut,fomm,l1,all,",
	} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s does not hold %q: %v\n%.2000s", name, want, err, data)
		}
	}
}

// waitForSteps waits until a run has logged so many steps.
func waitForSteps(t *testing.T, dir rundir.Dir, steps int, stderr *bytes.Buffer) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if rows, err := train.ReadMetrics(dir.Metrics()); err == nil && len(rows) >= steps {
			return
		}
	}
	t.Fatalf("no %d steps in time\n%s", steps, stderr)
}
