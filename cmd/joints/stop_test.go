package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestInterrupted(t *testing.T) {
	work := func(t *testing.T, unread bool) clitest.Work {
		steps := "1000"
		if unread {
			steps = "10"
		}
		out := filepath.Join(t.TempDir(), "detector")
		return clitest.Work{
			Flags:  []string{"--size=32", "--batch=2", "--held_out=5", "--device=cpu", "--steps=" + steps, "--out=" + out},
			Begun:  func(said string) bool { return strings.Contains(said, "step ") },
			Code:   cli.ExitFailed,
			Result: out,
			Ends:   true,
		}
	}
	clitest.Interrupted(t, work)
	t.Run("two at once", func(t *testing.T) { clitest.TwoAtOnce(t, work) })
}
