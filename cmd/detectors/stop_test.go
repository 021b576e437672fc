package main

import (
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// TestInterrupted: a download that hangs is no reason to wait, and no mistake of
// who typed the command.
func TestInterrupted(t *testing.T) {
	clitest.Interrupted(t, func(t *testing.T, _ bool) clitest.Work {
		npm, cache, out := clitest.Hang(t, "npm"), t.TempDir(), filepath.Join(t.TempDir(), "detectors")
		return clitest.Work{
			Flags:  []string{"foreground", "--out=" + out},
			Env:    []string{"PATH=" + npm.Path, "XDG_CACHE_HOME=" + cache},
			Begun:  func(string) bool { return npm.Process() != 0 },
			Code:   cli.ExitFailed,
			Result: out,
			After: func(t *testing.T) {
				clitest.Gone(t, npm.Process())
				if left, _ := filepath.Glob(filepath.Join(cache, "*", "*", "download-*")); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			},
		}
	})
}
