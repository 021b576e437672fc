// Package localfiletest makes what must not be opened, for tests of programs
// that are told its name.
package localfiletest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Pipe makes a pipe of this name in a folder of its own and returns its path.
// Whoever opens it waits; after ten seconds it is let go, so that the test can
// fail.
func Pipe(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(10*time.Second, func() {
		// Reading and writing: that waits for nobody.
		if f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0); err == nil {
			t.Errorf("%s is opened, or the test is slow", path)
			time.Sleep(time.Second)
			f.Close()
		}
	})
	t.Cleanup(func() { timer.Stop() })
	return path
}

// Refused fails the test unless err says that a path is no regular file.
func Refused(t testing.TB, path string, err error) {
	t.Helper()
	var refused *localfile.NotRegularError
	if !errors.As(err, &refused) || refused.Path != path {
		t.Errorf("%s: %v, want that it is not a regular file", path, err)
	}
}
