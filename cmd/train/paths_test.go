package main

import (
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestPaths(t *testing.T) {
	c, _, _ := command()
	with := []string{"--out=out", "--device=cpu", "--dry_run"}
	for _, set := range tiny {
		with = append(with, "--set="+set)
	}
	run := append([]string{"--steps=1"}, with[1:len(with)-len(tiny)-1]...)
	clitest.Paths(t, c, []string{"preset", "variant", "set", "device"},
		clitest.Path{Flag: "data", With: with},
		clitest.Path{Flag: "config", With: with, Fine: []string{"empty file"}}, // nothing is laid over the preset
		clitest.Path{Flag: "init_from", With: with},
		// A dry run says what is missing, and that a run would need it.
		clitest.Path{Flag: "vgg19", With: with, Fine: []string{"link to nothing"}},
		clitest.Path{Flag: "out", With: append([]string{"--data=nowhere"}, run...), Other: []string{"folder"}},
	)
}
