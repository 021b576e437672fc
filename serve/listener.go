package serve

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// limitedListener hands out a limited number of connections at a time. When all
// are taken, the next one takes the place of whoever has kept the server waiting
// longest for a request's header, else of the body that is farthest behind; it
// waits only where all others are being served.
type limitedListener struct {
	net.Listener
	most  int
	freed chan struct{} // a hint
	done  chan struct{}

	mu   sync.Mutex
	open map[*limitedConn]struct{}
}

func limitConnections(l net.Listener, n int) *limitedListener {
	return &limitedListener{
		Listener: l, most: n, freed: make(chan struct{}, 1), done: make(chan struct{}), open: map[*limitedConn]struct{}{},
	}
}

// Accept waits for a client, then for room.
func (l *limitedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &limitedConn{Conn: conn, from: l, idle: time.Now()}
	look := time.NewTicker(catchUp / 4)
	defer look.Stop()
	for !l.admit(c) {
		select {
		case <-l.freed:
		case <-look.C: // somebody may have fallen behind
		case <-l.done:
			conn.Close()
			return nil, net.ErrClosed
		}
	}
	return c, nil
}

// admit adds a connection where there is room or room can be made.
func (l *limitedListener) admit(c *limitedConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) >= l.most {
		waiting := l.longestIdle()
		if waiting == nil {
			l.evictSlowest()
			return false // its handler closes the connection soon
		}
		delete(l.open, waiting)
		waiting.Conn.Close()
	}
	l.open[c] = struct{}{}
	return true
}

// longestIdle is the connection that has no request for the longest time. The
// lock is held.
func (l *limitedListener) longestIdle() (found *limitedConn) {
	for c := range l.open {
		if !c.idle.IsZero() && (found == nil || c.idle.Before(found.idle)) {
			found = c
		}
	}
	return found
}

// evictSlowest cuts a body off. The lock is held.
func (l *limitedListener) evictSlowest() {
	bodies := map[*limitedConn]*patientBody{}
	for c := range l.open {
		bodies[c] = c.body
	}
	if c, ok := slowest(bodies); ok {
		c.body.evict()
	}
}

// Close ends waiting for room, too. It is called once, by http.Server.
func (l *limitedListener) Close() error {
	close(l.done)
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	from *limitedListener

	// Under the listener's lock.
	idle time.Time    // since when there is no request, zero while one is answered
	body *patientBody // of the request
}

// Close makes room for another connection.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.from.mu.Lock()
	delete(c.from.open, c)
	c.from.mu.Unlock()
	select {
	case c.from.freed <- struct{}{}:
	default:
	}
	return err
}

type connKey struct{}

// withConn lets handlers find their connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// serving notes that a request has come whole but for its body, until the
// returned function is called.
func serving(r *http.Request) (done func()) {
	c, ok := r.Context().Value(connKey{}).(*limitedConn)
	if !ok {
		return func() {}
	}
	note := func(idle time.Time, body *patientBody) {
		c.from.mu.Lock()
		defer c.from.mu.Unlock()
		c.idle, c.body = idle, body
	}
	note(time.Time{}, bodyOf(r))
	return func() { note(time.Now(), nil) }
}
