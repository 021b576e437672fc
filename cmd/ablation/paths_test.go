package main

import (
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestPaths(t *testing.T) {
	with := []string{"--out=out", "--quick", "--device=cpu", "--dry_run"}
	clitest.Paths(t, command().Command, []string{"rows", "variants", "preset", "set", "device"},
		clitest.Path{Flag: "out", With: with[1:], Fine: []string{"folder"}},
		clitest.Path{Flag: "keypoint_model", With: with},
		clitest.Path{Flag: "embedding_model", With: with},
		clitest.Path{Flag: "masks", With: with, Fine: []string{"folder"}},
		clitest.Path{Flag: "data", With: with},
		clitest.Path{Flag: "config", With: with, Fine: []string{"empty file"}},
		clitest.Path{Flag: "init_from", With: with},
		clitest.Path{Flag: "vgg19", With: with, Fine: []string{"link to nothing"}},
	)
}
