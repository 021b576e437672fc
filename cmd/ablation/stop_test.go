package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

func TestInterrupted(t *testing.T) {
	clitest.Interrupted(t, func(t *testing.T, _ bool) clitest.Work {
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
	})
}
