package ablation

import (
	"context"
	"encoding/json"
	"errors"
	goflag "flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/evaluate/figure"
	"github.com/prioritycut/prioritycut/evaluate/joints"
	"github.com/prioritycut/prioritycut/internal/child"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/train"
)

// childArgument as the first argument makes a program a child that does one
// job; the second one is the job.
const childArgument = "ablation-child-process"

// job is what a child does with TensorFlow: one of its fields.
type job struct {
	Train   *trainJob
	Joints  *jointsJob
	Measure *evaluate.Request
	Figure  *figureJob
}

// trainJob trains a run in Dir.
type trainJob struct {
	Options config.Options
	Dir     string
}

// jointsJob trains a detector and saves it under Path.
type jointsJob struct {
	Options joints.Options
	Path    string
}

// figureJob draws a figure into a file.
type figureJob struct {
	Options figure.Options
	Path    string
}

// Child does the work of a child process when args, the arguments of this
// process, ask for it, and returns its exit code. A program that calls
// Plan.Train calls it first in main.
func Child(args []string) (code int, is bool) {
	if len(args) != 2 || args[0] != childArgument {
		return 0, false
	}
	// What a person should see goes to the log of the run, all of it.
	_ = goflag.Set("logtostderr", "true")                   // the flag exists
	_ = goflag.CommandLine.Parse(nil)                       // for glog; without arguments it cannot fail
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // it outlives whoever reads
	defer logging.Start(nil)()                              // the parent shows it as typed
	var j job
	err := json.Unmarshal([]byte(args[1]), &j)
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGXCPU)
		defer stop()
		if err = j.do(ctx); ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = nil // stopped as asked; the parent looks how far it came
		}
	}
	if err != nil {
		fmt.Fprintln(logging.Stderr(), err)
		return 1, true
	}
	return 0, true
}

func (j *job) do(ctx context.Context) error {
	switch {
	case j.Train != nil:
		return j.Train.do(ctx)
	case j.Joints != nil:
		return j.Joints.do(ctx)
	case j.Measure != nil:
		_, err := evaluate.Run(ctx, *j.Measure)
		return err
	case j.Figure != nil:
		return j.Figure.do(ctx)
	}
	return fmt.Errorf("%s is started by the program itself", childArgument)
}

func (j *trainJob) do(ctx context.Context) error {
	c, _, err := config.Resolve(j.Options) // warnings were told by the parent
	if err != nil {
		return err
	}
	return train.Run(ctx, train.RunOptions{Config: c, Dir: j.Dir, Out: os.Stdout})
}

func (j *jointsJob) do(ctx context.Context) (err error) {
	d, err := joints.Train(ctx, j.Options, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	own, err := d.Measure(ctx)
	if err != nil {
		return err
	}
	fmt.Println(own)
	return newWriting(filepath.Dir(j.Path)).Insist("the joint detector", func() error { return d.Save(j.Path, own) })
}

func (j *figureJob) do(ctx context.Context) error {
	grid, err := figure.Draw(ctx, j.Options)
	if err != nil {
		return err
	}
	drawn, err := grid.Draw()
	if err != nil {
		return err
	}
	encoded, err := picture.PNG(drawn)
	if err != nil {
		return err
	}
	return newWriting(filepath.Dir(j.Path)).File(filepath.Base(j.Path), j.Path, encoded)
}

// run does a job in a process of its own, whose text goes to the end of the log
// at path; lines, which may be nil, gets what is written. When ctx is done the
// process is asked to save and stop; that is no error.
func (j job) run(ctx context.Context, path string, lines func([]string)) error {
	var log *runLog
	err := newWriting(filepath.Dir(path)).Insist("the log", func() (err error) {
		log, err = openLog(path)
		return err
	})
	if err != nil {
		return err
	}
	defer log.close()
	c, err := j.command()
	if err != nil {
		return err
	}
	c.Stdout, c.Stderr = log.file, log.file
	ended, err := start(c)
	if err != nil {
		return err
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	follow := func() {
		// A log that cannot be read for once is no reason to stop.
		if new, _ := log.read(); len(new) > 0 && lines != nil {
			lines(new)
		}
	}
	for stop := ctx.Done(); ; {
		select {
		case <-stop:
			stop = nil
			// It may have ended by itself; then there is nobody to tell.
			_ = c.Process.Signal(syscall.SIGTERM)
		case <-tick.C:
			follow()
		case err := <-ended:
			follow()
			if err != nil && !(stop == nil && killed(err)) {
				return fmt.Errorf("%w; the end of %s:\n%s", err, log.path, log.last())
			}
			return nil
		}
	}
}

// killed reports whether a child ended by the signal that asks it to stop: one
// that has only just been started does not listen yet, and has nothing to save.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM
}

// childPatience is for a child that hangs; a step of large networks computes for
// minutes without a byte.
const childPatience = 24 * time.Hour

// command is the child that does a job. It ends when it is asked to, not with a
// context, so that it can save.
func (j job) command() (*child.Command, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	encoded, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	c := child.New(context.Background(), childPatience, self, childArgument, string(encoded))
	// Should this process be killed, the child saves and stops.
	c.SysProcAttr.Pdeathsig = syscall.SIGTERM
	return c, nil
}

// start starts a child and returns a channel that tells how it ended.
func start(c *child.Command) (<-chan error, error) {
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	return ended, nil
}
