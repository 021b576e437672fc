package child

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asParent makes the test's binary a process with a child that sleeps.
const asParent = "CHILD_TEST_AS_PARENT"

func TestMain(m *testing.M) {
	if how := os.Getenv(asWaiter); how != "" {
		wait(how)
		os.Exit(0)
	}
	if os.Getenv(asParent) != "" {
		c := New(context.Background(), 0, "/bin/sleep", "600")
		if err := c.Start(); err != nil {
			panic(err)
		}
		fmt.Println(c.Process.Pid)
		time.Sleep(10 * time.Minute)
	}
	os.Exit(m.Run())
}

// gone waits until a process has ended; a zombie has.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 1000 {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return
		}
		if _, after, ok := strings.Cut(string(text), ") "); ok && strings.HasPrefix(after, "Z") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	t.Errorf("process %d lives on", pid)
}

func TestDiesWithItsParent(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(self)
	parent.Env = append(os.Environ(), asParent+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	gone(t, pid)
}

const short = 200 * time.Millisecond

// stalled checks an error's type.
func stalled(t *testing.T, err error) {
	t.Helper()
	var s *StalledError
	if !errors.As(err, &s) || s.Tool != "sh" || !strings.Contains(err.Error(), "no progress") {
		t.Errorf("got %v", err)
	}
}

func TestStalls(t *testing.T) {
	t.Run("to its end", func(t *testing.T) {
		// Its own child holds the pipe open: the whole group goes.
		c := New(context.Background(), short, "/bin/sh", "-c", "sleep 600 & wait")
		stalled(t, c.Run())
	})
	t.Run("reading", func(t *testing.T) {
		c := New(context.Background(), short, "/bin/sh", "-c", "echo one; sleep 600; echo two")
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(out)
		if string(text) != "one\n" {
			t.Errorf("read %q", text)
		}
		stalled(t, err)
		stalled(t, c.Wait())
	})
	t.Run("writing", func(t *testing.T) {
		c := New(context.Background(), short, "/bin/sh", "-c", "sleep 600")
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		_, err = in.Write(make([]byte, 1<<20))
		stalled(t, err)
		stalled(t, c.Wait())
	})
}

// TestEndless has a child write for ever, which is progress, but no end.
func TestEndless(t *testing.T) {
	c := New(context.Background(), 5*time.Second, "/bin/sh", "-c", "while :; do echo; sleep 0.01; done >/dev/null")
	c.EndsWithin = time.Second
	err := c.Run()
	var s *StalledError
	if !errors.As(err, &s) || !s.Busy || s.Patience != c.EndsWithin || strings.Contains(err.Error(), "no progress") {
		t.Errorf("got %v", err)
	}
}

// TestSlowIsNotStalled has a child write a line now and then, read late.
func TestSlowIsNotStalled(t *testing.T) {
	c := New(context.Background(), time.Second, "/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(out)
	if err != nil || len(text) != 16 {
		t.Errorf("read %q, %v", text, err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	c = New(context.Background(), time.Second, "/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done")
	if err := c.Run(); err != nil {
		t.Error(err)
	}
}

func TestCancelKillsTheGroup(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := New(ctx, 0, "/bin/sh", "-c", "sleep 600 & echo $!; wait")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := c.Wait(); err == nil {
		t.Error("a killed child ended well")
	}
	gone(t, pid)
}

// TestOverfull has a child write more than it may: slowly, and all at once.
func TestOverfull(t *testing.T) {
	for name, script := range map[string]string{
		"slowly":      `while :; do echo 12345678; sleep 0.01; done >"$0"`,
		"at once":     `head -c 100000 /dev/zero >"$0"`,
		"by another":  `(while :; do echo 12345678; sleep 0.01; done >"$0") & wait`,
		"and is read": `while :; do echo 12345678 >>"$0"; echo x; sleep 0.01; done`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			c := New(context.Background(), time.Minute, "/bin/sh", "-c", script, path)
			c.Writes = &Output{Path: path, Most: func() int64 { return 500 }}
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, out); err != nil {
				t.Error(err)
			}
			var much *OverfullError
			if err := c.Wait(); !errors.As(err, &much) || much.Tool != "sh" || much.Most != 500 {
				t.Errorf("got %v", err)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "file")
	c := New(context.Background(), time.Minute, "/bin/sh", "-c", `head -c 100 /dev/zero >"$0"`, path)
	c.Writes = &Output{Path: path, Most: func() int64 { return 100 }}
	if err := c.Run(); err != nil {
		t.Error(err)
	}
}
