// Package child runs other programs so that they neither outlive this process
// nor keep it waiting for ever.
//
// A child has a process group of its own: a Ctrl-C at the terminal reaches it
// through this process alone. It is killed, with all in its group, when its
// context ends, and by the kernel when this process ends in whatever way. And
// it is killed when it makes no progress for as long as its patience lasts: no
// byte comes through a pipe that this process waits for, or, while its end is
// waited for, it reads and writes nothing. One that works without end is no
// better: EndsWithin bounds how long its end is waited for, and Writes what its
// file may hold until then.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// DefaultPatience is how long a child may do nothing. Decoding one frame takes
// less than a second and a disk that sleeps wakes up in ten.
const DefaultPatience = 2 * time.Minute

// parts of a time are waited for one by one, so that one in which this process was
// stopped itself (Ctrl-Z, a machine or container that is paused) counts as one of
// them: how long ever it was, the child is not to blame.
const parts = 8

// stopDelay is how long a killed child may keep its pipes open.
const stopDelay = 5 * time.Second

// StalledError says that a child made no progress and was killed.
type StalledError struct {
	// Tool is the program's name.
	Tool string
	// Patience is how long it was waited for.
	Patience time.Duration
	// Busy says that it read, wrote or computed all that time, and did not end.
	Busy bool
}

// Error implements error.
func (e *StalledError) Error() string {
	if e.Busy {
		return fmt.Sprintf("%s was done but for its end, did not come to it in %v and was ended: does another build of it?", e.Tool, e.Patience)
	}
	return fmt.Sprintf("%s made no progress for %v and was ended: does the disk or network that holds its files answer?", e.Tool, e.Patience)
}

// Command is a child, to be started once. The fields of exec.Cmd may be set
// until then, but for SysProcAttr, Cancel and WaitDelay. One that can save what
// it has may get another SysProcAttr.Pdeathsig.
type Command struct {
	*exec.Cmd
	// Around, which may be nil, gets what starts the child and calls it, on the
	// thread whose attributes the child inherits. It leaves that as it was.
	Around func(start func() error) error
	// EndsWithin is how long Wait waits for a child that makes progress; 0 is for
	// ever.
	EndsWithin time.Duration
	// Writes, which may be nil, is the file that the child writes, and its bound.
	Writes *Output

	patience time.Duration

	mu    sync.Mutex
	why   error // it was killed
	ended bool
	done  chan struct{} // closed when it has ended
}

// New prepares the program at path. A patience that is not positive is
// DefaultPatience.
func New(ctx context.Context, patience time.Duration, path string, args ...string) *Command {
	if patience <= 0 {
		patience = DefaultPatience
	}
	c := &Command{Cmd: exec.CommandContext(ctx, path, args...), patience: patience, done: make(chan struct{})}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	c.Cancel = func() error { c.kill(); return nil }
	c.WaitDelay = stopDelay
	return c
}

// starter starts all children. The kernel takes the end of the thread that
// started a child for the parent's death; this one never ends.
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// Start starts the child.
func (c *Command) Start() error {
	around := c.Around
	if around == nil {
		around = func(start func() error) error { return start() }
	}
	started := make(chan error, 1)
	starter() <- func() { started <- around(c.Cmd.Start) }
	err := <-started
	if err == nil && c.Writes != nil {
		go c.watchOutput()
	}
	return err
}

// Run starts the child and waits for its end.
func (c *Command) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Wait waits for the child's end; it is a *StalledError where the child was
// killed for making no progress, an *OverfullError where it wrote too much.
func (c *Command) Wait() error {
	ended := make(chan error, 1)
	go func() { ended <- c.Cmd.Wait() }()
	every := c.patience / parts
	if c.EndsWithin > 0 {
		every = min(every, c.EndsWithin/parts)
	}
	every = max(every, time.Millisecond)
	tick := time.NewTicker(every)
	defer tick.Stop()
	last, idle, waited := progress(c.Process.Pid), time.Duration(0), time.Duration(0)
	for {
		select {
		case err := <-ended:
			return c.end(err)
		case <-tick.C:
			idle += every
			if now := progress(c.Process.Pid); now != last {
				last, idle = now, 0
			} else if idle >= c.patience {
				_ = c.stall()
			}
			if waited += every; c.EndsWithin > 0 && waited >= c.EndsWithin {
				_ = c.endFor(&StalledError{Tool: c.tool(), Patience: c.EndsWithin, Busy: true})
			}
		}
	}
}

// end notes that the child has ended, and returns why where it was killed.
func (c *Command) end(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended = true
		close(c.done)
	}
	if c.why != nil {
		return c.why
	}
	if err == nil {
		return c.overfull() // it may have been quick
	}
	return err
}

// progress changes whenever a process reads, writes or, where the system does
// not tell that, computes.
func progress(pid int) string {
	for _, name := range []string{"io", "stat"} {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name)); err == nil {
			return string(text)
		}
	}
	return ""
}

// stall kills a child that makes no progress and remembers why.
func (c *Command) stall() error {
	return c.endFor(&StalledError{Tool: c.tool(), Patience: c.patience})
}

// endFor kills the child; the first reason counts.
func (c *Command) endFor(why error) error {
	c.mu.Lock()
	if c.why == nil {
		c.why = why
	}
	why = c.why
	c.mu.Unlock()
	c.kill()
	return why
}

func (c *Command) tool() string { return filepath.Base(c.Path) }

// kill ends the child and whatever it started.
func (c *Command) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended && c.Process != nil {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // it may just have ended
	}
}

// StdoutPipe is exec.Cmd's, with the child's patience for every read. Time in
// which nobody reads does not count.
func (c *Command) StdoutPipe() (io.ReadCloser, error) {
	pipe, err := c.Cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	file, ok := pipe.(readPipe)
	if !ok {
		return nil, errors.New("the pipe to a child has no deadlines")
	}
	return &patientReader{file, c}, nil
}

type readPipe interface {
	io.ReadCloser
	SetReadDeadline(time.Time) error
}

type patientReader struct {
	readPipe
	child *Command
}

func (r *patientReader) Read(p []byte) (n int, err error) {
	err = r.child.patiently(r.SetReadDeadline, func() (int, error) {
		n, err = r.readPipe.Read(p)
		return n, err
	})
	return n, err
}

// patiently does what waits for the child, again as long as its patience lasts.
func (c *Command) patiently(setDeadline func(time.Time) error, do func() (int, error)) error {
	for range parts {
		if err := setDeadline(time.Now().Add(max(c.patience/parts, time.Millisecond))); err != nil {
			return err
		}
		if n, err := do(); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
	return c.stall()
}

// StdinPipe is exec.Cmd's, with the child's patience for every write.
func (c *Command) StdinPipe() (io.WriteCloser, error) {
	pipe, err := c.Cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	file, ok := pipe.(writePipe)
	if !ok {
		return nil, errors.New("the pipe to a child has no deadlines")
	}
	return &patientWriter{file, c}, nil
}

type writePipe interface {
	io.WriteCloser
	SetWriteDeadline(time.Time) error
}

type patientWriter struct {
	writePipe
	child *Command
}

func (w *patientWriter) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		err = w.child.patiently(w.SetWriteDeadline, func() (int, error) {
			// A pipe holds 64 KiB: a piece of that size passes or stands still.
			m, err := w.writePipe.Write(p[n:min(len(p), n+1<<16)])
			n += m
			return m, err
		})
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil // a part has passed
		}
	}
	return n, err
}
