package serve

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang/glog"
)

// Server answers HTTP requests. New makes one.
type Server struct {
	options Options
	backend Backend
	work    *workFolder
	queue   *queue
	turns   *turns
	metrics *metrics
	handler http.Handler

	stopping  atomic.Bool
	sweeper   sync.WaitGroup
	endSweeps context.CancelFunc
	close     sync.Once
}

// New makes a server. It removes what dead servers left in the work folder and
// makes its own there. The caller closes the server; the backend stays the
// caller's.
func New(b Backend, o Options) (*Server, error) { return newServer(b, o, time.Now) }

func newServer(b Backend, o Options, now func() time.Time) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if b.Model == nil && b.Animator == nil {
		return nil, errors.New("serve: there is nothing to serve")
	}
	work, err := openWork(o.Work)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, backend: b, work: work, queue: newQueue(b.Animator, o, now)}
	s.metrics = newMetrics(s.queue)
	s.queue.metrics = s.metrics
	s.turns = newTurns(o.Predicts, o.PredictQueue, o.PredictTimeout)
	s.handler = s.routes()
	ctx, cancel := context.WithCancel(context.Background())
	s.endSweeps = cancel
	s.sweeper.Add(1)
	go s.sweep(ctx)
	return s, nil
}

// sweep cancels and forgets jobs in time.
func (s *Server) sweep(ctx context.Context) {
	defer s.sweeper.Done()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.queue.sweep()
		}
	}
}

// Close cancels all jobs, waits for them, and removes every file.
func (s *Server) Close() error {
	var err error
	s.close.Do(func() {
		s.refuse()
		s.queue.close()
		s.endSweeps()
		s.sweeper.Wait()
		err = s.work.Close()
	})
	return err
}

// Serve answers on l until ctx ends. Then it takes no more jobs, lets those
// that run go on for the time of grace while their watchers stay connected,
// cancels what is left, and returns nil. It closes l. The caller calls Close.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	base, end := context.WithCancel(context.Background())
	defer end()
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: s.options.HeaderTimeout,
		IdleTimeout:       s.options.KeepAlive,
		MaxHeaderBytes:    1 << 16,
		ConnContext:       withConn,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          log.New(logWriter{}, "", 0),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(limitConnections(l, s.options.Connections)) }()
	select {
	case err := <-served:
		return fmt.Errorf("listening on %v: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	s.refuse()
	grace, cancel := context.WithTimeout(context.Background(), s.options.Grace)
	defer cancel()
	s.queue.drain(grace)
	s.queue.close()
	// Watchers read how their jobs ended; requests get an answer.
	last, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	err := server.Shutdown(last)
	end()
	if err != nil {
		err = server.Close()
	}
	<-served
	return err
}

// refuse takes no more work, and sends those away whose work has not begun.
func (s *Server) refuse() {
	s.stopping.Store(true)
	s.turns.close()
}

// errStops is told to who comes when the server stops.
func errStops() error {
	return busy(http.StatusServiceUnavailable, time.Minute, "the server is stopping")
}

// lastWords is how long connections may take to end when all jobs have.
const lastWords = 3 * time.Second

// logWriter brings net/http's complaints about clients to the log.
type logWriter struct{}

func (logWriter) Write(p []byte) (int, error) {
	glog.V(1).Info(strings.TrimSpace(string(p)))
	return len(p), nil
}
