package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/internal/rundir"
)

// TestReplicas trains on two devices of one process, is stopped by a signal, and goes
// on with one; the first step is that of one device.
func TestReplicas(t *testing.T) {
	dir := rundir.Dir(filepath.Join(t.TempDir(), "run"))
	c, stdout, stderr := program(t, string(dir), "--replicas=2", "--steps=1000000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	waitForSteps(t, dir, 3, stderr)
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	endsWith(t, c, 0, "stopped and saved")
	if !strings.Contains(stdout.String(), "2 replicas share each batch, on CPU:0, CPU:1") {
		t.Errorf("devices are not told:\n%s", stdout)
	}
	last := len(metrics(t, dir)) + 1
	c, _, _ = program(t, string(dir), fmt.Sprintf("--steps=%d", last))
	startAll(t, []*exec.Cmd{c})
	endsWith(t, c, 0, fmt.Sprintf("complete after %d steps", last))

	alone := rundir.Dir(filepath.Join(t.TempDir(), "alone"))
	c, _, _ = program(t, string(alone), "--steps=1")
	startAll(t, []*exec.Cmd{c})
	endsWith(t, c, 0, "complete after 1 step")
	want, got := metrics(t, alone)[0], metrics(t, dir)[0]
	for _, name := range []string{"perceptual", "reconstruction", "gen_gan", "equivariance_value", "disc_enc"} {
		v, w := want.Value(name), got.Value(name)
		if !v.Known || !w.Known || !(math.Abs(v.Value-w.Value) <= 1e-4*math.Abs(v.Value)) {
			t.Errorf("%s is %v on two devices, %v on one", name, w, v)
		}
	}
}

// TestReplicaMistakes: nothing is begun with flags that cannot be.
func TestReplicaMistakes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	const cluster = `TF_CONFIG={"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}}`
	for _, m := range []struct {
		flags, environment, says string
		code                     int
	}{
		{"--replicas=0", "", "1 to 64", 2},
		{"--replicas=65", "", "1 to 64", 2},
		{"--replicas=3", "", "batch_size is 2, which 3 replicas cannot share alike", 2},
		{"--replicas=2 --workers=2", "", "leave one out", 2},
		{"--replicas=2", cluster, "computes on one device", 2},
		{"--replicas=2 --set=accumulate_steps=2", "", "2 replicas cannot share alike in 2 micro-batches", 2},
		{"--replicas=2 --dry_run --variant=cutmix --set=cutmix_pair=other", "", "2 replicas do not exchange samples; set it to own", 1},
	} {
		c, _, _ := program(t, dir, strings.Fields(m.flags)...)
		if m.environment != "" {
			c.Env = append(c.Env, m.environment)
		}
		startAll(t, []*exec.Cmd{c})
		endsWith(t, c, m.code, m.says)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made (%v)", err)
	}
	c, _, _ := program(t, dir, "--replicas=2", "--dry_run")
	startAll(t, []*exec.Cmd{c})
	endsWith(t, c, 0, "for each of 2 replicas")
}

// TestReplicasNeedGPUs: one named GPU is not for several, and GPUs that are not there
// are missed before anything is written.
func TestReplicasNeedGPUs(t *testing.T) {
	for device, says := range map[string]string{"gpu:1": "--device=gpu gives each its own", "gpu": "sees no GPU"} {
		dir := filepath.Join(t.TempDir(), "run")
		c, _, _ := program(t, dir, "--replicas=2")
		c.Args = append(c.Args, "--device="+device) // the last counts
		c.Env = append(c.Env, "CUDA_VISIBLE_DEVICES=")
		startAll(t, []*exec.Cmd{c})
		code := 2
		if device == "gpu" {
			code = 1
		}
		endsWith(t, c, code, says)
		if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
			t.Errorf("%s: something was written: %v", device, entries)
		}
	}
}
