package main

import (
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestPaths(t *testing.T) {
	clitest.Paths(t, command().Command, nil,
		clitest.Path{Flag: "archive", With: []string{"--out=out"}},
		// A folder alone is well; what is missing then is the archive.
		clitest.Path{Flag: "out", With: []string{"--archive=/dev/null"}},
	)
}
