package main

import (
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel/foreign"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// TestForeignRun: whoever made the run does not choose what is written or removed.
func TestForeignRun(t *testing.T) {
	r := foreign.New(t)
	if code, stdout, stderr := clitest.Run(t, t.TempDir(), "--checkpoint="+r.Dir); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	r.Unchanged(t)
}
