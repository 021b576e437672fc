package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/localfile"
)

func TestWriteFileReplacesAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	for _, text := range []string{"a long first text", "short", ""} {
		if err := durable.WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("%q, %v, want %q", got, err, text)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := durable.WriteFile(filepath.Join(dir, "no", "such", "folder"), nil); err == nil {
		t.Error("a missing folder gives no error")
	}
}

// Whoever runs as root may rename into /dev: what others wait at, or look for
// there, is never replaced.
func TestOnlyFilesAreReplaced(t *testing.T) {
	dir := t.TempDir()
	pipe, device := filepath.Join(dir, "pipe"), filepath.Join(dir, "device")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Symlink("/dev/null", device)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, device, dir} {
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		var refused *localfile.NotRegularError
		if err := durable.WriteFile(path, []byte("x")); !errors.As(err, &refused) {
			t.Errorf("%s: %v", path, err)
		}
		temp, err := durable.NewFile(dir, ".new-")
		if err != nil {
			t.Fatal(err)
		}
		if err := temp.Publish(path); !errors.As(err, &refused) {
			t.Errorf("%s: %v", path, err)
		}
		temp.Remove()
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s was replaced: %v", path, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestFaultAtEveryCall fails each call that replacing a file makes, in each way.
// The error comes through, the old file or the new one is there, whole, and
// nothing else; the next try succeeds.
func TestFaultAtEveryCall(t *testing.T) {
	long := strings.Repeat("new", 1<<16)
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EROFS} {
		for _, short := range []bool{false, true} {
			for n := 0; ; n++ {
				dir := t.TempDir()
				path := filepath.Join(dir, "table.csv")
				if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
					t.Fatal(err)
				}
				fs := &fault.FS{Plan: fault.At(n, 1, fault.Fault{Err: errno, Short: short}), Quick: true}
				err := durable.WriteFileOn(fs, path, []byte(long))
				calls := fs.Calls()
				if len(calls) <= n {
					if err != nil {
						t.Fatal(err)
					}
					break // every call has had its turn
				}
				if !errors.Is(err, errno) {
					t.Errorf("%v at call %d (%v): %v", errno, n, calls[n], err)
				}
				got, err := os.ReadFile(path)
				if err != nil || string(got) != "old" && string(got) != long {
					t.Errorf("%v at call %d (%v): %d bytes, %v", errno, n, calls[n], len(got), err)
				}
				if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
					t.Errorf("%v at call %d (%v): there are %v, %v", errno, n, calls[n], entries, err)
				}
				if err := durable.WriteFileOn(fs, path, []byte(long)); err != nil {
					t.Errorf("again after call %d: %v", n, err)
				}
			}
		}
	}
}

// TestLongNames: a name may be as long as the file system takes it.
func TestLongNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("n", 255))
	if err := durable.WriteFile(path, []byte("text")); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
}
