package main

import (
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestInterrupted(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	if err := tinymodel.Write(run, 1); err != nil {
		t.Fatal(err)
	}
	work := func(t *testing.T, _ bool) clitest.Work {
		model := filepath.Join(t.TempDir(), "model")
		version := filepath.Join(model, "3")
		return clitest.Work{
			Flags:  []string{"--checkpoint=" + run, "--out=" + model},
			Begun:  func(string) bool { return clitest.Beside(version) },
			Code:   cli.ExitFailed,
			Result: version,
			Ends:   true,
		}
	}
	clitest.Interrupted(t, work)
	t.Run("two at once", func(t *testing.T) { clitest.TwoAtOnce(t, work) })
}
