package main

import (
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestPaths(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // Bazel knows no home
	out := "--out=" + filepath.Join(t.TempDir(), "bench.csv")
	with := []string{"--measure=mask", "--rounds=1", "--warmup=1", "--repeats=1"}
	// Paths are looked at before names: what is well is not measured.
	before := append(with, out, "--peers=nobody")
	replaced := []string{"empty file", "link to nothing", "link to itself"}
	clitest.Paths(t, command().Command, []string{"measure", "preset", "variant", "set", "isa", "peers", "peer_ways", "batch", "size", "device"},
		clitest.Path{Flag: "out", Ext: ".csv", With: with, Fine: replaced},
		clitest.Path{Flag: "report", Ext: ".md", With: before, Other: replaced},
		clitest.Path{Flag: "plot", Ext: ".svg", With: before, Other: replaced},
		clitest.Path{Flag: "cache", With: before, Other: []string{"folder"}},
		clitest.Path{Flag: "reference", With: append(with, out, "--peers=pytorch-2.5")},
	)
}
