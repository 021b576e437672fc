package serve

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/video"
)

// hugePNG is a small file that claims w x h pixels.
func hugePNG(w, h uint32) []byte {
	header := make([]byte, 17)
	copy(header, "IHDR")
	binary.BigEndian.PutUint32(header[4:], w)
	binary.BigEndian.PutUint32(header[8:], h)
	header[12], header[13] = 8, 2
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")
	b = append(b, header...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(header))
}

// TestUploads sends what is no job. Nothing may be left of any of them.
func TestUploads(t *testing.T) {
	s := start(t, Backend{Animator: mirrored}, func(o *Options) {
		o.MaxUpload, o.MaxPixels, o.MaxFrames, o.Queue = 1<<20, 64*64, 30, 0
	})
	good := files(t)
	with := func(name string, data []byte) map[string][]byte {
		f := map[string][]byte{"source": good["source"], "driving": good["driving"]}
		if f[name] = data; data == nil {
			delete(f, name)
		}
		return f
	}
	for name, c := range map[string]struct {
		files   map[string][]byte
		options []string
		status  int
		want    string
	}{
		"no picture":       {with("source", nil), nil, 400, "the file source is missing"},
		"no film":          {with("driving", nil), nil, 400, "the file driving is missing"},
		"empty picture":    {with("source", []byte{}), nil, 400, "choose a picture"},
		"text for picture": {with("source", []byte("#!/bin/sh\nrm -rf /\n")), nil, 422, "picture source: it is a text, neither png nor jpg"},
		"svg":              {with("source", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)), nil, 422, "neither png nor jpg"},
		"huge picture":     {with("source", hugePNG(60000, 60000)), nil, 422, "claims 60000x60000 pixels"},
		"endless picture":  {with("source", hugePNG(1<<31-1, 1<<31-1)), nil, 422, "overflow"},
		"picture for film": {with("driving", good["source"]), nil, 422, "film driving"},
		"play list":        {with("driving", []byte("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")), nil, 422, "film driving"},
		"concat":           {with("driving", []byte("ffconcat version 1.0\nfile /etc/passwd\n")), nil, 422, "film driving"},
		"half a film":      {with("driving", good["driving"][:200]), nil, 422, "film driving"},
		"too large":        {with("driving", make([]byte, 2<<20)), nil, 413, "the limit is 1048576"},
		"unknown option":   {good, []string{"shell", "true"}, 400, `there is no option "shell"`},
		"misspelt option":  {good, []string{"sorce", strings.Repeat("x", 1000)}, 400, `there is no option "sorce"`},
		"bool":             {good, []string{"relative", "perhaps"}, 400, "want true or false"},
		"fit":              {good, []string{"fit", "squash"}, 400, "want crop, pad or stretch"},
		"format":           {good, []string{"format", "../../x"}, 400, "want mp4, webm or gif"},
		"negative frame":   {good, []string{"best_frame", "-1"}, 400, "from 0 on"},
		"both":             {good, []string{"best_frame", "3", "find_best_frame", "1"}, 400, "exclude each other"},
		"absolute":         {good, []string{"relative", "0", "adapt_scale", "1"}, 400, "belong to relative movement"},
		"long option":      {good, []string{"fit", strings.Repeat("x", 1000)}, 400, "longer than 64 bytes"},
		"many parts":       {good, manyOptions(40), 400, "more than 32 parts"},
	} {
		a := s.post(c.files, c.options...)
		if a.status != c.status || !strings.Contains(a.error(), c.want) || strings.Contains(a.error(), s.work) {
			t.Errorf("%s: %d %s, want %d %q", name, a.status, a.body, c.status, c.want)
		}
	}

	kind, body := form(good)
	for name, c := range map[string]struct {
		kind   string
		body   []byte
		status int
		want   string
	}{
		"no form":          {"application/json", []byte(`{}`), 415, "multipart/form-data"},
		"no boundary":      {"multipart/form-data", body, 415, "multipart/form-data"},
		"another boundary": {"multipart/form-data; boundary=xyz", body, 400, "damaged or ends too early"},
		"truncated":        {kind, body[:len(body)-100], 400, "damaged or ends too early"},
		"without its end":  {kind, body[:len(body)-4], 400, "damaged or ends too early"},
		"empty":            {kind, nil, 400, "damaged or ends too early"},
	} {
		// A reader of unknown length is sent in chunks.
		for how, reader := range map[string]io.Reader{"": bytes.NewReader(c.body), ", in chunks": io.MultiReader(bytes.NewReader(c.body))} {
			a := s.do(http.MethodPost, "/jobs", map[string]string{"Content-Type": c.kind}, reader)
			if a.status != c.status || !strings.Contains(a.error(), c.want) {
				t.Errorf("%s%s: %d %s, want %d %q", name, how, a.status, a.body, c.status, c.want)
			}
		}
	}
	kind, body = form(with("driving", make([]byte, 2<<20)))
	if a := s.do(http.MethodPost, "/jobs", map[string]string{"Content-Type": kind}, io.MultiReader(bytes.NewReader(body))); a.status != 413 {
		t.Errorf("too large, in chunks: %d %s", a.status, a.body)
	}
	if n := s.folders(); n > 0 {
		t.Errorf("%d folders are left", n)
	}

	// No place is lost, and a film of too many frames is told by its header.
	s.until(s.create().ID, Done)
	s.options.MaxFrames = 19
	if a := s.post(good); a.status != 422 || !strings.Contains(a.error(), "20 frames, the limit is 19") {
		t.Errorf("long film: %d %s", a.status, a.body)
	}
}

