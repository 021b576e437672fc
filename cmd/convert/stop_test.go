package main

import (
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// TestInterrupted: a conversion has nothing to save and dies of the signal.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	published, yaml := goldenFile(t, dir, "small.pth.tar"), goldenFile(t, dir, "small.yaml")
	work := func(t *testing.T, _ bool) clitest.Work {
		out := filepath.Join(t.TempDir(), "run")
		return clitest.Work{
			Flags:  []string{"--checkpoint=" + published, "--config=" + yaml, "--out=" + out},
			Begun:  func(string) bool { return clitest.Beside(out) },
			Code:   -1,
			Result: out,
			Ends:   true,
		}
	}
	clitest.Interrupted(t, work)
	t.Run("two at once", func(t *testing.T) { clitest.TwoAtOnce(t, work) })
}
