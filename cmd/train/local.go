package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/golang/glog"
	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/child"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/train"
)

const (
	maxLocal = 64
	// grace is how long workers may go on without one that died: they see that
	// themselves and say so.
	grace    = 15 * time.Second
	stopping = "saving and stopping; a second signal leaves at once"
)

// local are workers that this process starts on this machine, or devices of this
// machine that it computes on itself.
type local struct {
	workers, restarts, replicas int
	// gpus says that each worker has the GPU of its rank.
	gpus bool
}

func (l *local) add(c *cli.Command) {
	c.Group("Several devices or processes", func(flags *pflag.FlagSet) {
		flags.IntVar(&l.replicas, "replicas", 1, "`number` of devices of this machine that share each batch, in one process (1 to 64): GPUs 0, 1 and so on of those that "+
			"CUDA_VISIBLE_DEVICES leaves, or, to try it, as many parts of the CPU (--device=cpu); batch_size is that of the whole batch and a multiple of it")
		flags.IntVar(&l.workers, "workers", 1, "processes of this machine that share each batch (1 to 64), with --device=gpu each on a GPU of its own; "+
			"batch_size is that of the whole batch and a multiple of it; each takes a free port; ports are open at all addresses, without authentication: "+
			"keep others out by a firewall; other machines: TF_CONFIG (docs/machines.md)")
		flags.IntVar(&l.restarts, "max_restarts", 0, "with --workers: how often all start again from the last checkpoint when one dies")
	})
}

// check refuses what cannot be run, before anything is begun.
func (l *local) check(c *config.Config) error {
	cluster := strings.TrimSpace(os.Getenv(tf.ClusterVariable)) != ""
	switch {
	case l.workers < 1 || l.workers > maxLocal:
		return fmt.Errorf("--workers is %d: it must be 1 to %d", l.workers, maxLocal)
	case l.restarts < 0:
		return fmt.Errorf("--max_restarts is %d: it must not be negative", l.restarts)
	case l.workers == 1 && l.restarts > 0:
		return errors.New("--max_restarts is for --workers of 2 or more")
	case l.workers > 1 && cluster:
		return fmt.Errorf("--workers and %s name the workers of a run both: leave one out", tf.ClusterVariable)
	case l.workers > 1 && strings.HasPrefix(c.Run.Device, "gpu:"):
		return fmt.Errorf("--device=%s is one GPU for %d workers: --device=gpu gives each its own", c.Run.Device, l.workers)
	case c.Train.BatchSize%l.workers != 0:
		return fmt.Errorf("batch_size is %d, which %d workers cannot share alike: make it a multiple of %d", c.Train.BatchSize, l.workers, l.workers)
	}
	l.gpus = c.Run.Device == "gpu"
	return l.checkReplicas(c, cluster)
}

// checkReplicas does so for devices of one process.
func (l *local) checkReplicas(c *config.Config, cluster bool) error {
	switch n := l.replicas; {
	case n < 1 || n > tf.MaxReplicas:
		return fmt.Errorf("--replicas is %d: it must be 1 to %d", n, tf.MaxReplicas)
	case n == 1:
		return nil
	case l.workers > 1:
		return errors.New("--replicas are devices of one process and --workers processes with a device each: leave one out")
	case cluster:
		return fmt.Errorf("a worker of %s computes on one device: name a worker for each GPU there, with --device=gpu:N, or leave --replicas out", tf.ClusterVariable)
	case strings.HasPrefix(c.Run.Device, "gpu:"):
		return fmt.Errorf("--device=%s is one GPU for %d replicas: --device=gpu gives each its own", c.Run.Device, n)
	case c.Train.BatchSize%n != 0:
		return fmt.Errorf("batch_size is %d, which %d replicas cannot share alike: make it a multiple of %d", c.Train.BatchSize, n, n)
	}
	return nil
}

// checkMemory refuses, before any process is started, what does not fit into the
// machine; with device auto there may be a GPU, so that it is a warning.
func (l *local) checkMemory(c *config.Config) error {
	if l.gpus {
		return nil
	}
	err := train.CheckMemory(c, l.workers)
	if err != nil && c.Run.Device != "cpu" {
		glog.Warningf("without a GPU: %v", err)
		return nil
	}
	return err
}

// arguments are those of one worker, given those of all. The last of a flag counts.
func (l *local) arguments(all []string, rank int) []string {
	args := append(append([]string{}, all...), "--workers=1", "--max_restarts=0")
	if l.gpus {
		args = append(args, fmt.Sprintf("--device=gpu:%d", rank))
	}
	return args
}