func manyOptions(n int) (options []string) {
	for i := 0; i < n; i++ {
		options = append(options, "fit", "crop")
	}
	return options
}

// TestTruncatedPicture has a good header: the job fails, not the server.
func TestTruncatedPicture(t *testing.T) {
	s := start(t, Backend{Animator: mirrored}, nil)
	f := files(t)
	f["source"] = f["source"][:len(f["source"])-30]
	job := s.status(s.post(f), http.StatusAccepted)
	if got := s.until(job.ID, Failed); got.Error != "picture source: ends too early: the file is cut off" {
		t.Errorf("%+v", got)
	}
}

// TestWhoAsks sees that other web sites cannot use a server on localhost.
func TestWhoAsks(t *testing.T) {
	s := start(t, Backend{Animator: newHeld()}, func(o *Options) { o.Hosts = []string{"Films.example"} })
	own := strings.TrimPrefix(s.url, "http://")
	for _, c := range []struct {
		method, path string
		header       map[string]string
		status       int
	}{
		{"GET", "/", map[string]string{"Host": "evil.example"}, 421},
		{"GET", "/metrics", map[string]string{"Host": "evil.example:8501"}, 421},
		{"GET", "/", map[string]string{"Host": "localhost.evil.example"}, 421},
		{"GET", "/", map[string]string{"Host": "localhost:1"}, 200},
		{"GET", "/", map[string]string{"Host": "LOCALHOST."}, 200},
		{"GET", "/", map[string]string{"Host": "[::1]:80"}, 200},
		{"GET", "/", map[string]string{"Host": "192.0.2.7"}, 200},
		{"GET", "/", map[string]string{"Host": "films.example:443"}, 200},
		{"GET", "/", map[string]string{"Origin": "http://evil.example"}, 200}, // it cannot read the answer
		{"POST", "/jobs", map[string]string{"Origin": "http://evil.example"}, 403},
		{"POST", "/jobs", map[string]string{"Origin": "null"}, 403},
		{"POST", "/jobs", map[string]string{"Origin": "http://localhost:3000"}, 403},
		{"POST", "/jobs", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"POST", "/jobs", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"DELETE", "/jobs/0", map[string]string{"Origin": "http://evil.example"}, 403},
		{"POST", "/jobs/0/cancel", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"POST", "/jobs", map[string]string{"Origin": "http://" + own}, 415},
		{"POST", "/jobs", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 415},
		{"POST", "/jobs", nil, 415}, // curl
		{"POST", "/jobs", map[string]string{"Content-Encoding": "gzip", "Content-Type": "multipart/form-data; boundary=x"}, 415},
		{"GET", "/nothing", nil, 404},
		{"GET", "/jobs/../../etc/passwd", nil, 301},
		{"GET", "/jobs/..%2f..%2fetc%2fpasswd", nil, 404},
		{"GET", "/jobs/" + strings.Repeat("0", 32), nil, 404},
		{"PUT", "/jobs", nil, 405},
		{"GET", "/jobs", nil, 405},
		{"GET", "/v1/models/prioritycut", nil, 404}, // no model here
	} {
		a := s.do(c.method, c.path, c.header, nil)
		if a.status != c.status {
			t.Errorf("%s %s %v: %d %.100s, want %d", c.method, c.path, c.header, a.status, a.body, c.status)
		}
		if (a.status == 405) != (a.header.Get("Allow") != "") {
			t.Errorf("%s %s: allowed is %q", c.method, c.path, a.header.Get("Allow"))
		}
		if c.status != 301 && (a.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'")) {
			t.Errorf("%s %s: header %v", c.method, c.path, a.header)
		}
	}
	if got := s.metric(`prioritycut_refused_total{reason="cross_site"}`); got != "7" {
		t.Errorf("%s cross-site requests are counted", got)
	}

	s.options.Hosts, s.options.Loopback = nil, false
	if a := s.do("GET", "/", map[string]string{"Host": "machine.lan"}, nil); a.status != 200 {
		t.Errorf("a server for the network without `hosts`: %d", a.status)
	}
}

