package ablation

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/figure"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/patience"
)

// TestFailedTablesAreWrittenAgain: a disk that fails for a moment ends nothing,
// whichever call fails.
func TestFailedTablesAreWrittenAgain(t *testing.T) {
	write := func(files *fault.FS, dir string) error {
		w := newWriting(dir)
		w.Files, w.Pause = files, 0
		if err := w.tables(dir, []compare.File{{Name: TableFile, Write: func(to io.Writer) error {
			_, err := io.WriteString(to, "table")
			return err
		}}}); err != nil {
			return err
		}
		return w.File(detectorsFile, filepath.Join(dir, detectorsFile), []byte("detectors"))
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

// TestFailedPicturesAreWrittenAgain: so are the pictures that a child draws.
func TestFailedPicturesAreWrittenAgain(t *testing.T) {
	t.Parallel() // it waits between tries
	dir := t.TempDir()
	run, blocked := filepath.Join(dir, "run"), filepath.Join(dir, "out")
	if err := errors.Join(tinymodel.Write(run, 1), os.WriteFile(blocked, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	j := &figureJob{Options: figure.Options{Number: 5, Checkpoints: []string{run}, NumVideos: 1, Device: "cpu"}, Path: filepath.Join(blocked, pictureFile)}
	if err := j.do(context.Background()); !errors.Is(err, patience.ErrGaveUp) || !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file stands where the folder should: %v", err)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if err := j.do(context.Background()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(j.Path); err != nil || info.Size() == 0 {
		t.Errorf("%v, %v", info, err)
	}
}
