package ablation

import (
	"context"
	"encoding/json"
	goflag "flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/train"
)

// childArgument as the first argument makes a program the child that trains one
// run; the second one is its job.
const childArgument = "ablation-child-process"

// job is what a child does.
type job struct {
	Options config.Options
	Dir     string
}

// Child does the work of a child process when args, the arguments of this
// process, ask for it, and returns its exit code. A program that calls Train
// calls it first in main.
func Child(args []string) (code int, is bool) {
	if len(args) != 2 || args[0] != childArgument {
		return 0, false
	}
	// What a person should see goes to the log of the run, all of it.
	_ = goflag.Set("logtostderr", "true") // the flag exists
	_ = goflag.CommandLine.Parse(nil)     // for glog; without arguments it cannot fail
	defer glog.Flush()
	if err := work(args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}

// work trains until the run is complete or a signal comes.
func work(encoded string) error {
	var j job
	if err := json.Unmarshal([]byte(encoded), &j); err != nil {
		return fmt.Errorf("%s is started by the program itself: %w", childArgument, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c, _, err := config.Resolve(j.Options) // warnings were told by the parent
	if err != nil {
		return err
	}
	return train.Run(ctx, train.RunOptions{Config: c, Dir: j.Dir, Out: os.Stdout})
}

// command is the child that trains a run. It has a process group of its own, so
// that Ctrl-C reaches it through this process alone.
func (r *Run) command() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	encoded, err := json.Marshal(job{Options: r.options, Dir: r.Dir})
	if err != nil {
		return nil, err
	}
	c := exec.Command(self, childArgument, string(encoded))
	// Should this process be killed, the child saves and stops.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	return c, nil
}

// start starts a child and returns a channel that tells how it ended. The
// thread that starts it lives as long as the child: its end would count as this
// process's death.
func start(c *exec.Cmd) (<-chan error, error) {
	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := c.Start(); err != nil {
			started <- fmt.Errorf("starting %s: %w", c.Path, err)
			return
		}
		started <- nil
		ended <- c.Wait()
	}()
	return ended, <-started
}
