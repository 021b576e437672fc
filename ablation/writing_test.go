package ablation

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/patience"
)

// TestFailedTablesAreWrittenAgain: a disk that fails for a moment ends nothing,
// whichever call fails.
func TestFailedTablesAreWrittenAgain(t *testing.T) {
	write := func(files *fault.FS, dir string) error {
		w := newWriting(dir)
		w.files, w.pause = files, 0
		if err := w.tables(dir, []compare.File{{Name: TableFile, Write: func(to io.Writer) error {
			_, err := io.WriteString(to, "table")
			return err
		}}}); err != nil {
			return err
		}
		return w.file(filepath.Join(dir, detectorsFile), []byte("detectors"))
	}
	all := &fault.FS{}
	if err := write(all, filepath.Join(t.TempDir(), "out")); err != nil {
		t.Fatal(err)
	}
	for at := range all.Calls() {
		for _, times := range []int{1, patience.Most - 1} {
			dir := filepath.Join(t.TempDir(), "out")
			if err := write(&fault.FS{Plan: fault.At(at, times, fault.Fault{Err: syscall.ENOSPC})}, dir); err != nil {
				t.Errorf("call %d, %d times: %v", at, times, err)
			}
			for name, want := range map[string]string{TableFile: "table", detectorsFile: "detectors"} {
				if text, err := os.ReadFile(filepath.Join(dir, name)); string(text) != want {
					t.Errorf("call %d, %d times: %s holds %q, %v", at, times, name, text, err)
				}
			}
		}
	}
	err := write(&fault.FS{Plan: fault.At(0, 1000, fault.Fault{Err: syscall.ENOSPC})}, t.TempDir())
	if !errors.Is(err, patience.ErrGaveUp) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "type the same command again") {
		t.Errorf("a disk that stays full: %v", err)
	}
}
