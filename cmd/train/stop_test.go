package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// TestStops: a run whose data hang stops like any other.
func TestStops(t *testing.T) {
	data := t.TempDir()
	for _, side := range []string{"train", "test"} {
		if err := os.Mkdir(filepath.Join(data, side), 0o777); err != nil {
			t.Fatal(err)
		}
		film := filepath.Join(data, side, "film.mp4")
		if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=10:duration=1", "-pix_fmt", "yuv420p", film).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s (these tests need ffmpeg in PATH)", err, out)
		}
	}
	typed := func(t *testing.T) []string {
		flags := []string{"--data=" + data, "--out=" + filepath.Join(t.TempDir(), "run"), "--steps=10", "--device=cpu", "--set=num_repeats=20"}
		for _, set := range tiny {
			flags = append(flags, "--set="+set)
		}
		return flags
	}
	clitest.Stops(t, typed)
	t.Run("two at once", func(t *testing.T) {
		clitest.TwoAtOnce(t, func(t *testing.T, _ bool) clitest.Work {
			hung := clitest.HangFFmpeg(t)
			return clitest.Work{Flags: typed(t), Env: []string{"PATH=" + hung.Path}, Begun: func(string) bool { return hung.Process() != 0 }}
		})
	})
}
