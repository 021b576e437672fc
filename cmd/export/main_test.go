package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestDocumented(t *testing.T) { clitest.Documented(t, "../..", command().Command) }

// TestExport follows a newcomer: nothing trained yet, then the last run without
// a flag, then a frozen one beside it.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	code, _, stderr := clitest.Run(t, dir)
	if code != 2 || !strings.Contains(stderr, "//cmd:train") || !strings.Contains(stderr, defaultRun()) {
		t.Errorf("nothing to export: exit code %d\n%s", code, stderr)
	}
	if err := tinymodel.Write(filepath.Join(dir, defaultRun()), 1); err != nil {
		t.Fatal(err)
	}

	code, stdout, stderr := clitest.Run(t, dir, "--dry_run")
	if code != 0 || stderr != "" || !strings.Contains(stdout, "## animate_frame") {
		t.Errorf("dry run: exit code %d\n%s%s", code, stdout, stderr)
	}
	model := filepath.Join(dir, modelsDir, "shapes-64-prioritycut")
	if _, err := os.Stat(model); err == nil {
		t.Error("a dry run writes")
	}
	for _, flags := range [][]string{nil, {"--frozen"}} {
		code, stdout, stderr = clitest.Run(t, dir, flags...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, "6 signatures; differs from the checkpoint by") {
			t.Fatalf("%v: exit code %d\n%s%s", flags, code, stdout, stderr)
		}
	}
	for version, frozen := range map[string]bool{"3": false, "4": true} { // from its step on
		n, err := infer.ReadNotes(filepath.Join(model, version))
		if err != nil || n.Frozen != frozen || n.Step != 3 {
			t.Errorf("version %s: %+v, %v", version, n, err)
		}
	}
	code, _, stderr = clitest.Run(t, dir, "--version=4")
	if code != 2 || !strings.Contains(stderr, "never overwritten") {
		t.Errorf("an existing version: exit code %d\n%s", code, stderr)
	}
	code, _, stderr = clitest.Run(t, dir, "--checkpoint=nowhere")
	if code != 2 || !strings.Contains(stderr, "nowhere") {
		t.Errorf("no checkpoint: exit code %d\n%s", code, stderr)
	}
	interrupted(t, dir, model)
}

// interrupted kills an export while it writes: nothing stands under its name,
// and the next one removes what it left.
func interrupted(t *testing.T, dir, model string) {
	t.Helper()
	hidden := func() []string {
		found, err := filepath.Glob(filepath.Join(model, ".*"))
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(found, func(name string) bool { return strings.HasSuffix(name, ".lock") })
	}
	version := 9
	for ; killed(t, dir, version, hidden); version++ {
		if version == 19 {
			t.Fatal("every export ended before it could be killed")
		}
	}
	if _, err := os.Stat(filepath.Join(model, strconv.Itoa(version))); err == nil {
		t.Error("a killed export left a model under its name")
	}
	if len(hidden()) != 1 {
		t.Errorf("it was not killed while it wrote: %v", hidden())
	}
	if code, _, stderr := clitest.Run(t, dir, versionFlag(version)); code != 0 {
		t.Errorf("after a kill: exit code %d\n%s", code, stderr)
	}
	if left := hidden(); len(left) != 0 {
		t.Errorf("after another export lies %v", left)
	}
}

func versionFlag(version int) string { return "--version=" + strconv.Itoa(version) }

// killed kills an export as soon as it writes; true when it ended before that.
func killed(t *testing.T, dir string, version int, hidden func() []string) (tooLate bool) {
	t.Helper()
	c := clitest.New(t, dir, versionFlag(version))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = c.Wait()
		close(ended)
	}()
	for len(hidden()) == 0 {
		select {
		case <-ended:
			if !c.ProcessState.Success() {
				t.Fatal(&c.Errs)
			}
			return true
		case <-time.After(time.Millisecond):
		}
	}
	_ = c.Process.Signal(syscall.SIGKILL)
	<-ended
	return c.ProcessState.Success()
}

func TestHelpSaysWhatSignaturesDo(t *testing.T) {
	code, stdout, _ := clitest.Run(t, t.TempDir(), "--help_signatures")
	for _, name := range []string{"serving_default", "absolute", "keypoints", "encode_source", "animate_frame", "predict_bytes"} {
		if code != 0 || !strings.Contains(stdout, "\n"+name+": ") {
			t.Errorf("exit code %d, %s is not described:\n%s", code, name, stdout)
		}
	}
}

// --version takes a value here, and without one says what every program says.
func TestOwnVersion(t *testing.T) {
	var out strings.Builder
	p := command()
	p.Stdout = &out
	if done, _, err := p.Parse([]string{"--version"}); !done || err != nil || !strings.HasPrefix(out.String(), "export of PriorityCut ") {
		t.Errorf("%t, %v: %s", done, err, &out)
	}
}
