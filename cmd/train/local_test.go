package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// pidOf finds the process of a rank among a launcher's.
func pidOf(t *testing.T, launcher, rank int) int {
	t.Helper()
	for _, pid := range clitest.Children(launcher) {
		environment, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if bytes.Contains(environment, fmt.Appendf(nil, `"index":%d,`, rank)) {
			return pid
		}
	}
	t.Fatalf("no worker %d", rank)
	return 0
}

// TestLocalWorkers kills a worker, which starts all again, stops the run by a
// signal to the launcher, and lets it end; the first step is that of one process.
func TestLocalWorkers(t *testing.T) {
	dir := rundir.Dir(filepath.Join(t.TempDir(), "run"))
	flags := []string{"--workers=2", "--max_restarts=1", "--set=checkpoint_steps=2", "--set=worker_timeout=60"}
	c, stdout, stderr := program(t, string(dir), append(flags, "--steps=1000000")...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	waitForSteps(t, dir, 4, stderr)
	if err := syscall.Kill(pidOf(t, c.Process.Pid, 1), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitForSteps(t, dir, len(metrics(t, dir))+20, stderr)
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	endsWith(t, c, 0, "all start again from the last checkpoint (1 of --max_restarts=1)")
	if !strings.Contains(stdout.String(), "stopped and saved") {
		t.Errorf("it was not stopped:\n%s%s", stdout, stderr)
	}

	last := len(metrics(t, dir)) + 1
	c, _, _ = program(t, string(dir), append(flags, fmt.Sprintf("--steps=%d", last))...)
	startAll(t, []*exec.Cmd{c})
	endsWith(t, c, 0, fmt.Sprintf("complete after %d steps", last))

	alone := rundir.Dir(filepath.Join(t.TempDir(), "alone"))
	c, _, _ = program(t, string(alone), "--steps=1")
	startAll(t, []*exec.Cmd{c})
	endsWith(t, c, 0, "complete after 1 step")
	want, got := metrics(t, alone)[0], metrics(t, dir)
	for _, name := range []string{"perceptual", "reconstruction", "gen_gan", "equivariance_value", "disc_enc"} {
		v, w := want.Value(name), got[0].Value(name)
		if !v.Known || !w.Known || !(math.Abs(v.Value-w.Value) <= 1e-4*math.Abs(v.Value)) {
			t.Errorf("%s is %v in two processes, %v in one", name, w, v)
		}
	}
	for i, r := range got {
		if r.Step != int64(i+1) {
			t.Fatalf("row %d of metrics.csv is of step %d", i, r.Step)
		}
	}
}

// TestLocalMistakes: nothing is begun with flags that cannot be.
func TestLocalMistakes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	for _, m := range []struct{ flags, environment, says string }{
		{"--workers=2", `TF_CONFIG={"cluster": {"worker": ["a:1", "b:2"]}, "task": {"index": 0}}`, "leave one out"},
		{"--workers=0", "", "1 to 64"},
		{"--workers=65", "", "1 to 64"},
		{"--workers=3", "", "batch_size is 2"},
		{"--workers=2 --max_restarts=-1", "", "must not be negative"},
		{"--max_restarts=1", "", "for --workers"},
	} {
		c, _, _ := program(t, dir, strings.Fields(m.flags)...)
		if m.environment != "" {
			c.Env = append(c.Env, m.environment)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		endsWith(t, c, 2, m.says)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made (%v)", err)
	}
}

// TestRelay leaves out what is no warning.
// Workers of --device=gpu have a GPU each; one named GPU is not for several.
func TestLocalGPUs(t *testing.T) {
	c := &config.Config{}
	c.Train.BatchSize, c.Run.Device = 4, "gpu"
	l := &local{workers: 2, replicas: 1}
	if err := l.check(c); err != nil {
		t.Fatal(err)
	}
	for rank, want := range []string{"--device=gpu:0", "--device=gpu:1"} {
		args := l.arguments([]string{"--device=gpu", "--workers=2"}, rank)
		if args[len(args)-1] != want || !slices.Contains(args, "--workers=1") {
			t.Errorf("worker %d is started with %v", rank, args)
		}
	}
	c.Run.Device = "gpu:1"
	if err := l.check(c); err == nil || !strings.Contains(err.Error(), "--device=gpu gives each its own") {
		t.Errorf("one GPU for two workers: %v", err)
	}
	c.Run.Device = "auto"
	if err := l.check(c); err != nil || len(l.arguments(nil, 1)) != 2 {
		t.Errorf("workers on no device of their own: %v, %v", l.arguments(nil, 1), err)
	}
}

func TestRelay(t *testing.T) {
	var to bytes.Buffer
	r := &relay{to: &to, rank: 3}
	for _, p := range []string{"I0102 03:04:05 a\nW0102 ", "03:04:05 b\n\n" + stopping + "\ntrain: c\n"} {
		if n, err := r.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if want := "worker 3: W0102 03:04:05 b\nworker 3: train: c\n"; to.String() != want {
		t.Errorf("%q, want %q", &to, want)
	}
}

// TestWorkersKeepTheirSamples: what would mix samples of different workers is
// refused before anything is written.
func TestWorkersKeepTheirSamples(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c, _, _ := program(t, dir, "--workers=2", "--dry_run", "--variant=cutmix", "--set=cutmix_pair=other", "--set=batch_size=4")
	startAll(t, []*exec.Cmd{c})
	endsWith(t, c, 1, "workers do not exchange samples; set it to own")
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made (%v)", err)
	}
}

// TestWorkersBeyondMemory: what does not fit in all processes of the machine
// together is refused before one is started.
func TestWorkersBeyondMemory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c, _, _ := program(t, dir, "--workers=64")
	c.Args = append(c.Args, "--set=frame_shape=[4096,4096,3]", "--set=batch_size=64")
	startAll(t, []*exec.Cmd{c})
	endsWith(t, c, 1, "in each of the 64 processes of this machine")
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made (%v)", err)
	}
}
