package localfile

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// others makes one of each that is no regular file, by its kind.
func others(t *testing.T) map[string]string {
	t.Helper()
	// A socket's path has about a hundred bytes at most.
	dir, err := os.MkdirTemp("", "lf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	pipe, socket, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "socket"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if err := os.Symlink("pipe", link); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"a folder": dir, "a pipe": pipe, "a socket": socket, "a device": "/dev/zero", "a pipe behind a link": link}
}

// Opening most of these would wait for ever, and reading the device never ends.
func TestOthersAreRefused(t *testing.T) {
	for kind, path := range others(t) {
		want := strings.TrimSuffix(kind, " behind a link") + ", not a regular file"
		check := func(how string, err error) {
			var refused *NotRegularError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %s: %v", kind, how, err)
			}
		}
		_, _, err := Open(path)
		check("Open", err)
		_, err = Read(path, 10)
		check("Read", err)
		check("Check", Check(path))
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, link} {
		f, size, err := Open(p)
		if err != nil || size != 5 {
			t.Fatalf("%s: %d, %v", p, size, err)
		}
		f.Close()
	}
	if _, _, err := Open(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, text := range []string{"", "1", "12345"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(path, 5); string(got) != text || err != nil {
			t.Errorf("%q, %v; want %q", got, err, text)
		}
	}
	var large *SizeError
	if _, err := Read(path, 4); !errors.As(err, &large) || large.Bytes != 5 {
		t.Errorf("one byte too many: %v", err)
	}
	// The system says 0 bytes of this one.
	if got, err := Read("/proc/self/status", 1<<20); err != nil || !strings.HasPrefix(string(got), "Name:") {
		t.Errorf("%.20q, %v", got, err)
	}
	if _, err := Read("/proc/self/status", 3); !errors.As(err, &large) {
		t.Errorf("more than it says: %v", err)
	}
}

// Listing a pipe as os.ReadDir does it would wait for ever.
func TestReadDir(t *testing.T) {
	for kind, path := range others(t) {
		if kind == "a folder" {
			continue
		}
		if _, err := ReadDir(path); !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"b", "a", ".c"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := ReadDir(dir)
	if err != nil || len(entries) != 3 || entries[0].Name() != ".c" || entries[1].Name() != "a" || entries[2].Name() != "b" {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := ReadDir(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// What a test lets fail is told as the disk tells it, and no longer afterwards.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"open", "read"} {
		restore := Watch(func(op, _ string) error {
			if op == bad {
				return syscall.EIO
			}
			return nil
		})
		_, err := Read(path, 10)
		restore()
		if want := bad + " " + path + ": " + syscall.EIO.Error(); err == nil || err.Error() != want || !errors.Is(err, syscall.EIO) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if data, err := Read(path, 10); err != nil || string(data) != "12345" {
		t.Errorf("%q, %v", data, err)
	}
}
