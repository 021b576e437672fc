package prepare

import (
	"context"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/fault"
)

// TestFailedWritesAreForgiven fails calls of the file system while a data set is
// made: writes that fail are tried again, and what is made is what would have been.
func TestFailedWritesAreForgiven(t *testing.T) {
	in, fresh := footageOf(t), filepath.Join(t.TempDir(), "out")
	all := &fault.FS{}
	o := options(in, fresh)
	o.Workers, o.Files, o.pause = 1, all, time.Millisecond
	mustRun(t, o)
	want, calls := tree(t, fresh), all.Calls()
	faults := []fault.Fault{{Err: syscall.ENOSPC, Short: true}, {Err: syscall.EIO}, {Err: syscall.EROFS}}
	// One call of each kind of call and file, and a sample of the many pictures.
	seen := map[string]bool{}
	for at, call := range calls {
		ext, _, _ := strings.Cut(filepath.Ext(call.Path), "-") // of files that are being written
		kind := call.Op + ext
		if seen[kind] && at%61 != 0 {
			continue
		}
		seen[kind] = true
		out := filepath.Join(t.TempDir(), "out")
		files := &fault.FS{Plan: fault.At(at, 1, faults[at%len(faults)])}
		o.Out, o.Files = out, files
		if _, err := Run(context.Background(), o); err != nil {
			t.Errorf("call %d, %v: %v", at, call, err)
			o.Files = nil
			mustRun(t, o)
		}
		if diff := cmp.Diff(want, tree(t, out)); diff != "" {
			t.Errorf("call %d, %v: %s", at, call, diff)
		}
	}
	t.Logf("%d calls, %d kinds", len(calls), len(seen))
}

// TestManifestIsNeverTorn: half a line of the manifest would be damage to the
// next run.
func TestManifestIsNeverTorn(t *testing.T) {
	in, out := footageOf(t), filepath.Join(t.TempDir(), "out")
	o := options(in, out)
	lines := fault.On("write", manifestName, fault.Fault{Err: syscall.ENOSPC, Short: true})
	begun := 0
	o.Files = &fault.FS{Plan: func(n int, call fault.Call) *fault.Fault {
		bad := lines(n, call)
		if bad == nil {
			return nil
		}
		if begun++; begun == 2 || begun == 4 {
			return bad
		}
		return nil
	}}
	o.pause = time.Millisecond
	mustRun(t, o)
	o.Files = nil
	again := mustRun(t, o)
	if again.Train.Clips == 0 || begun < 4 {
		t.Errorf("%+v, %d lines", again, begun)
	}
	if strings.Contains(strings.Join(again.Strangers, " "), "train") {
		t.Errorf("strangers: %v", again.Strangers)
	}
}
