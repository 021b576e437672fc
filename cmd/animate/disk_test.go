package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// TestDiskFailsInAFilm animates by a film that cannot be read to its end: no
// shorter film comes of it, and it is named.
func TestDiskFailsInAFilm(t *testing.T) {
	dir := t.TempDir()
	bad, picture := filepath.Join(dir, "bad.mp4"), filepath.Join(dir, "picture.png")
	path := clitest.FilmsOn(t, bad)
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=1:duration=1", picture)
	p := clitest.New(t, dir, "--checkpoint="+run, "--source_image="+picture, "--driving_video="+bad, "--result_video=result.mp4", "--device=cpu")
	p.Env = append(p.Env, path)
	err := p.Run()
	if p.ProcessState.ExitCode() != cli.ExitFailed || !strings.Contains(p.Errs.String(), "bad.mp4") || !strings.Contains(p.Errs.String(), "Input/output error") {
		t.Errorf("%v: %s", err, &p.Errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "result.mp4")); err == nil {
		t.Error("there is a result")
	}
}
