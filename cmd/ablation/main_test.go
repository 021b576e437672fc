package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/ablation"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/train"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestDocumented(t *testing.T) { clitest.Documented(t, "../..", command().Command) }

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
func child(t *testing.T, dir string, flags ...string) *clitest.Program {
	t.Helper()
	for _, set := range tiny {
		flags = append(flags, "--set", set)
	}
	return clitest.New(t, "", append(flags, "--device=cpu", "--out="+dir)...)
}

// TestStopGoOn interrupts an ablation in the middle of its first run and lets
// it go on to an end that is near, however far the run came until it stopped.
func TestStopGoOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ablation")
	flags := []string{"--quick", "--variants=prioritycut,fomm", "--seeds=1"}
	c := child(t, dir, append(flags, "--steps=100000")...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	first := rundir.Dir(filepath.Join(dir, "fomm-seed0"))
	waitForSteps(t, first, 2, &c.Errs)
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil || !strings.Contains(c.Out.String(), "the same command goes on") {
		t.Fatalf("a stopped ablation ends with %v\n%s%s", err, &c.Out, &c.Errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "prioritycut-seed0")); err == nil {
		t.Error("the second run was begun after the signal")
	}

	times, err := ablation.ReadTimes(ablation.TimesPath(dir))
	if err != nil || len(times) != 1 {
		t.Fatalf("times: %+v, %v", times, err)
	}
	end := times[0].LastStep + 5
	// The clock was years ahead until now.
	if err := fault.SetTimes(dir, time.Now().AddDate(9, 0, 0)); err != nil {
		t.Fatal(err)
	}
	c = child(t, dir, append(flags, fmt.Sprintf("--steps=%d", end))...)
	if err := c.Run(); err != nil {
		t.Fatalf("an ablation that goes on ends with %v\n%s%s", err, &c.Out, &c.Errs)
	}
	for _, want := range []string{"| Baseline | ", "| + PriorityCut | ", "better in every metric", "AED ↓ not measured"} {
		if !strings.Contains(c.Out.String(), want) {
			t.Errorf("the end of an ablation does not say %q:\n%s", want, &c.Out)
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

	c = child(t, dir, append(flags, "--steps=1")...)
	if err := c.Run(); err == nil || !strings.Contains(c.Errs.String(), "more than the 1 that") {
		t.Errorf("runs that are too long are taken: %v\n%s%s", err, &c.Out, &c.Errs)
	}
	c = child(t, dir, append(flags, fmt.Sprintf("--steps=%d", end), "--set=lr_generator=0.5")...)
	if err := c.Run(); err == nil || !strings.Contains(c.Errs.String(), "0.5 now") {
		t.Errorf("runs with another rate are taken: %v\n%s%s", err, &c.Out, &c.Errs)
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
