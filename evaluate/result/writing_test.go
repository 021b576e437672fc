package result

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/patience"
)

// TestFilesAreWrittenAgain fails each call that writing a file makes, once and as
// often as may be.
func TestFilesAreWrittenAgain(t *testing.T) {
	write := func(files *fault.FS, path string) error {
		w := NewWriting(patience.Most, patience.Setting, path, "all else is kept")
		w.Files, w.Pause = files, 0
		return w.File("the picture", path, []byte("picture"))
	}
	all := &fault.FS{}
	if err := write(all, filepath.Join(t.TempDir(), "folder", "a.png")); err != nil {
		t.Fatal(err)
	}
	for at := range all.Calls() {
		for _, times := range []int{1, patience.Most - 1} {
			path := filepath.Join(t.TempDir(), "folder", "a.png")
			if err := write(&fault.FS{Plan: fault.At(at, times, fault.Fault{Err: syscall.EIO, Short: true})}, path); err != nil {
				t.Errorf("call %d, %d times: %v", at, times, err)
			}
			if text, err := os.ReadFile(path); string(text) != "picture" {
				t.Errorf("call %d, %d times: it holds %q, %v", at, times, text, err)
			}
		}
	}
	err := write(&fault.FS{Plan: fault.At(0, 1000, fault.Fault{Err: syscall.ENOSPC})}, filepath.Join(t.TempDir(), "a.png"))
	if !errors.Is(err, patience.ErrGaveUp) || !strings.Contains(err.Error(), "type the same command again: all else is kept") {
		t.Errorf("a disk that stays full: %v", err)
	}
}
