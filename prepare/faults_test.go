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
	"github.com/prioritycut/prioritycut/prepare/preparetest"
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

// TestFailedMovesAreForgiven fails each call by which clips move to the other
// side, or are removed since the input does not ask for them any more: what is there
// is what a fresh run makes. With patience for one failure the run ends, and the
// same command makes up for it.
func TestFailedMovesAreForgiven(t *testing.T) {
	in := t.TempDir()
	for i, name := range []string{"one", "two", "gone"} {
		folder(t, filepath.Join(in, name), preparetest.Moving(i+1, 12, 48, 48))
	}
	cuts := filepath.Join(t.TempDir(), "cuts.csv")
	o := options(in, "")
	o.Cuts, o.pause, o.Workers = cuts, time.Millisecond, 1
	const before, after = "video,identity,partition\none,a,test\ntwo,b,train\ngone,c,train\n", "video,identity,partition\none,a,train\ntwo,b,test\n"
	begun := func() Options {
		t.Helper()
		write(t, cuts, before)
		o := o
		o.Out = filepath.Join(t.TempDir(), "out")
		mustRun(t, o)
		write(t, cuts, after)
		return o
	}
	o.Out = filepath.Join(t.TempDir(), "fresh")
	write(t, cuts, after)
	mustRun(t, o)
	want := tree(t, o.Out)
	all, o := &fault.FS{}, begun()
	o.Files = all
	mustRun(t, o)
	tried := 0
	for at, call := range all.Calls() {
		inside, err := filepath.Rel(o.Out, call.Path)
		if err != nil || call.Op != "rename" && call.Op != "remove" || strings.Contains(inside, ".tmp-") {
			continue
		}
		tried++
		o := begun()
		o.Files = &fault.FS{Plan: fault.At(at, 1, fault.Fault{Err: syscall.EIO})}
		if at%3 == 0 {
			o.MaxFailedWrites = 1
			if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "max_failed_writes") {
				t.Errorf("without patience, call %d, %v: %v", at, call, err)
			}
			o.Files = nil
		}
		mustRun(t, o)
		if diff := cmp.Diff(want, tree(t, o.Out)); diff != "" {
			t.Errorf("call %d, %v: %s", at, call, diff)
		}
	}
	if tried < 10 {
		t.Errorf("%d calls were tried of %v", tried, all.Calls())
	}
}
