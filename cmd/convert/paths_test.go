package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/safetensors"
)

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	run, file := filepath.Join(dir, "run"), filepath.Join(dir, "one.safetensors")
	if err := tinymodel.Write(run, 1); err != nil {
		t.Fatal(err)
	}
	var held bytes.Buffer
	err := safetensors.Write(&held, []safetensors.Tensor{{Name: "generator.final.bias", DType: safetensors.F32, Shape: []int64{1}, Data: make([]byte, 4)}}, nil)
	if err == nil {
		err = os.WriteFile(file, held.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	clitest.Paths(t, command().Command, []string{"preset", "set", "variant"},
		clitest.Path{Flag: "checkpoint", With: []string{"--out=out"}},
		clitest.Path{Flag: "checkpoint", Ext: ".pth.tar", With: []string{"--out=out", "--preset=vox-256"}},
		clitest.Path{Flag: "checkpoint", Ext: ".npz", With: []string{"--out=out", "--preset=vox-256"}},
		clitest.Path{Flag: "checkpoint", Ext: ".safetensors", With: []string{"--out=out", "--preset=vox-256"}},
		clitest.Path{Flag: "out", With: []string{"--checkpoint=" + run}},
		// The model of the tests has no discriminator, which such a file must have.
		clitest.Path{Flag: "out", Ext: ".safetensors", With: []string{"--checkpoint=" + run}, Other: []string{"folder"}},
		clitest.Path{Flag: "config", With: []string{"--checkpoint=" + file, "--out=out"}, Other: []string{"empty file"}},
	)
}
