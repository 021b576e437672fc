package main

import (
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestPaths(t *testing.T) {
	clitest.Paths(t, command().Command, nil,
		clitest.Path{Flag: "archive", With: []string{"--out=out"}},
		clitest.Path{Flag: "out", With: []string{"--archive=nowhere"}, Other: []string{"folder"}},
	)
}
