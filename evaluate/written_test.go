package evaluate

import (
	"context"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

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
