package serve

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// turns lets a few predict requests run at once and a few more wait.
type turns struct {
	room, running chan struct{}
	patience      time.Duration
	closed        chan struct{}
	closing       sync.Once
	dropped       dropped
}

func newTurns(running, waiting int, patience time.Duration) *turns {
	return &turns{
		room: make(chan struct{}, running+waiting), running: make(chan struct{}, running), patience: patience,
		closed: make(chan struct{}),
	}
}

// close sends away those who wait, and whoever comes.
func (t *turns) close() { t.closing.Do(func() { close(t.closed) }) }

// enter reserves room, before a request's body is read.
func (t *turns) enter() (leave func(), err error) {
	select {
	case t.room <- struct{}{}:
		return func() { <-t.room }, nil
	default:
		return nil, busy(http.StatusTooManyRequests, time.Second, "%d predict requests run or wait already", cap(t.room))
	}
}

// run waits for a turn, not longer than the client does.
func (t *turns) run(ctx context.Context) (done func(), err error) {
	timer := time.NewTimer(t.patience)
	defer timer.Stop()
	select {
	case t.running <- struct{}{}:
		return func() { <-t.running }, nil
	case <-t.closed:
		return nil, errStops()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, busy(http.StatusServiceUnavailable, time.Second, "waited %v for a turn", t.patience)
	}
}
