package main

import (
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestPaths(t *testing.T) {
	dir := inputs(t)
	source, driving, model := "--source_image="+filepath.Join(dir, "source.png"), "--driving_video="+filepath.Join(dir, "driving.mp4"), "--checkpoint="+run
	with := []string{source, driving, model, "--cpu"}
	both := []string{source, driving, "--cpu"}
	of := []string{"--pairs", model, "--cpu"}
	clitest.Paths(t, command().Command, []string{"fit", "fps", "format", "device"},
		clitest.Path{Flag: "source_image", With: []string{driving, model, "--cpu"}},
		clitest.Path{Flag: "driving_video", With: []string{source, model, "--cpu"}},
		clitest.Path{Flag: "driving_video", Ext: ".mp4", With: []string{source, model, "--cpu"}},
		clitest.Path{Flag: "result_video", Ext: ".mp4", With: with, Fine: []string{"empty file"}},
		clitest.Path{Flag: "result_video", With: with, Fine: []string{"folder"}},
		clitest.Path{Flag: "keypoints_csv", With: with, Fine: []string{"empty file", "link to nothing", "link to itself"}},
		clitest.Path{Flag: "checkpoint", With: both},
		clitest.Path{Flag: "saved_model", With: both},
		clitest.Path{Flag: "config", With: with},
		clitest.Path{Flag: "pairs", With: []string{model, "--data=shapes", "--cpu"}},
		clitest.Path{Flag: "data", With: of},
		clitest.Path{Flag: "out", With: append([]string{"--data=nowhere"}, of...), Other: []string{"folder"}},
	)
}
