package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestStops(t *testing.T) {
	data, run := t.TempDir(), untrained(t, "prioritycut")
	for _, side := range []string{"train", "test"} {
		if err := os.Mkdir(filepath.Join(data, side), 0o777); err != nil {
			t.Fatal(err)
		}
		film := filepath.Join(data, side, "film.mp4")
		if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=10:duration=1", "-pix_fmt", "yuv420p", film).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s (these tests need ffmpeg in PATH)", err, out)
		}
	}
	flags := func(t *testing.T) []string {
		return []string{"--checkpoint=" + run, "--data=" + data, "--out=" + filepath.Join(t.TempDir(), "out"), "--device=cpu"}
	}
	clitest.Stops(t, flags)
	t.Run("two at once", func(t *testing.T) {
		clitest.TwoAtOnce(t, func(t *testing.T, _ bool) clitest.Work {
			hung := clitest.HangFFmpeg(t)
			return clitest.Work{Flags: flags(t), Env: []string{"PATH=" + hung.Path}, Begun: func(string) bool { return hung.Process() != 0 }}
		})
	})
}
