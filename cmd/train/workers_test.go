package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/train"
)

// workersOf prepares n workers with the same flags.
func workersOf(t *testing.T, n int, dir string, flags ...string) []*exec.Cmd {
	t.Helper()
	addresses, err := freeAddresses(n)
	if err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(addresses)
	if err != nil {
		t.Fatal(err)
	}
	var all []*exec.Cmd
	for rank := range n {
		c, _, _ := program(t, dir, flags...)
		c.Env = append(c.Env, fmt.Sprintf(`TF_CONFIG={"cluster": {"worker": %s}, "task": {"type": "worker", "index": %d}}`, list, rank))
		all = append(all, c)
	}
	return all
}

func startAll(t *testing.T, all []*exec.Cmd) {
	t.Helper()
	for _, c := range all {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
}

// endsWith waits for a worker and checks its exit code and what it says.
func endsWith(t *testing.T, c *exec.Cmd, code int, says string) {
	t.Helper()
	err := c.Wait()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprint(c.Stdout, c.Stderr)
	if got != code || !strings.Contains(said, says) || strings.Contains(said, "goroutine ") {
		t.Errorf("%s: ends with %d, not %d and %q:\n%s", c.Env[len(c.Env)-1], got, code, says, said)
	}
}

// TestWorkers stops a run of two workers by a signal to the one that has no
// folder, kills that one while the run goes on, and then lets the run end.
func TestWorkers(t *testing.T) {
	dir := rundir.Dir(filepath.Join(t.TempDir(), "run"))
	flags := []string{"--set=validation_steps=2", "--set=picture_steps=2", "--set=checkpoint_steps=2", "--set=worker_timeout=60"}
	all := workersOf(t, 2, string(dir), append(flags, "--steps=1000000")...)
	startAll(t, all)
	waitForSteps(t, dir, 3, all[0].Stderr.(*bytes.Buffer))
	if err := all[1].Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	endsWith(t, all[0], 0, "stopped and saved after step")
	endsWith(t, all[1], 0, "")
	before := len(metrics(t, dir))

	all = workersOf(t, 2, string(dir), append(flags, "--steps=1000000")...)
	startAll(t, all)
	waitForSteps(t, dir, before+2, all[0].Stderr.(*bytes.Buffer))
	if err := all[1].Process.Kill(); err != nil {
		t.Fatal(err)
	}
	endsWith(t, all[0], train.ExitLost, "worker 1 (127.0.0.1:")
	_ = all[1].Wait()

	before = len(metrics(t, dir))
	all = workersOf(t, 2, string(dir), append(flags, fmt.Sprintf("--steps=%d", before+2))...)
	startAll(t, all)
	endsWith(t, all[0], 0, fmt.Sprintf("complete after %d steps", before+2))
	endsWith(t, all[1], 0, "")
	for i, r := range metrics(t, dir) {
		if r.Step != int64(i+1) {
			t.Fatalf("row %d of metrics.csv is of step %d", i, r.Step)
		}
	}
}

// TestChiefIsMissed kills the chief.
func TestChiefIsMissed(t *testing.T) {
	dir := rundir.Dir(filepath.Join(t.TempDir(), "run"))
	all := workersOf(t, 2, string(dir), "--steps=1000000")
	startAll(t, all)
	waitForSteps(t, dir, 1, all[0].Stderr.(*bytes.Buffer))
	if err := all[0].Process.Kill(); err != nil {
		t.Fatal(err)
	}
	endsWith(t, all[1], train.ExitLost, "worker 0 (127.0.0.1:")
	_ = all[0].Wait()
}

// TestWorkersThatDiffer: nothing is written by workers of different runs.
func TestWorkersThatDiffer(t *testing.T) {
	for name, c := range map[string]struct{ flag, first, second string }{
		"configuration": {"--seed=7", "worker 1 (127.0.0.1:", "seed: the chief has 0, this worker 7"},
		"batch":         {"--set=batch_size=3", "cannot begin", "batch_size is 3"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			all := workersOf(t, 2, dir, "--steps=2")
			all[1].Args = append(all[1].Args, c.flag)
			startAll(t, all)
			endsWith(t, all[0], 1, c.first)
			endsWith(t, all[1], 1, c.second)
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a folder was made (%v)", err)
			}
		})
	}
}

// TestAlone: where the others never come a worker says who is missing, and where
// its address is taken or TF_CONFIG makes no sense it does not begin.
func TestAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := workersOf(t, 2, dir, "--set=worker_timeout=2")[0]
	startAll(t, []*exec.Cmd{c})
	endsWith(t, c, train.ExitLost, "worker 1 (127.0.0.1:")

	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	for config, want := range map[string]struct {
		code int
		says string
	}{
		fmt.Sprintf(`{"cluster": {"worker": ["127.0.0.1:%d", "127.0.0.1:9"]}, "task": {"type": "worker", "index": 0}}`, port): {1, "cannot listen"},
		`{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 2}}`:                                     {2, "task.index is 2"},
	} {
		c, _, _ := program(t, dir)
		c.Env = append(c.Env, "TF_CONFIG="+config)
		startAll(t, []*exec.Cmd{c})
		endsWith(t, c, want.code, want.says)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made (%v)", err)
	}
}