// imagined is the cluster of a dry run, which starts nothing.
func (l *local) imagined() *tf.Cluster {
	c := &tf.Cluster{}
	for rank := range l.workers {
		c.Workers = append(c.Workers, fmt.Sprintf("127.0.0.1:%d", 1+rank))
	}
	return c
}

// exitError is the chief's end.
type exitError struct{ code int }

func (e *exitError) Error() string {
	return fmt.Sprintf("the workers ended with exit code %d: their own messages say why", e.code)
}

// ProgramExit is the program's exit code.
func (e *exitError) ProgramExit() int { return e.code }

// run starts the workers, again where one died, and waits for their end.
func (l *local) run() error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	for again := 1; ; again++ {
		g, err := l.start()
		if err != nil {
			return err
		}
		code := g.wait(signals)
		switch {
		case code == 0:
			return nil
		case !g.died || g.stopped || again > l.restarts:
			return &exitError{code}
		}
		fmt.Fprintf(logging.Stderr(), "a worker died: all start again from the last checkpoint (%d of --max_restarts=%d)\n", again, l.restarts)
	}
}

// ended is a worker's end.
type ended struct{ rank, code int }

// gang are the workers of one start.
type gang struct {
	all           []*child.Command
	ends          chan ended
	kill          context.CancelFunc
	died, stopped bool
}

func (l *local) start() (*gang, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addresses, err := freeAddresses(l.workers)
	if err != nil {
		return nil, err
	}
	ctx, kill := context.WithCancel(context.Background())
	g := &gang{ends: make(chan ended, l.workers), kill: kill}
	for rank := range l.workers {
		c := child.New(ctx, math.MaxInt64, self, l.arguments(os.Args[1:], rank)...)
		text, err := json.Marshal(map[string]any{
			"cluster": map[string]any{"worker": addresses}, "task": map[string]any{"type": "worker", "index": rank},
		})
		if err == nil {
			c.Env = append(os.Environ(), tf.ClusterVariable+"="+string(text))
			c.Stdout, c.Stderr = os.Stdout, logging.Stderr()
			if rank > 0 {
				c.Stdout, c.Stderr = nil, &relay{to: logging.Stderr(), rank: rank}
			}
			err = c.Start()
		}
		if err != nil {
			for range g.all {
				kill()
				<-g.ends
			}
			kill()
			return nil, fmt.Errorf("worker %d cannot be started: %w", rank, err)
		}
		g.all = append(g.all, c)
		go func() { g.ends <- ended{rank, exitCode(c.Wait())} }()
	}
	return g, nil
}

// wait passes signals on until all have ended, and returns the chief's exit code,
// train.ExitLost where it was killed.
func (g *gang) wait(signals <-chan os.Signal) (code int) {
	defer g.kill()
	var late <-chan time.Time
	for left := len(g.all); left > 0; {
		select {
		case s := <-signals:
			g.stopped = true
			for _, c := range g.all {
				_ = c.Process.Signal(s) // it may have ended
			}
		case <-late:
			g.kill()
		case e := <-g.ends:
			left--
			if e.rank == 0 {
				code = e.code
			}
			g.died = g.died || e.code == train.ExitLost
			if late == nil && (e.rank == 0 || e.code != 0) {
				late = time.After(grace)
			}
		}
	}
	return code
}

// exitCode is a worker's; train.ExitLost if a signal ended it.
func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	}
	return train.ExitLost
}

// freeAddresses are such as nobody listens at now.
func freeAddresses(n int) ([]string, error) {
	list := make([]string, n)
	for i := range list {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("no port is free for a worker: %w", err)
		}
		defer l.Close() // when all are found, so that they differ
		list[i] = l.Addr().String()
	}
	return list, nil
}

// relay writes a worker's errors and warnings, line by line, with its rank.
type relay struct {
	to   io.Writer
	rank int
	rest []byte
}

var infoLine = regexp.MustCompile(`^I\d{4} `)

// Write implements io.Writer.
func (r *relay) Write(p []byte) (int, error) {
	r.rest = append(r.rest, p...)
	for {
		n, line, _ := bufio.ScanLines(r.rest, false)
		if n == 0 {
			return len(p), nil
		}
		if text := string(line); text != "" && text != stopping && !infoLine.MatchString(text) {
			fmt.Fprintf(r.to, "worker %d: %s\n", r.rank, text)
		}
		r.rest = r.rest[n:]
	}
}
