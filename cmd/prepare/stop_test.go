package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestStops(t *testing.T) {
	film := filepath.Join(t.TempDir(), "film.mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10:duration=4", "-pix_fmt", "yuv420p", film).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s (these tests need ffmpeg in PATH)", err, out)
	}
	flags := func(t *testing.T) []string {
		return []string{"--in=" + film, "--out=" + filepath.Join(t.TempDir(), "out"), "--size=32"}
	}
	clitest.Stops(t, flags)
	t.Run("two at once", func(t *testing.T) {
		clitest.TwoAtOnce(t, func(t *testing.T, _ bool) clitest.Work {
			hung := clitest.HangFFmpeg(t)
			return clitest.Work{Flags: flags(t), Env: []string{"PATH=" + hung.Path}, Begun: func(string) bool { return hung.Process() != 0 }}
		})
	})
}