// TestPagesForErrors are what browsers see.
func TestPagesForErrors(t *testing.T) {
	s := start(t, Backend{Animator: newHeld()}, nil)
	html := map[string]string{"Accept": "text/html,application/xhtml+xml"}
	a := s.do("GET", "/jobs/nobody", html, nil)
	if a.status != 404 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !bytes.Contains(a.body, []byte("may have expired")) {
		t.Errorf("%d %s", a.status, a.body)
	}
	// What a client sends back to itself does no harm either.
	a = s.do("GET", "/", map[string]string{"Host": "<script>alert(1)</script>", "Accept": "text/html"}, nil)
	if bytes.Contains(a.body, []byte("<script>alert")) {
		t.Errorf("%s", a.body)
	}
}

// slow opens a connection by hand.
func (s *site) slow(text string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// untilClosed reads what the server says before it closes, within a while.
func untilClosed(t *testing.T, c net.Conn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c)
	if os.IsTimeout(err) {
		t.Errorf("the connection stays open; it said %q", text)
	}
	return string(text)
}

// TestSilentClients are cut off.
func TestSilentClients(t *testing.T) {
	s := start(t, Backend{Animator: mirrored}, func(o *Options) {
		o.HeaderTimeout, o.KeepAlive = 200*time.Millisecond, 200*time.Millisecond
	})
	if said := untilClosed(t, s.slow("GET / HTTP/1.1\r\nHost: loc")); strings.Contains(said, "200") {
		t.Errorf("half a header: %q", said)
	}
	if said := untilClosed(t, s.slow("")); said != "" {
		t.Errorf("silence: %q", said)
	}
	if said := untilClosed(t, s.slow("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")); !strings.HasPrefix(said, "HTTP/1.1 200") {
		t.Errorf("keep-alive: %q", said)
	}
}

// uploadHeader is the header of a request with a form.
func uploadHeader(kind string, body []byte) string {
	return fmt.Sprintf("POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", kind, len(body))
}

// TestSlowUploads are cut off when they stall, and give their place back.
func TestSlowUploads(t *testing.T) {
	const stall = 500 * time.Millisecond
	s := start(t, Backend{Animator: mirrored}, func(o *Options) { o.StallTimeout, o.Jobs, o.Queue, o.MinRate = stall, 1, 0, 1 })
	kind, body := form(files(t))
	c := s.slow(uploadHeader(kind, body) + string(body[:500]))
	waitFor(t, "an upload begins", func() bool { return s.folders() == 1 })
	if said := untilClosed(t, c); !strings.HasPrefix(said, "HTTP/1.1 408") || !strings.Contains(said, "too slowly") {
		t.Errorf("half a body: %q", said)
	}

	// A steady upload may take longer than the time for stalling.
	for try := 1; ; try++ {
		answer, longest := s.steadily(uploadHeader(kind, body), body, 2*stall)
		if longest > stall/2 && try < 10 {
			continue // the machine was too busy for a steady upload
		}
		var job Status
		_, text, _ := strings.Cut(answer, "\r\n\r\n")
		if err := json.Unmarshal([]byte(text), &job); err != nil || !strings.HasPrefix(answer, "HTTP/1.1 202") {
			t.Fatalf("a steady upload: %q (%v), longest silence %v", answer, err, longest)
		}
		s.until(job.ID, Done)
		break
	}
}

// steadily sends a request for at least a time, and returns its answer and the
// longest silence.
func (s *site) steadily(header string, body []byte, took time.Duration) (answer string, longest time.Duration) {
	s.t.Helper()
	const parts = 50
	c := s.slow(header)
	defer c.Close()
	latest := time.Now()
	for i := 0; i < parts; i++ {
		time.Sleep(took / parts)
		if _, err := c.Write(body[i*len(body)/parts : (i+1)*len(body)/parts]); err != nil {
			s.t.Logf("part %d: %v", i, err) // the answer says why
		}
		longest, latest = max(longest, time.Since(latest)), time.Now()
	}
	text := make([]byte, 1<<16)
	n, err := c.Read(text) // a short answer comes in one piece
	if err != nil {
		s.t.Logf("the answer: %v", err)
	}
	return string(text[:n]), longest
}

