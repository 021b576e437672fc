package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/train"
)

// TestDiskFailsInAFilm trains on films of which one cannot be read to its end: it
// is counted, named and left out, and the others are trained on.
func TestDiskFailsInAFilm(t *testing.T) {
	data, run := t.TempDir(), rundir.Dir(filepath.Join(t.TempDir(), "run"))
	path := clitest.FilmsOn(t, filepath.Join(data, "train", "good.mp4"), filepath.Join(data, "train", "fine.mp4"), filepath.Join(data, "train", "bad.mp4"),
		filepath.Join(data, "test", "good.mp4"))
	c, stdout, stderr := program(t, string(run), "--data="+data, "--steps=6", "--set", "cache_dir="+t.TempDir(), "--set", "max_broken=0.5")
	c.Env = append(c.Env, path)
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	said := stdout.String() + stderr.String()
	if !strings.Contains(said, "bad.mp4") || !strings.Contains(said, "Input/output error") {
		t.Errorf("the film is not named:\n%s", said)
	}
	if rows, err := train.ReadMetrics(run.Metrics()); err != nil || len(rows) != 6 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
