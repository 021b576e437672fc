package folderlock

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLinkIsNotFollowed: a folder from others may hold, as its lock file, a link
// to a file of ours, which would be overwritten.
func TestLinkIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	precious, folder := filepath.Join(dir, "precious"), filepath.Join(dir, "run")
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{precious, filepath.Join(dir, "new"), "/dev/null"} {
		link := filepath.Join(folder, lockName)
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
		if l, err := Acquire(folder); err == nil || !strings.Contains(err.Error(), "is a link") {
			t.Errorf("%s: %v, %v", to, l, err)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(precious); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "new")); err == nil {
		t.Error("a file was made elsewhere")
	}
}
