package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli"
)

// TestCompare measures two untrained models and compares them, by their
// evaluations and by their runs.
func TestCompare(t *testing.T) {
	runs := []string{untrained(t, "fomm"), untrained(t, "cutmix")}
	folder := t.TempDir()
	chdir(t, folder)
	for i, name := range []string{"plain", "boxes"} {
		code, stdout, stderr := drawFigure(t, "--checkpoint="+runs[i], "--name="+name, "--num_videos=2", "--out="+name)
		if code != cli.ExitOK {
			t.Fatalf("measuring %s: exit code %d: %s%s", name, code, stdout, stderr)
		}
	}
	code, stdout, stderr := drawFigure(t, "--compare", "--published=1,4", "plain", "boxes", "--out=both")
	if code != cli.ExitOK || !strings.Contains(stdout, "| plain | ") || !strings.Contains(stdout, "| boxes | ") {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	page, err := os.ReadFile(filepath.Join("both", "comparison.html"))
	if err != nil {
		t.Fatal(err)
	}
	page = regexp.MustCompile(`aria-label="[^"]*"`).ReplaceAll(page, nil) // says a caption once more
	for want, n := range map[string]int{"data:image/png;base64,iVBOR": 2, "as printed in the paper (Table": 2, "Paired differences from plain": 1, "No pictures": 0} {
		if got := strings.Count(string(page), want); got != n {
			t.Errorf("the page has %q %d times, want %d", want, got, n)
		}
	}

	code, _, stderr = drawFigure(t, "--checkpoint="+runs[1], "--name=png", "--num_videos=2", "--metric_on=png", "--out=png")
	if code != cli.ExitOK {
		t.Fatal(stderr)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--compare", "plain", "png"}, cli.ExitUsage, "metric_on: float in plain; png in png"},
		{[]string{"--compare", "--mixed", "--pictures=false", "plain", "png"}, cli.ExitOK, ""},
		{[]string{"--compare", "plain", "nobody"}, cli.ExitUsage, "nobody holds no evaluation"},
		{[]string{"--compare"}, cli.ExitUsage, "name folders"},
		{[]string{"--baseline=plain", "plain"}, cli.ExitUsage, "say --compare"},
		{[]string{"--compare", "--baseline=x", "plain"}, cli.ExitUsage, "there are plain"},
		{[]string{"--compare", "--published=5", "plain"}, cli.ExitUsage, "1 to 4"},
		{[]string{"--compare", "--masks=none", "plain"}, cli.ExitUsage, "--masks says nothing"},
	} {
		code, _, stderr := drawFigure(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d: %s", c.args, code, stderr)
		}
	}
}

// TestLocated finds the usual evaluation of a run, and none of another run.
func TestLocated(t *testing.T) {
	run := untrained(t, "fomm")
	chdir(t, t.TempDir())
	if code, _, stderr := drawFigure(t, "--checkpoint="+run, "--num_videos=1"); code != cli.ExitOK {
		t.Fatal(stderr)
	}
	other := untrained(t, "fomm")
	got := located([]string{run, other})
	if got[0] != filepath.Join("evaluations", "fomm") || got[1] != other {
		t.Errorf("located %v", got)
	}
}

// chdir enters a folder for the rest of the test.
func chdir(t *testing.T, dir string) {
	t.Helper()
	was, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chdir(was); err != nil {
			t.Fatal(err)
		}
	})
}
