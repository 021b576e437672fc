package clitest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Work is a program in the middle of its work.
type Work struct {
	Flags, Env []string
	// Begun reports whether it is in the middle, by what it has said so far.
	Begun func(said string) bool
	// Code is its exit code when it is told to stop; a negative one says that it
	// dies of the signal.
	Code int
	// Result is the path of what is there whole, or not at all where the program
	// was stopped; empty where there is none.
	Result string
	// Ends says that it comes to its end by itself, so that nobody has to stop it
	// when its output is closed.
	Ends bool
	// After looks at what else is left; it may be nil.
	After func(t *testing.T)
}

// Interrupted starts a program, once for each signal and once with an output that
// is closed, and looks how it ends and what it leaves. Work is asked for each time;
// unread says that the output will be closed.
func Interrupted(t *testing.T, work func(t *testing.T, unread bool) Work) {
	for _, s := range []struct {
		name   string
		signal syscall.Signal
		unread bool
	}{
		{"SIGINT", syscall.SIGINT, false}, {"SIGTERM", syscall.SIGTERM, false}, {"SIGHUP", syscall.SIGHUP, false},
		{"nobody reads", syscall.SIGTERM, true},
	} {
		t.Run(s.name, func(t *testing.T) {
			// A quick one may come to its end before the signal.
			for range 20 {
				if work(t, s.unread).interrupt(t, s.signal, s.unread) {
					return
				}
			}
			t.Error("it always ended before it could be stopped")
		})
	}
}

// interrupt is false where the program was too quick.
func (w Work) interrupt(t *testing.T, signal syscall.Signal, unread bool) bool {
	t.Helper()
	p := New(t, t.TempDir(), w.Flags...)
	p.Env = append(p.Env, w.Env...)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	p.Stdout, p.Stderr = write, write
	err = p.Start()
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	heard := listen(read)
	for end := time.Now().Add(soon); !w.Begun(heard.text()) && !ended(p.Process.Pid) && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	if unread {
		read.Close()
	}
	quick := ended(p.Process.Pid)
	if !(unread && w.Ends) {
		_ = p.Process.Signal(signal) // it may just have ended
	}
	late := time.AfterFunc(soon, func() { p.Process.Kill() })
	_ = p.Wait() // the exit code tells
	if !late.Stop() {
		t.Fatalf("it does not end:\n%s", heard.text())
	}
	return w.judge(t, p.ProcessState.ExitCode(), quick, unread && w.Ends, heard.text())
}

func (w Work) judge(t *testing.T, code int, quick, whole bool, said string) bool {
	t.Helper()
	var found error
	if w.Result != "" {
		_, found = os.Lstat(w.Result)
	}
	if whole {
		if code < 0 || found != nil {
			t.Errorf("without a reader it ends with exit code %d; %v", code, found)
		}
		return true
	}
	if code == 0 && w.Code != 0 {
		if found != nil {
			t.Errorf("it says that all is well: %v", found)
		}
		return false
	}
	if code != w.Code || quick {
		t.Errorf("exit code %d, want %d:\n%s", code, w.Code, said)
	}
	if w.Result != "" && !errors.Is(found, fs.ErrNotExist) {
		t.Errorf("it was stopped, and yet there is %s (%v)", w.Result, found)
	}
	// Who dies of a signal cannot clean up; the next one does.
	if w.Result != "" && w.Code >= 0 && holds(filepath.Dir(w.Result)) {
		t.Errorf("something is left behind in %s", filepath.Dir(w.Result))
	}
	if w.After != nil {
		w.After(t)
	}
	return true
}

// listener keeps what comes through a pipe.
type listener struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func listen(f *os.File) *listener {
	l := &listener{}
	go func() {
		p := make([]byte, 4096)
		for {
			n, err := f.Read(p)
			l.mu.Lock()
			l.b.Write(p[:n])
			l.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return l
}

func (l *listener) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Beside reports whether something is being written under a hidden name beside a
// path; locks do not count.
func Beside(path string) bool {
	found, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	return err == nil && slices.ContainsFunc(found, func(name string) bool { return !strings.HasSuffix(name, ".lock") })
}

// TwoAtOnce starts a program twice with the same flags: the second ends at once
// and names the first, which is in the middle of its work.
func TwoAtOnce(t *testing.T, work func(t *testing.T, unread bool) Work) {
	for range 20 {
		if work(t, false).twice(t) {
			return
		}
	}
	t.Error("it always ended before a second one could be started")
}

// twice is false where the first was too quick.
func (w Work) twice(t *testing.T) bool {
	t.Helper()
	dir := t.TempDir()
	first := New(t, dir, w.Flags...)
	first.Env = append(first.Env, w.Env...)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	first.Stdout, first.Stderr = write, write
	err = first.Start()
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		children := Children(first.Process.Pid)
		_ = first.Process.Kill() // it may have ended
		_ = first.Wait()
		for _, child := range children { // they may save before they go
			Gone(t, child)
		}
	}()
	heard := listen(read)
	for end := time.Now().Add(soon); !w.Begun(heard.text()) && !ended(first.Process.Pid) && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	// It stays where it is.
	if err := first.Process.Signal(syscall.SIGSTOP); err != nil || ended(first.Process.Pid) {
		return false
	}
	if w.Result != "" {
		if _, err := os.Lstat(w.Result); err == nil {
			return false
		}
	}
	second := New(t, dir, w.Flags...)
	second.Env = append(second.Env, w.Env...)
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(soon, func() { second.Process.Kill() })
	_ = second.Wait() // the exit code tells
	if !late.Stop() {
		t.Fatalf("the second does not end:\n%s%s", &second.Out, &second.Errs)
	}
	want := fmt.Sprintf("is in use by process %d ", first.Process.Pid)
	if code := second.ProcessState.ExitCode(); code <= 0 || !strings.Contains(second.Errs.String(), want) {
		t.Errorf("the second ends with exit code %d and does not say %q:\n%s%s", code, want, &second.Out, &second.Errs)
	}
	return true
}

// holds reports whether a folder is there and has anything in it.
func holds(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) > 0
}
