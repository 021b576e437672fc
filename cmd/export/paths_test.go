package main

import (
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestPaths(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	if err := tinymodel.Write(run, 1); err != nil {
		t.Fatal(err)
	}
	clitest.Paths(t, command().Command, []string{"signatures", "default"},
		clitest.Path{Flag: "checkpoint", With: []string{"--dry_run"}},
		clitest.Path{Flag: "out", With: []string{"--checkpoint=" + run, "--dry_run"}, Fine: []string{"folder"}},
	)
}
