package serve

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// headStart is how many bytes of a body come before it takes the room of
// another: whoever sends less holds no more than a connection.
const headStart = 64 << 10

// catchUp is how long a body may be behind its rate before others may have its
// room.
const catchUp = time.Second

// patientBody is a request's body. It gives up on a client that sends nothing
// for a while, or less than a rate on the whole.
type patientBody struct {
	io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
	until   time.Time // of the whole body
	rate    int64     // bytes a second
	whole   bool      // it came to its end

	mu      sync.Mutex
	got     int64
	waited  time.Duration // for the client, in all
	reading time.Time     // since when it waits for the client, zero if it does not
	evicted bool
}

// Read waits for the client. Time that the server takes between two reads is not
// the client's fault.
func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(b.begin()) // fails only where tests have no connection
	if b.isEvicted() {
		return 0, errEvicted()
	}
	n, err := b.ReadCloser.Read(p)
	b.end(n)
	// The server listens for the client's end while the answer is made: it
	// must not take this deadline for that.
	_ = b.control.SetReadDeadline(time.Time{})
	b.whole = b.whole || err == io.EOF
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = failf(http.StatusRequestTimeout, "the request came too slowly")
		if b.isEvicted() {
			err = errEvicted()
		}
	}
	return n, err
}

func errEvicted() error {
	return failf(http.StatusRequestTimeout, "the request came too slowly, and others need its place")
}

// begin notes that the client is waited for, and returns until when.
func (b *patientBody) begin() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = time.Now()
	due := time.Duration(float64(b.got)/float64(b.rate)*float64(time.Second)) + b.stall
	deadline := b.reading.Add(min(b.stall, due-b.waited))
	if deadline.After(b.until) {
		deadline = b.until
	}
	return deadline
}

func (b *patientBody) end(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waited += time.Since(b.reading)
	b.reading = time.Time{}
	b.got += int64(n)
}

// behind is how many bytes should have come and have not.
func (b *patientBody) behind() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reading.IsZero() || b.evicted {
		return 0
	}
	waited := b.waited + time.Since(b.reading) - catchUp
	return max(0, int64(waited.Seconds()*float64(b.rate))-b.got)
}

// evict makes reading fail, now and later.
func (b *patientBody) evict() {
	b.mu.Lock()
	b.evicted = true
	b.mu.Unlock()
	_ = b.control.SetReadDeadline(time.Now())
}

func (b *patientBody) isEvicted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.evicted
}

// linger reads what a client still sends of a body that was refused. Closing at
// once would reset the connection, and a client that is still sending would
// see the reset instead of the answer.
func (b *patientBody) linger() {
	const silence, whole = 5 * time.Second, 30 * time.Second // as other servers do
	if b.isEvicted() {
		return
	}
	b.stall, b.until = min(b.stall, silence), time.Now().Add(whole)
	_, _ = io.Copy(io.Discard, b)
	_ = b.control.SetReadDeadline(time.Now()) // the server need not try, too
}

// slowest is the holder whose body is farthest behind; false if none is.
func slowest[K comparable](bodies map[K]*patientBody) (holder K, found bool) {
	var most int64
	for k, b := range bodies {
		if b == nil {
			continue
		}
		if n := b.behind(); n > most {
			holder, found, most = k, true, n
		}
	}
	return holder, found
}

// bodyOf is the body of a request; nil if it has none.
func bodyOf(r *http.Request) *patientBody {
	b, _ := r.Body.(*patientBody)
	return b
}

// lateTaker takes room for a body when enough of it has come, or all.
type lateTaker struct {
	io.Reader
	take  func() error
	n     int64
	taken bool
}

// Read takes room before it passes on what needs it.
func (l *lateTaker) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if l.n += int64(n); !l.taken && (l.n > headStart || err == io.EOF) {
		l.taken = true
		if err := l.take(); err != nil {
			return 0, err
		}
	}
	return n, err
}
