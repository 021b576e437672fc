package serve

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// turns lets a few predict requests run at once and a few more wait.
type turns struct {
	most     int // run or wait
	running  chan struct{}
	patience time.Duration
	closed   chan struct{}
	closing  sync.Once
	dropped  dropped

	mu    sync.Mutex
	seats map[*seat]*patientBody // nil when the body is whole
}

func newTurns(running, waiting int, patience time.Duration) *turns {
	return &turns{
		most: running + waiting, running: make(chan struct{}, running), patience: patience,
		seats: make(map[*seat]*patientBody), closed: make(chan struct{}),
	}
}

// close sends away those who wait, and whoever comes.
func (t *turns) close() { t.closing.Do(func() { close(t.closed) }) }

// seat is room for one request, from when its body comes until its answer.
type seat struct{ of *turns }

// open says whether a request may find room, before its body is read.
func (t *turns) open() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.room(func(*seat, *patientBody) {})
}

// enter takes room for a request whose body comes, if need be that of one whose
// does not.
func (t *turns) enter(body *patientBody) (*seat, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.room(func(s *seat, b *patientBody) {
		delete(t.seats, s)
		b.evict()
	})
	if err != nil {
		return nil, err
	}
	s := &seat{t}
	t.seats[s] = body
	return s, nil
}

// room looks for a seat that is free or can be made so. The lock is held.
func (t *turns) room(makeRoom func(*seat, *patientBody)) error {
	if len(t.seats) < t.most {
		return nil
	}
	if s, ok := slowest(t.seats); ok {
		makeRoom(s, t.seats[s])
		return nil
	}
	return busy(http.StatusTooManyRequests, time.Second, "%d predict requests run or wait already", t.most)
}

// load counts seats that are taken.
func (t *turns) load() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.seats)
}

// stay keeps the seat of a request whose body is whole; an error if another has
// taken it.
func (s *seat) stay() error {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	if _, held := s.of.seats[s]; !held {
		return errEvicted()
	}
	s.of.seats[s] = nil
	return nil
}

// leave gives the seat back.
func (s *seat) leave() {
	if s == nil {
		return
	}
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	delete(s.of.seats, s)
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
