package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestInterrupted(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	if err := tinymodel.Write(run, 1); err != nil {
		t.Fatal(err)
	}
	clitest.Interrupted(t, func(t *testing.T, _ bool) clitest.Work {
		work := filepath.Join(t.TempDir(), "work")
		return clitest.Work{
			Flags: []string{"--checkpoint=" + run, "--address=127.0.0.1:0", "--device=cpu", "--grace=0s", "--work=" + work},
			Begun: func(said string) bool { return strings.Contains(said, "/metrics") },
			After: func(t *testing.T) {
				if left, _ := filepath.Glob(filepath.Join(work, "server-*")); len(left) > 0 {
					t.Errorf("files are left: %v", left)
				}
			},
		}
	})
}
