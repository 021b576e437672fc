package main

import (
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestPaths(t *testing.T) {
	run := untrained(t, "prioritycut")
	device := []string{"--device=cpu", "--num_videos=1", "--out=out"}
	with := append([]string{"--checkpoint=" + run}, device...)
	figure := []string{"--figure=4", "--device=cpu", "--videos=1"}
	clitest.Paths(t, command().Command, []string{
		"name", "data_kind", "size", "fit", "paper", "metric_on", "ssim_window", "device", "baseline", "published", "labels", "videos", "box",
	},
		clitest.Path{Flag: "checkpoint", With: device},
		clitest.Path{Flag: "saved_model", With: append([]string{"--data=shapes"}, device...)},
		clitest.Path{Flag: "predictions", With: append([]string{"--data=shapes"}, device...)},
		clitest.Path{Flag: "out", With: with[:len(with)-1], Fine: []string{"folder"}},
		clitest.Path{Flag: "data", With: with},
		clitest.Path{Flag: "masks", With: with, Fine: []string{"folder"}}, // frames without masks are counted
		clitest.Path{Flag: "mask_model", With: with},
		clitest.Path{Flag: "keypoints", With: with},
		clitest.Path{Flag: "keypoint_model", With: with},
		clitest.Path{Flag: "embeddings", With: with},
		clitest.Path{Flag: "embedding_model", With: with},
		clitest.Path{Flag: "write_frames", With: with, Fine: []string{"folder"}},
		clitest.Path{Flag: "checkpoints", With: figure},
		clitest.Path{Flag: "checkpoint", With: figure},
		clitest.Path{Flag: "data", With: append([]string{"--checkpoint=" + run}, figure...)},
		clitest.Path{Flag: "out", Ext: ".png", With: append([]string{"--checkpoint=" + run}, figure...), Fine: []string{"empty file"}},
		clitest.Path{Flag: "--compare"},
		clitest.Path{Flag: "--figure=4"},
	)
}
