package main

import (
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel/foreign"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// TestForeignRun: whoever made the run does not choose what is written or removed.
func TestForeignRun(t *testing.T) {
	r := foreign.New(t)
	for _, flags := range [][]string{{"--num_videos=1", "--page=false"}, {"--figure=4", "--out=figure.png"}} {
		flags = append(flags, "--data="+r.Films, "--device=cpu")
		if flags[0] == "--figure=4" {
			flags = append(flags, "--checkpoints="+r.Dir)
		} else {
			flags = append(flags, "--checkpoint="+r.Dir)
		}
		code, stdout, stderr := clitest.Run(t, t.TempDir(), flags...)
		if code != 0 || strings.Count(stderr, "(cache_dir): it lies outside of your caches; XDG_CACHE_HOME=") != 1 {
			t.Errorf("%v: exit code %d\n%s%s", flags, code, stdout, stderr)
		}
		r.Unchanged(t)
	}
	r.Kept(t)
}
