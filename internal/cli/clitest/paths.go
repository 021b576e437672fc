package clitest

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/cli"
)

// Path is one way in which a program takes a path.
type Path struct {
	// Flag is given as --Flag=PATH; one that begins with a dash is typed as it is,
	// before the path.
	Flag string
	// Ext is the path's extension, by which some programs tell what it is.
	Ext string
	// With are the other flags, under which the program looks at it.
	With []string
	// Fine are the things that are no mistake here, Failed those that are found to be
	// one when the work has begun (exit code 1), and Other those that are well, so
	// that the program refuses something else, which With names.
	Fine, Failed, Other []string
}

// things are what no path of a careful person leads to, by name: where something
// is read, where something is written, or both.
var things = []struct {
	name        string
	read, write bool
	make        func(path string) error
}{
	{"pipe", true, true, func(path string) error { return syscall.Mkfifo(path, 0o600) }},
	{"socket", true, true, makeSocket},
	{"device", true, true, func(path string) error { return os.Symlink("/dev/zero", path) }},
	{"empty file", true, true, func(path string) error { return os.WriteFile(path, nil, 0o600) }},
	{"text", true, false, func(path string) error { return os.WriteFile(path, []byte("hello\n"), 0o600) }},
	{"huge file", true, false, func(path string) error {
		// It takes no room.
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
		return os.Truncate(path, 1<<40)
	}},
	{"folder", true, true, func(path string) error { return os.Mkdir(path, 0o700) }},
	{"link to nothing", true, true, func(path string) error { return os.Symlink("nothing", path) }},
	{"link to itself", false, true, func(path string) error { return os.Symlink(filepath.Base(path), path) }},
	{"below a file", false, true, func(path string) error { return os.WriteFile(filepath.Dir(path), nil, 0o600) }},
}

// makeSocket leaves a socket where nobody listens any more.
func makeSocket(path string) error {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	return l.Close()
}

// Paths gives a program, for each flag that takes a path, what should not be
// there: it must end soon, with the exit code for wrong paths and words that
// name the flag or the path, and leave alone what is there. Every flag that takes
// a text is one of paths or of words, so that none is forgotten.
func Paths(t *testing.T, c *cli.Command, words []string, paths ...Path) {
	known := slices.Clone(words)
	for _, p := range paths {
		name, _, _ := strings.Cut(strings.TrimLeft(p.Flag, "-"), "=")
		known = append(known, name)
		use, ok := c.PathFlags()[name]
		reads := use == cli.Input || !ok
		if !ok && !strings.HasPrefix(p.Flag, "-") {
			t.Errorf("the command does not know that --%s takes a path", name)
		}
		for _, thing := range things {
			if reads && !thing.read || !reads && !thing.write {
				continue
			}
			t.Run(p.Flag+p.Ext+", "+thing.name, func(t *testing.T) {
				dir, err := os.MkdirTemp("", "paths") // the test's name has commas
				if err != nil {
					t.Fatal(err)
				}
				defer os.RemoveAll(dir)
				path := filepath.Join(dir, "thing"+p.Ext)
				if thing.name == "below a file" {
					path = filepath.Join(filepath.Dir(path), "file", "thing"+p.Ext)
				}
				if err := thing.make(path); err != nil {
					t.Fatal(err)
				}
				p.try(t, path, thing.name)
			})
		}
	}
	for _, name := range c.TextFlags() {
		if !slices.Contains(known, name) {
			t.Errorf("nobody says whether --%s takes a path", name)
		}
	}
}

// soon is when a program must have ended, on a machine that is busy.
const soon = 2 * time.Minute

func (p Path) try(t *testing.T, path, thing string) {
	flag := "--" + p.Flag + "=" + path
	args := append(slices.Clone(p.With), flag)
	if strings.HasPrefix(p.Flag, "-") {
		args = append(append(slices.Clone(p.With), p.Flag), path)
	}
	before, errBefore := os.Lstat(path)
	program := New(t, t.TempDir(), args...)
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(soon, func() { program.Process.Kill() })
	err := program.Wait()
	if !late.Stop() {
		t.Fatalf("it does not end:\n%s%s", &program.Out, &program.Errs)
	}
	said := program.Errs.String()
	if strings.Contains(said, "goroutine ") || strings.Contains(said, "panic") || program.ProcessState.ExitCode() < 0 {
		t.Fatalf("it breaks: %v\n%s", err, said)
	}
	code, want := program.ProcessState.ExitCode(), cli.ExitUsage
	switch {
	case slices.Contains(p.Fine, thing):
		want = cli.ExitOK
	case slices.Contains(p.Failed, thing):
		want = cli.ExitFailed
	}
	if code != want {
		t.Errorf("exit code %d, want %d: %s", code, want, said)
	}
	if want != cli.ExitOK && !slices.Contains(p.Other, thing) && !strings.Contains(said, path) && !strings.Contains(said, "--"+strings.TrimLeft(p.Flag, "-")) {
		t.Errorf("neither flag nor path is named: %s", said)
	}
	if now, err := os.Lstat(path); want != cli.ExitOK && errBefore == nil && (err != nil || now.Mode() != before.Mode() || now.Size() != before.Size() && now.Mode()&fs.ModeType == 0) {
		t.Errorf("what was there is changed: %v", err)
	}
}
