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
	with := []string{"--address=127.0.0.1:0", "--device=cpu"}
	clitest.Paths(t, command().Command, []string{"name", "address", "hosts", "device"},
		clitest.Path{Flag: "checkpoint", With: with},
		clitest.Path{Flag: "saved_model", With: with},
		clitest.Path{Flag: "examples", With: append([]string{"--checkpoint=" + run}, with...)},
		clitest.Path{Flag: "work", With: append([]string{"--checkpoint=nowhere"}, with...), Other: []string{"folder"}},
	)
}
