package serve

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// These tests say in which order clients are served, not how fast. Slow clients
// send nothing further; honest ones have to be served before those are given up,
// which takes a minute here.
func patientServer(o *Options) {
	o.HeaderTimeout, o.StallTimeout, o.UploadTimeout = time.Minute, time.Minute, 10*time.Minute
}

// still fails unless a connection is open and silent.
func still(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n > 0 || !isTimeout(err) {
		t.Errorf("a slow client hears of it: %d bytes, %v", n, err)
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

// answerOf is the first line that a slow client gets.
func answerOf(t *testing.T, c net.Conn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 12)
	if _, err := io.ReadFull(c, line); err != nil {
		t.Errorf("a slow client: %v", err)
	}
	return string(line)
}

// Uploads hold places when bytes come, not when they are announced: an honest
// client has its job done before slow ones are even given up.
func TestAnnouncedUploadsHoldNoPlace(t *testing.T) {
	s := start(t, Backend{Animator: mirrored}, func(o *Options) { patientServer(o); o.Jobs, o.Queue = 1, 1 })
	kind, body := form(files(t))
	var slow []net.Conn
	for range 6 {
		slow = append(slow, s.slow(uploadHeader(kind, body)+string(body[:400])))
	}
	waitFor(t, "slow uploads begin", func() bool { return s.folders() == 6 })
	s.until(s.create().ID, Done)
	for _, c := range slow {
		still(t, c)
	}
}

// bulky is a form of a film that does not fit into the head start.
func bulky(t *testing.T) (kind string, body []byte) {
	f := files(t)
	f["driving"] = append(append([]byte{}, f["driving"]...), make([]byte, 4*headStart)...)
	return form(f)
}

// Uploads that have places and then come too slowly lose them as soon as others
// need them, and not before.
func TestSlowUploadsLoseTheirPlaces(t *testing.T) {
	h := newHeld()
	s := start(t, Backend{Animator: h}, func(o *Options) { patientServer(o); o.Jobs, o.Queue, o.MinRate = 1, 1, 1<<20 })
	kind, body := bulky(t)
	var slow []net.Conn
	for range 2 {
		slow = append(slow, s.slow(uploadHeader(kind, body)+string(body[:2*headStart])))
	}
	waitFor(t, "slow uploads have all places", func() bool { _, waiting := s.queue.load(); return waiting == 2 })
	for _, c := range slow {
		still(t, c)
	}
	var job Status
	waitFor(t, "an honest upload has a place", func() bool {
		a := s.post(files(t))
		if a.status == http.StatusTooManyRequests { // they are not behind yet
			return false
		}
		job = s.status(a, http.StatusAccepted)
		return true
	})
	within(t, h.begun, "the honest job")
	h.goOn <- struct{}{}
	s.until(job.ID, Done)

	gone := 0
	for _, c := range slow {
		if _, waiting := s.queue.load(); waiting == 1 { // the other one has its place yet
			if err := c.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
				t.Fatal(err)
			}
			line := make([]byte, 12)
			if _, err := io.ReadFull(c, line); err == nil && string(line) == "HTTP/1.1 408" {
				gone++
			}
		}
	}
	if gone != 1 {
		t.Errorf("%d slow uploads were cut off, want the slowest alone", gone)
	}
	// The other one may go on.
	s.queue.mu.Lock()
	left := len(s.queue.uploads)
	s.queue.mu.Unlock()
	if left != 1 {
		t.Errorf("%d uploads have places", left)
	}
}

// Requests to predict hold seats as uploads do.
func TestSlowPredictBodies(t *testing.T) {
	s := start(t, Backend{Model: calculator{call: func(signature string, in map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
		return calculator{}.Call(signature, in)
	}}}, func(o *Options) { patientServer(o); o.Predicts, o.PredictQueue, o.MinRate = 1, 1, 1<<20 })
	head := func(length int) string {
		return fmt.Sprintf("POST /v1/models/prioritycut:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", length)
	}
	for range 4 {
		s.slow(head(1000) + `{"signature_name": `)
	}
	if a := s.predict(echo); a.status != http.StatusOK {
		t.Errorf("beside announced requests: %d %s", a.status, a.body)
	}
	var slow []net.Conn
	for range 2 {
		slow = append(slow, s.slow(head(10*headStart)+strings.Repeat(" ", 2*headStart)))
	}
	waitFor(t, "slow requests have all seats", func() bool { return s.turns.load() == 2 })
	waitFor(t, "an honest request is answered", func() bool {
		a := s.predict(echo)
		if a.status != http.StatusOK && a.status != http.StatusTooManyRequests {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return a.status == http.StatusOK
	})
	if n := s.turns.load(); n != 1 {
		t.Errorf("%d slow requests have seats", n)
	}
	_ = slow
}

// A body that comes steadily, but too slowly on the whole, is given up.
func TestMinRate(t *testing.T) {
	s := start(t, Backend{Animator: mirrored}, func(o *Options) {
		o.StallTimeout, o.UploadTimeout, o.MinRate = 500*time.Millisecond, time.Minute, 1<<20
	})
	kind, body := form(files(t))
	c := s.slow(uploadHeader(kind, body))
	go func() {
		for i := range body { // each byte long before the stall's end
			if _, err := c.Write(body[i : i+1]); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	if got := answerOf(t, c); got != "HTTP/1.1 408" {
		t.Errorf("%q", got)
	}
	c.Close()
}

// Clients that do not finish their headers, or are silent between requests, hold
// connections only as long as nobody else needs them.
func TestSlowHeadersGiveWay(t *testing.T) {
	s := start(t, Backend{Animator: newHeld()}, func(o *Options) { patientServer(o); o.Connections, o.KeepAlive = 4, time.Minute })
	var slow []net.Conn
	for range 12 {
		slow = append(slow, s.slow("GET /healthz HTTP/1.1\r\nHost: loc"))
	}
	http.DefaultClient.CloseIdleConnections()
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for range 3 {
		answer, err := client.Get(s.url + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("status %d", answer.StatusCode)
		}
	}
	// The oldest went first.
	if said := untilClosed(t, slow[0]); strings.Contains(said, "200") {
		t.Errorf("the oldest hears %q", said)
	}
	still(t, slow[len(slow)-1])
}
