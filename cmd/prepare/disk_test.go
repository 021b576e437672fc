package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// TestDiskFailsInAFilm prepares films of which one cannot be read to its end: the
// exit code says that something was wrong, and the film is named with why.
func TestDiskFailsInAFilm(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	path := clitest.FilmsOn(t, filepath.Join(in, "good.mp4"), filepath.Join(in, "bad.mp4"), filepath.Join(in, "fine.mp4"))
	p := clitest.New(t, "", "--in="+in, "--out="+out, "--size=16", "--min_frames=4", "--min_motion=0")
	p.Env = append(p.Env, path)
	err := p.Run()
	if p.ProcessState.ExitCode() != exitPartial || !strings.Contains(p.Out.String(), "bad.mp4") || !strings.Contains(p.Out.String(), "Input/output error") {
		t.Errorf("%v\n%s%s", err, &p.Out, &p.Errs)
	}
	report, err := os.ReadFile(filepath.Join(out, "report.csv"))
	if err != nil || !strings.Contains(string(report), "Input/output error") {
		t.Errorf("%v: %s", err, report)
	}
}
