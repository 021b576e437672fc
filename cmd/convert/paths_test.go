package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	run, text := filepath.Join(dir, "run"), filepath.Join(dir, "text.pth.tar")
	if err := tinymodel.Write(run, 1); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	clitest.Paths(t, command().Command, []string{"preset", "set", "variant"},
		clitest.Path{Flag: "checkpoint", With: []string{"--out=out"}},
		clitest.Path{Flag: "checkpoint", Ext: ".pth.tar", With: []string{"--out=out", "--preset=vox-256"}},
		clitest.Path{Flag: "checkpoint", Ext: ".npz", With: []string{"--out=out", "--preset=vox-256"}},
		clitest.Path{Flag: "checkpoint", Ext: ".safetensors", With: []string{"--out=out", "--preset=vox-256"}},
		clitest.Path{Flag: "out", With: []string{"--checkpoint=" + run}},
		clitest.Path{Flag: "out", Ext: ".safetensors", With: []string{"--checkpoint=" + run}},
		clitest.Path{Flag: "config", With: []string{"--checkpoint=" + text, "--out=out"}},
	)
}
