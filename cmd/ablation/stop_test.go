package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

func TestInterrupted(t *testing.T) {
	work := func(t *testing.T, _ bool) clitest.Work {
		dir := filepath.Join(t.TempDir(), "ablation")
		first := rundir.Dir(filepath.Join(dir, "fomm-seed0"))
		flags := []string{"--quick", "--variants=fomm,prioritycut", "--seeds=1", "--steps=100000", "--device=cpu", "--out=" + dir}
		for _, set := range tiny {
			flags = append(flags, "--set="+set)
		}
		return clitest.Work{
			Flags: flags,
			Begun: func(string) bool {
				_, err := os.Stat(first.Metrics())
				return err == nil
			},
			After: func(t *testing.T) {
				if saved, err := os.ReadDir(first.Checkpoints()); err != nil || len(saved) == 0 {
					t.Errorf("nothing was saved: %v", err)
				}
			},
		}
	}
	clitest.Interrupted(t, work)
	t.Run("two at once", func(t *testing.T) { clitest.TwoAtOnce(t, work) })
}

// TestChildrenSaveWhenItIsKilled: the child that trains hears of it, saves and
// ends.
func TestChildrenSaveWhenItIsKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ablation")
	c := child(t, dir, "--quick", "--variants=fomm,prioritycut", "--seeds=1", "--steps=100000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	first := rundir.Dir(filepath.Join(dir, "fomm-seed0"))
	waitForSteps(t, first, 1, &c.Errs)
	children := clitest.Children(c.Process.Pid)
	if len(children) == 0 {
		t.Fatal("it has no children")
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // says that it was killed
	for _, pid := range children {
		clitest.Gone(t, pid)
	}
	if saved, err := os.ReadDir(first.Checkpoints()); err != nil || len(saved) == 0 {
		t.Errorf("nothing was saved: %v", err)
	}
}
