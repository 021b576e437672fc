package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/prioritycut/prioritycut/internal/logging"
)

// outliveReaders keeps the process alive when nobody reads its output any more:
// a write to a pipe that was closed is an error then, where Go would end the
// program for standard output and standard error. Not by ignoring SIGPIPE, which
// children would inherit.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// UntilSignalled returns a context that ends with the first SIGINT, SIGTERM, SIGHUP
// (a terminal that is closed) or SIGXCPU (a limit of time is near), when said is
// written to w, if it is not empty; a second one of the first two ends the program
// at once, with 128 and the signal's number as exit code.
func UntilSignalled(w io.Writer, said string) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGXCPU)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		<-signals
		if said != "" {
			fmt.Fprintln(w, "\n"+said)
		}
		cancel()
		// A terminal that goes says so more than once, by the kernel and by its
		// shell, and a limit of time does every second. Nobody is in a hurry then.
		second := <-signals
		for second == syscall.SIGHUP || second == syscall.SIGXCPU {
			second = <-signals
		}
		s, ok := second.(syscall.Signal)
		if !ok {
			return
		}
		logging.Flush()
		os.Exit(128 + int(s))
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}
