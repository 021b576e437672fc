package evaluate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/video"
)

// TestFailedFramesAreWrittenAgain fails the writing of predictions for a while:
// everything is measured, and no frame is missing at the end. Where it fails for
// good, what was measured is kept, and the same command needs the frames alone.
func TestFailedFramesAreWrittenAgain(t *testing.T) {
	q := request(t, testModel(t, 1))
	q.NumVideos = 2
	for name, left := range map[string]int{"for a while": 2, "for good": 1 << 30} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			q.Out, q.WriteFrames = filepath.Join(dir, "out"), filepath.Join(dir, "frames")
			pictures := fault.On("write", "00000*.png", fault.Fault{Err: syscall.ENOSPC, Short: true})
			q.Files = &fault.FS{Plan: func(n int, call fault.Call) *fault.Fault {
				bad := pictures(n, call)
				if bad == nil || left == 0 {
					return nil
				}
				left--
				return bad
			}}
			_, err := Run(context.Background(), q)
			if left > 1<<20 {
				if err == nil || !strings.Contains(err.Error(), "type the same command again") {
					t.Errorf("a disk that stays full: %v", err)
				}
				q.Files, left = nil, 0
				o := mustRun(t, q)
				if err != nil && o.Resumed != 0 {
					t.Errorf("%d videos are taken for complete", o.Resumed)
				}
			} else if err != nil || left != 0 {
				t.Fatalf("%d faults did not happen: %v", left, err)
			}
			folders, err := filepath.Glob(filepath.Join(q.WriteFrames, "test-*"))
			if err != nil || len(folders) != 2 {
				t.Errorf("%v, %v", folders, err)
			}
			for _, folder := range folders {
				names, err := video.ListFrames(folder, video.Limits{}.OrDefault())
				if err != nil || len(names) != 24 {
					t.Errorf("%d frames of %s, %v", len(names), folder, err)
				}
			}
		})
	}
}

// TestFailedTablesAreWrittenAgain fails one call of each kind and file while an
// evaluation with all its tables and its page is written: it goes on, and what is
// there is what would have been. With patience for one failure it ends, and the
// same request goes on.
func TestFailedTablesAreWrittenAgain(t *testing.T) {
	q := request(t, testModel(t, 1))
	all := &fault.FS{}
	q.Files, q.Page, q.pause, q.NumVideos = all, true, time.Millisecond, 1
	q.Keypoints, q.KeypointModel = FromTruth, testDetector(t)
	want := tables(t, mustRun(t, q))
	faults := []fault.Fault{{Err: syscall.ENOSPC, Short: true}, {Err: syscall.EIO}, {Err: syscall.EROFS}}
	seen := map[string]bool{}
	for at, call := range all.Calls() {
		name, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(call.Path), ".tmp-"), "-")
		if kind := call.Op + name; seen[kind] {
			continue
		} else {
			seen[kind] = true
		}
		q.Out = filepath.Join(t.TempDir(), "out")
		q.Files, q.MaxFailedWrites = &fault.FS{Plan: fault.At(at, 1, faults[at%len(faults)])}, 2
		if at%5 == 0 {
			q.MaxFailedWrites = 1
		}
		o, err := Run(context.Background(), q)
		if q.MaxFailedWrites == 1 {
			if err == nil && call.Op != "syncdir" || err != nil && !strings.Contains(err.Error(), "max_failed_writes") {
				t.Errorf("without patience, call %d, %v: %v", at, call, err)
			}
			q.Files = nil
			o = mustRun(t, q)
		} else if err != nil {
			t.Fatalf("call %d, %v: %v", at, call, err)
		}
		if diff := cmp.Diff(want, tables(t, o)); diff != "" {
			t.Errorf("call %d, %v: (-undisturbed +disturbed):\n%s", at, call, diff)
		}
	}
	if len(seen) < 15 {
		t.Errorf("%d kinds of calls", len(seen))
	}
}

// tables are the contents of the tables of an evaluation, by name.
func tables(t *testing.T, o *Outcome) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, path := range []string{o.Folder.Summary(), o.Folder.Videos(), o.Folder.Frames(), o.Folder.Joints()} {
		files[filepath.Base(path)] = content(t, path)
	}
	if _, err := os.Stat(o.Page); err != nil {
		t.Error(err)
	}
	return files
}
