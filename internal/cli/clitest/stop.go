package clitest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Hung is a tool that says it was started and then hangs.
type Hung struct {
	// Path is the PATH with it in front.
	Path string
	pid  string
}

// HangFFmpeg makes an ffmpeg that hangs; ffprobe is the real one.
func HangFFmpeg(t testing.TB) Hung {
	t.Helper()
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Fatal("these tests need ffmpeg in PATH")
	}
	return Hang(t, "ffmpeg")
}

// Hang makes a tool of a name that hangs.
func Hang(t testing.TB, tool string) Hung {
	t.Helper()
	dir := t.TempDir()
	h := Hung{Path: dir + string(filepath.ListSeparator) + os.Getenv("PATH"), pid: filepath.Join(dir, "pid")}
	script := fmt.Sprintf("#!/bin/sh\necho $$ >%s.new && mv %s.new %s && exec sleep 600\n", h.pid, h.pid, h.pid)
	if err := os.WriteFile(filepath.Join(dir, tool), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return h
}

// Process is its process, 0 as long as it has not been started.
func (h Hung) Process() int {
	text, err := os.ReadFile(h.pid)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// Started waits until it has been started and returns its process.
func (h Hung) Started(t testing.TB, p *Program) int {
	t.Helper()
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if pid := h.Process(); pid != 0 {
			return pid
		}
		if ended(p.Process.Pid) {
			break
		}
	}
	_ = p.Process.Kill()
	_ = p.Wait() // then all that it said is there
	t.Fatalf("ffmpeg was not started\n%s", p.Errs.String())
	return 0
}

// ended reports whether a process has.
func ended(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(text), ") ")
	return err != nil || strings.HasPrefix(state, "Z")
}

// Gone waits until a process has ended.
func Gone(t testing.TB, pid int) {
	t.Helper()
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ended(pid) {
			return
		}
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	t.Errorf("process %d outlives its program", pid)
}

// Children are the processes that a process has started and that still run.
func Children(pid int) []int {
	var children []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is well formed
	for _, list := range lists {
		text, _ := os.ReadFile(list) // threads end
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

// Stops starts a program, once for each signal, that waits for an ffmpeg that
// hangs, and stops it. It must end soon, by itself and not by the signal, even
// where nobody reads its output any more; and ffmpeg ends with it, though it is
// killed. flags are asked for each time: they may name new folders.
func Stops(t *testing.T, flags func(t *testing.T) []string) {
	for _, s := range []struct {
		name   string
		signal syscall.Signal
		unread bool
	}{
		{"SIGHUP", syscall.SIGHUP, false}, {"SIGTERM", syscall.SIGTERM, false}, {"SIGINT", syscall.SIGINT, false},
		{"nobody reads", syscall.SIGTERM, true}, {"SIGKILL", syscall.SIGKILL, false},
	} {
		t.Run(s.name, func(t *testing.T) {
			hung := HangFFmpeg(t)
			p := New(t, t.TempDir(), flags(t)...)
			p.Env = append(p.Env, "PATH="+hung.Path)
			var read *os.File
			if s.unread {
				var write *os.File
				var err error
				if read, write, err = os.Pipe(); err != nil {
					t.Fatal(err)
				}
				defer write.Close()
				p.Stdout, p.Stderr = write, write
			}
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			pid := hung.Started(t, p)
			if s.unread {
				read.Close()
			}
			if err := p.Process.Signal(s.signal); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(soon, func() { p.Process.Kill() })
			err := p.Wait()
			if !late.Stop() {
				t.Fatalf("it does not stop\n%s%s", &p.Out, &p.Errs)
			}
			if killed := p.ProcessState.ExitCode() < 0; killed != (s.signal == syscall.SIGKILL) {
				t.Errorf("it ends with %v\n%s%s", err, &p.Out, &p.Errs)
			}
			Gone(t, pid)
		})
	}
}
