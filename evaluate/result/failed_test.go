package result

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/patience"
)

// TestLostFrames does videos again whose frames are gone, and broken ones.
func TestLostFrames(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, true)
	add(t, s, "a", 2, 1)
	add(t, s, "b", 2, 1)
	if err := s.Add("c", []VideoRow{{Error: "broken"}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(Folder(dir).Frames())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(Folder(dir).Frames(), data[:len(data)-20], 0o644); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, true)
	if !s.Done("a") || s.Done("b") || s.Done("c") || len(s.Rows()) != len(Measures()) {
		t.Errorf("done %v, %d rows", s.done, len(s.Rows()))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, false)
	if _, err := os.Stat(Folder(dir).Frames()); !errors.Is(err, fs.ErrNotExist) || !s.Done("a") {
		t.Error("frames that are not wanted are kept")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, true)
	if s.Done("a") {
		t.Error("a video without its frames counts as done")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// fail lets all saves of a store fail, of rows (by a file that is open for
// reading) or of videos.csv, until mend is called.
func fail(t *testing.T, s *Store, rows bool) (mend func()) {
	t.Helper()
	if !rows {
		s.Files = &fault.FS{Plan: fault.On("sync", ".tmp-videos*", fault.Fault{Err: syscall.ENOSPC})}
		return func() { s.Files = durable.OS{} }
	}
	good := s.frames.file
	bad, err := os.Open(good.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bad.Close() })
	s.frames.file = bad
	return func() { s.frames.file = good }
}

// A disk that is full for a while costs no video, one that stays so ends with
// what to do.
func TestFailedSaves(t *testing.T) {
	for _, rows := range []bool{true, false} {
		s := open(t, filepath.Join(t.TempDir(), "e"), true)
		add(t, s, "a", 2, 1)
		soon := func() { s.saved = time.Time{} }
		mend := fail(t, s, rows)
		for _, name := range []string{"b", "c", "d", "e"} {
			soon()
			add(t, s, name, 2, 1)
		}
		mend()
		soon()
		add(t, s, "f", 3, 2)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		dir := string(s.folder)
		if all := allFrames(t, dir); len(all) != 13 {
			t.Errorf("%d rows of frames, want 13", len(all))
		}
		s = open(t, dir, true)
		if len(s.done) != 6 {
			t.Errorf("done are %v", s.done)
		}
		fail(t, s, rows)
		var err error
		tries := 0
		for ; err == nil && tries < 9; tries++ {
			soon()
			more, frames := block(fmt.Sprintf("g%d", tries), 2, 1)
			err = s.Add(fmt.Sprintf("g%d", tries), more, frames)
		}
		if tries != patience.Most || err == nil || !strings.Contains(err.Error(), "type the same command again") {
			t.Errorf("after %d tries: %v", tries, err)
		}
	}
}

// TestFailedEnds fails each call of opening, adding to and finishing an
// evaluation that gets columns: all is tried again, and nothing of either is lost.
func TestFailedEnds(t *testing.T) {
	bare := run()
	bare.Masks = Nowhere
	begun := func() string {
		dir := filepath.Join(t.TempDir(), "e")
		s, err := OpenStore(dir, bare, true)
		if err != nil {
			t.Fatal(err)
		}
		add(t, s, "a", 2, 1)
		if err := errors.Join(s.Finish([]SummaryRow{{}}), s.Close()); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	addition := func(files durable.FileSystem, dir string) error {
		s, err := OpenStoreBy(Writing{files, patience.New(2, "", ""), time.Millisecond}, dir, run(), true)
		if err != nil {
			return err
		}
		add(t, s, "a", 2, 1)
		return errors.Join(s.Finish([]SummaryRow{{}}), s.Close())
	}
	state := func(dir string) map[string]string {
		files := map[string]string{}
		for _, path := range []string{Folder(dir).Run(), Folder(dir).Videos(), Folder(dir).Frames(), Folder(dir).Summary()} {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
			}
			files[filepath.Base(path)] = string(data)
		}
		return files
	}
	all, dir := &fault.FS{}, begun()
	if err := addition(all, dir); err != nil {
		t.Fatal(err)
	}
	want := state(dir)
	for at, call := range all.Calls() {
		dir := begun()
		if err := addition(&fault.FS{Plan: fault.At(at, 1, fault.Fault{Err: syscall.EIO})}, dir); err != nil {
			t.Errorf("call %d, %v: %v", at, call, err)
			continue
		}
		if diff := cmp.Diff(want, state(dir)); diff != "" {
			t.Errorf("call %d, %v: %s", at, call, diff)
		}
	}
	if len(all.Calls()) < 15 {
		t.Errorf("%d calls", len(all.Calls()))
	}
}

// Rows behind a part of a table that cannot be read are not cut off.
func TestUnreadableFramesAreKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, true)
	add(t, s, "a", 2000, 1)
	add(t, s, "b", 2000, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(Folder(dir).Frames())
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 1, 2} { // the open, the first read, the second
		calls := 0
		restore := localfile.Watch(func(_, path string) error {
			if path != Folder(dir).Frames() {
				return nil
			}
			if calls++; calls == at+1 {
				return syscall.EIO
			}
			return nil
		})
		_, err := OpenStore(dir, run(), true)
		restore()
		if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "frames.csv") {
			t.Errorf("call %d: %v", at, err)
		}
		if is, err := os.ReadFile(Folder(dir).Frames()); err != nil || !bytes.Equal(was, is) {
			t.Errorf("call %d: the table has %d bytes of %d, %v", at, len(is), len(was), err)
		}
	}
}

// TestLinkedFramesAreNotFollowed: in an evaluation from others frames.csv may be a
// link to a file of ours, which would be cut off.
func TestLinkedFramesAreNotFollowed(t *testing.T) {
	dir, precious := t.TempDir(), filepath.Join(t.TempDir(), "precious")
	if err := open(t, dir, true).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(Folder(dir).Frames()), os.Symlink(precious, Folder(dir).Frames())); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir, run(), true); err == nil || !strings.Contains(err.Error(), "is a link") {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(precious); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
}
