package main

import (
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestStops(t *testing.T) {
	dir := inputs(t)
	clitest.Stops(t, func(t *testing.T) []string {
		return []string{
			"--source_image=" + filepath.Join(dir, "source.png"), "--driving_video=" + filepath.Join(dir, "driving.mp4"),
			"--result_video=" + filepath.Join(t.TempDir(), "result.mp4"), "--checkpoint=" + run, "--cpu",
		}
	})
}
