package child

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asWaiter makes the test's binary a process that waits for a child, by its pipe
// ("reads", "writes") or for its end ("waits").
const asWaiter = "CHILD_TEST_AS_WAITER"

// wait has a child that is done after about two seconds, and a quarter of that as
// patience. It prints the child's process, and what came of it.
func wait(how string) {
	const slow = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo $i; sleep 0.1; done"
	script := slow
	if how == "writes" {
		script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do head -c 65536; sleep 0.1; done"
	}
	c := New(context.Background(), 500*time.Millisecond, "/bin/sh", "-c", script)
	var err error
	var out io.Reader
	var in io.WriteCloser
	switch how {
	case "reads":
		out, err = c.StdoutPipe()
	case "writes":
		in, err = c.StdinPipe()
	}
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		panic(err)
	}
	fmt.Println(c.Process.Pid)
	switch how {
	case "reads":
		_, err = io.Copy(io.Discard, out)
	case "writes":
		_, err = in.Write(make([]byte, 20*65536))
		in.Close()
	}
	if err == nil {
		err = c.Wait()
	}
	fmt.Println("done:", err)
}

// TestStoppedItself: a process that is stopped for longer than its patience lasts,
// and its child as well, does not take that for the child's fault.
func TestStoppedItself(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"reads", "writes", "waits"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			p := exec.Command(self)
			p.Env = append(os.Environ(), asWaiter+"="+how)
			out, err := p.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			var child int
			if _, err := fmt.Fscanln(lines, &child); err != nil {
				t.Fatal(err)
			}
			time.Sleep(300 * time.Millisecond) // it waits
			// The child goes on last: in between the process wakes up, and waits.
			for _, s := range []struct {
				pid    int
				signal syscall.Signal
			}{{p.Process.Pid, syscall.SIGSTOP}, {-child, syscall.SIGSTOP}, {p.Process.Pid, syscall.SIGCONT}, {-child, syscall.SIGCONT}} {
				if s.pid == p.Process.Pid && s.signal == syscall.SIGCONT {
					time.Sleep(time.Second)
				}
				if err := syscall.Kill(s.pid, s.signal); err != nil {
					t.Fatal(err)
				}
			}
			said, err := io.ReadAll(lines)
			if ended := p.Wait(); err != nil || ended != nil || !strings.Contains(string(said), "done: <nil>") {
				t.Errorf("%s: %v, %v", said, err, ended)
			}
		})
	}
}