// TestWholeUploadTime bounds a body that comes steadily, but for ever.
func TestWholeUploadTime(t *testing.T) {
	s := start(t, Backend{Animator: mirrored}, func(o *Options) { o.UploadTimeout = 300 * time.Millisecond })
	kind, body := form(files(t))
	c := s.slow(uploadHeader(kind, body))
	go func() {
		for i := range body { // would take minutes
			if _, err := c.Write(body[i : i+1]); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	answer := make([]byte, 12)
	if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HTTP/1.1 408" {
		t.Errorf("%q (%v)", answer, err)
	}
	c.Close()
}

// TestRefusedWhileSending is answered although the client sends for a while yet,
// as browsers do.
func TestRefusedWhileSending(t *testing.T) {
	s := start(t, Backend{Animator: mirrored}, func(o *Options) { o.MaxUpload = 1 << 10 })
	for name, length := range map[string]string{
		"of a length": "Content-Length: 4096000\r\n", "in chunks": "Transfer-Encoding: chunked\r\n",
		"that waits to be told": "Content-Length: 4096000\r\nExpect: 100-continue\r\n",
	} {
		c := s.slow("POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n" + length + "\r\n")
		if strings.Contains(length, "chunked") {
			if _, err := io.WriteString(c, "3e8000\r\n"); err != nil {
				t.Fatal(err)
			}
		}
		if !strings.Contains(length, "Expect") {
			for i := 0; i < 4; i++ {
				if _, err := c.Write(make([]byte, 1024000)); err != nil {
					t.Fatalf("%s: the connection is gone before all is sent: %v", name, err)
				}
				if i < 3 {
					time.Sleep(200 * time.Millisecond) // in all longer than the standard server waits
				}
			}
		}
		answer := make([]byte, 12)
		if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HTTP/1.1 413" {
			t.Errorf("%s: %q (%v)", name, answer, err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if rest := untilClosed(t, c); !strings.Contains(rest, "Connection: close") {
			t.Errorf("%s: %q", name, rest)
		}
	}
}

// TestUploadAborted leaves nothing of a client that goes in the middle.
func TestUploadAborted(t *testing.T) {
	s := start(t, Backend{Animator: mirrored}, func(o *Options) { o.Jobs, o.Queue = 1, 0 })
	kind, body := form(files(t))
	c := s.slow(uploadHeader(kind, body) + string(body[:len(body)/2]))
	waitFor(t, "an upload begins", func() bool { return s.folders() == 1 })
	c.Close()
	waitFor(t, "its files are gone", func() bool { return s.folders() == 0 })
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

// TestConnections are bounded; the next client waits for one to go that is being
// served.
func TestConnections(t *testing.T) {
	s := start(t, Backend{Animator: newHeld()}, func(o *Options) { o.Connections = 1 })
	job := s.create().ID
	http.DefaultClient.CloseIdleConnections()
	first := s.slow("GET /jobs/" + job + "/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	answer := make([]byte, 12)
	if _, err := io.ReadFull(first, answer); err != nil || string(answer) != "HTTP/1.1 200" {
		t.Fatalf("%q (%v)", answer, err)
	}
	second := s.slow("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if err := second.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(second, answer); !os.IsTimeout(err) {
		t.Errorf("a second client is answered: %q (%v)", answer, err)
	}
	first.Close()
	if err := second.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(second, answer); err != nil {
		t.Errorf("a second client, when the first has gone: %v", err)
	}
	second.Close()
}

// FuzzForm receives any bytes as the form of a job, without a film: those are
// ffmpeg's.
func FuzzForm(f *testing.F) {
	seed := func(files map[string][]byte, options ...string) {
		_, body := form(files, options...)
		// The boundary is a random one.
		f.Add(bytes.ReplaceAll(body, body[2:bytes.IndexByte(body, '\r')], []byte("x")))
	}
	seed(map[string][]byte{"source": pngOf(3, 2)}, "relative", "false", "fit", "pad")
	seed(nil, "best_frame", "3", "format", "gif")
	seed(map[string][]byte{"source": hugePNG(9, 9)})
	seed(nil, "sorce", "x")
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.Contains(body, []byte("driving")) {
			return
		}
		u := &upload{backend: Backend{Animator: animatorFunc(nil)}, dir: t.TempDir(), choices: testDefaults, limits: video.Limits{MaxPixels: 100}}
		var known *failure
		if err := u.receive(context.Background(), multipart.NewReader(bytes.NewReader(body), "x")); err == nil || !errors.As(err, &known) {
			t.Errorf("%q: %v", body, err)
		} else if known.status < 400 || known.status > 499 || strings.Contains(known.text, u.dir) {
			t.Errorf("%q: %d %s", body, known.status, known.text)
		}
	})
}
