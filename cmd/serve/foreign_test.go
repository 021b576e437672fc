package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel/foreign"
)

// TestForeignRun: whoever made the run does not choose what is written or removed.
func TestForeignRun(t *testing.T) {
	r := foreign.New(t)
	s := begin(t, "--checkpoint="+r.Dir, "--examples="+r.Films)
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err != nil || strings.Count(s.Errs.String(), "(cache_dir): it lies outside of your caches; XDG_CACHE_HOME=") != 1 {
		t.Errorf("%v\n%s", err, &s.Errs)
	}
	r.Unchanged(t)
	r.Kept(t)
}
