// Package clitest runs the program of a test's package as a user does: in a
// process of its own, with flags, signals and an exit code. That process is
// the test's binary itself.
package clitest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/cli"
)

// asProgram tells the test's binary that it is the program.
const asProgram = "PRIORITYCUT_TEST_AS_PROGRAM"

// limit ends a program that hangs. A busy machine is no failure of a program.
const limit = 20 * time.Minute

// Main is the body of TestMain. It does not return; program does not have to.
// Tests are a *testing.M, or what prepares for one and cleans up behind it.
func Main(tests interface{ Run() int }, program func()) {
	if os.Getenv(asProgram) != "" {
		program()
		os.Exit(0)
	}
	// Under nohup the tests ignore hang-ups still, but their programs do not inherit
	// that: a signal that is handled is the default of whoever is started.
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	os.Exit(tests.Run())
}

// Program is one run, with what it has printed once it has ended.
type Program struct {
	*exec.Cmd
	Out, Errs bytes.Buffer
}

// New prepares a run in a user's folder (empty: the test's). It is killed when
// the test ends, or after minutes.
func New(t testing.TB, dir string, flags ...string) *Program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	p := &Program{Cmd: exec.CommandContext(ctx, self, flags...)}
	p.Args = append(p.Args, "--log_dir="+t.TempDir())
	p.Env = append(os.Environ(), asProgram+"=1")
	if dir != "" {
		p.Dir = dir
		p.Env = append(p.Env, "BUILD_WORKING_DIRECTORY="+dir)
	}
	p.Stdout, p.Stderr = &p.Out, &p.Errs
	return p
}

// Run runs the program to its end.
func Run(t testing.TB, dir string, flags ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := New(t, dir, flags...)
	if err := p.Run(); err != nil && p.ProcessState == nil {
		t.Fatal(err)
	}
	return p.ProcessState.ExitCode(), p.Out.String(), p.Errs.String()
}

// Documented compares what a program says of itself with its section of
// docs/cli.md; root is the way to the root of the source tree, from the test's
// folder.
func Documented(t *testing.T, root string, c *cli.Command) {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join(root, "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	var section strings.Builder
	if err := c.WriteMarkdown(&section); err != nil {
		t.Fatal(err)
	}
	heading := "## " + c.Name + "\n"
	_, rest, _ := strings.Cut(string(doc), "\n"+heading)
	written, _, _ := strings.Cut(rest, "\n## ")
	if diff := cmp.Diff(heading+written, section.String()); diff != "" {
		t.Errorf("docs/cli.md differs from the flags of %s: in the root of the tree type\n\tgo run ./tools/clidoc\n(-docs/cli.md +flags):\n%s", c.Name, diff)
	}
}
