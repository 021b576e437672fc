package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/golden"
)

// The command of first-order-model's demo, as it is typed there: the checkpoint
// is converted once.
func TestCommandOfTheDemo(t *testing.T) {
	dir := inputs(t)
	for _, name := range []string{"small.pth.tar", "small.yaml"} {
		data, err := golden.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	demo := []string{"--config", "small.yaml", "--driving_video", "frames", "--source_image", "source.png", "--checkpoint", "small.pth.tar", "--relative", "--adapt_scale"}
	first, _ := complete(t, dir, append(demo, "--result_video=first/")...)
	second, _ := complete(t, dir, append(demo, "--result_video=second/")...)
	if !strings.Contains(first, "small.pth.tar is converted first") || strings.Contains(second, "is converted") {
		t.Errorf("%s\n%s", first, second)
	}
	a, errA := os.ReadFile(filepath.Join(dir, "first", "0000003.png"))
	b, errB := os.ReadFile(filepath.Join(dir, "second", "0000003.png"))
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("two results: %v, %v", errA, errB)
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"needs --config", []string{"--checkpoint=small.pth.tar", "--source_image=source.png", "--driving_video=frames"}},
		{"without a blank, as --relative=false", append(demo, "false")},
	} {
		if code, _, said := clitest.Run(t, dir, c.args...); code != 2 || !strings.Contains(said, c.want) {
			t.Errorf("%v: exit code %d, %s", c.args, code, said)
		}
	}
}
