package serve

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// patient gives up on clients that take or send nothing for a while. The
// standard server knows limits for whole bodies only, which are wrong for
// films.
func (s *Server) patient(next http.Handler) http.Handler {
	stall := s.options.StallTimeout
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		out := &patientWriter{ResponseWriter: w, control: control, stall: stall}
		if r.Body != nil && r.Body != http.NoBody {
			out.body = &patientBody{ReadCloser: r.Body, control: control, stall: stall, until: time.Now().Add(s.options.UploadTimeout)}
			r.Body = out.body
			// The server would read on in a body before it answers, without a
			// limit in time. We do that after the answer.
			_ = control.EnableFullDuplex()
		}
		next.ServeHTTP(out, r)
		_ = control.SetReadDeadline(time.Now().Add(stall))
		_ = control.SetWriteDeadline(time.Now().Add(stall))
		if out.body != nil && !out.body.whole && control.Flush() == nil {
			out.body.linger()
		}
	})
}

// patientBody is a request's body.
type patientBody struct {
	io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
	until   time.Time // of the whole body
	whole   bool      // it came to its end
}

func (b *patientBody) Read(p []byte) (int, error) {
	deadline := time.Now().Add(b.stall)
	if deadline.After(b.until) {
		deadline = b.until
	}
	_ = b.control.SetReadDeadline(deadline) // fails only where tests have no connection
	n, err := b.ReadCloser.Read(p)
	// The server listens for the client's end while the answer is made: it
	// must not take this deadline for that.
	_ = b.control.SetReadDeadline(time.Time{})
	b.whole = b.whole || err == io.EOF
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = failf(http.StatusRequestTimeout, "the request came too slowly")
	}
	return n, err
}

// linger reads what a client still sends of a body that was refused. Closing at
// once would reset the connection, and a client that is still sending would
// see the reset instead of the answer.
func (b *patientBody) linger() {
	const silence, whole = 5 * time.Second, 30 * time.Second // as other servers do
	b.stall, b.until = min(b.stall, silence), time.Now().Add(whole)
	_, _ = io.Copy(io.Discard, b)
	_ = b.control.SetReadDeadline(time.Now()) // the server need not try, too
}

// patientWriter is an answer.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	body    *patientBody // nil if the request has none
	begun   bool
}

// Unwrap is for http.ResponseController.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader tells a client whose body is not read to its end that the
// connection is of no more use.
func (w *patientWriter) WriteHeader(status int) {
	if w.begun = true; w.body != nil && !w.body.whole {
		w.Header().Set("Connection", "close")
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write gives each piece its own time.
func (w *patientWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	const piece = 1 << 16
	written := 0
	for {
		_ = w.control.SetWriteDeadline(time.Now().Add(w.stall))
		n, err := w.ResponseWriter.Write(p[:min(piece, len(p))])
		written += n
		p = p[n:]
		if err != nil || len(p) == 0 {
			return written, err
		}
	}
}

// limitedListener hands out a limited number of connections at a time.
type limitedListener struct {
	net.Listener
	room chan struct{}
	done chan struct{}
}

func limitConnections(l net.Listener, n int) *limitedListener {
	return &limitedListener{Listener: l, room: make(chan struct{}, n), done: make(chan struct{})}
}

// Accept waits for room, then for a client.
func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &limitedConn{Conn: c, room: l.room}, nil
}

// Close ends waiting for room, too. It is called once, by http.Server.
func (l *limitedListener) Close() error {
	close(l.done)
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	room chan struct{}
	once sync.Once
}

// Close makes room for another connection.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.room })
	return err
}
