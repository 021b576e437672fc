package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/golang/glog"
)

// UntilSignalled returns a context that ends with the first SIGINT or SIGTERM,
// when said is written to w, if it is not empty; the second one ends the
// program at once, with 128 and the signal's number as exit code.
func UntilSignalled(w io.Writer, said string) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		if said != "" {
			fmt.Fprintln(w, "\n"+said)
		}
		cancel()
		s, ok := (<-signals).(syscall.Signal)
		if !ok {
			return
		}
		glog.Flush()
		os.Exit(128 + int(s))
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}
