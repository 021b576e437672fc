package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/prioritycut/prioritycut/internal/child"
)

// side is a program that measures jobs, each in a process of its own.
type side struct {
	// name is what the table calls it.
	name string
	// command starts it.
	command []string
	// missing says why there is none: it could not be installed.
	missing error
}

// longest is how long one process may take: compilers of networks take minutes.
const longest = 30 * time.Minute

var errTooLong = fmt.Errorf("it took more than %v", longest)

// measure runs one job to its end, with more variables in its environment.
func (p side) measure(ctx context.Context, job Job, env []string) (*Result, error) {
	out, err := p.run(ctx, job, env)
	if err != nil {
		return nil, err
	}
	r, err := parseResult(out, job)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return r, nil
}

// run gives a process its job and returns what it prints.
func (p side) run(ctx context.Context, job Job, env []string) (_ []byte, err error) {
	if p.missing != nil {
		return nil, p.missing
	}
	limited, cancel := context.WithTimeoutCause(ctx, longest, errTooLong)
	defer cancel()
	if job.Started, err = monotonic(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	c := child.New(limited, longest, p.command[0], p.command[1:]...) // it may compute all the time
	c.Env = append(os.Environ(), env...)
	c.Stdin = bytes.NewReader(text)
	out, said := &tail{}, &tail{}
	c.Stdout, c.Stderr = out, said
	c.Around = func(start func() error) error { return startBound(start, job.FirstCore, job.Threads) }
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", p.name, err)
	}
	err = c.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if limited.Err() != nil {
		err = context.Cause(limited)
	}
	if err != nil {
		return nil, fmt.Errorf("%s, measuring %s: %w\n%s", p.name, job.Measure, err, strings.TrimSpace(said.String()))
	}
	return out.Bytes(), nil
}

// tail keeps the end of what a process says.
type tail struct{ bytes.Buffer }

const tailBytes = 64 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if n > tailBytes {
		p = p[n-tailBytes:]
	}
	if drop := t.Len() + len(p) - tailBytes; drop > 0 {
		t.Next(drop)
	}
	_, err := t.Buffer.Write(p)
	return n, err
}

// startBound starts a process that may use n of our cores only, from one on, so
// that no side gets more than another, however it divides its work.
func startBound(start func() error, from, n int) (err error) {
	if n >= runtime.NumCPU() {
		return start()
	}
	// A new process has the cores of the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, few unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return fmt.Errorf("asking for the cores of this process: %w", err)
	}
	for cpu, passed := 0, 0; few.Count() < n && passed < all.Count(); cpu++ {
		if !all.IsSet(cpu) {
			continue
		}
		if passed >= from {
			few.Set(cpu)
		}
		passed++
	}
	if err := unix.SchedSetaffinity(0, &few); err != nil {
		return fmt.Errorf("binding to %d cores: %w", n, err)
	}
	err = start()
	if back := unix.SchedSetaffinity(0, &all); err == nil && back != nil {
		err = fmt.Errorf("taking back all cores: %w", back)
	}
	return err
}
