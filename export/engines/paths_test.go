package main

import (
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestPaths(t *testing.T) {
	clitest.Paths(t, command().Command, []string{"preset", "engines"}, clitest.Path{Flag: "checkpoint"})
}
