package main

import (
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestPaths(t *testing.T) {
	footage, run := t.TempDir(), filepath.Join(t.TempDir(), "run")
	clips(t, footage, "a", "b")
	if err := tinymodel.Write(run, 1); err != nil {
		t.Fatal(err)
	}
	// Whether a film can be read is found out when it is looked at.
	films := []string{"empty file", "text", "huge file"}
	clitest.Paths(t, command().Command, []string{"format", "times", "camera", "fit", "crop", "split"},
		clitest.Path{Flag: "in", With: []string{"--out=out"}},
		clitest.Path{Flag: "in", Ext: ".mp4", With: []string{"--out=out"}, Failed: films},
		clitest.Path{Flag: "in", Ext: ".tfrecords", With: []string{"--out=out"}, Failed: films},
		clitest.Path{Flag: "out", With: []string{"--in=" + footage, "--size=32", "--dry_run"}, Fine: []string{"folder"}},
		clitest.Path{Flag: "cuts", With: []string{"--in=" + footage, "--out=out", "--dry_run"}},
		clitest.Path{Flag: "checkpoint", With: []string{"--in=" + footage, "--out=out", "--crop=keypoints", "--dry_run"}},
	)
}
