package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// TestDiskFailsInAFilm measures on films of which one cannot be read to its end:
// it is named and left out, not measured on the frames that came, and measured by
// the same command once the disk answers.
func TestDiskFailsInAFilm(t *testing.T) {
	data, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	path := clitest.FilmsOn(t, filepath.Join(data, "train", "good.mp4"), filepath.Join(data, "test", "bad.mp4"), filepath.Join(data, "test", "good.mp4"))
	for _, env := range []string{path, "A=B"} {
		p := clitest.New(t, "", "--checkpoint="+untrained(t, "prioritycut"), "--data="+data, "--out="+out, "--device=cpu", "--page=false")
		p.Env = append(p.Env, env)
		if err := p.Run(); err != nil {
			t.Fatalf("%v\n%s%s", err, &p.Out, &p.Errs)
		}
		e, err := result.Read(out)
		if err != nil {
			t.Fatal(err)
		}
		frames, named := 20, true
		if env == path {
			said := p.Out.String() + p.Errs.String()
			frames, named = 10, strings.Contains(said, "bad") && strings.Contains(said, "Input/output error")
		}
		if e.Summary[0].Frames != frames || !named {
			t.Errorf("%d frames, want %d\n%s%s", e.Summary[0].Frames, frames, &p.Out, &p.Errs)
		}
	}
}
