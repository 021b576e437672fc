package serve

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStopAndFinish lets a job end, and its client have the result.
func TestStopAndFinish(t *testing.T) {
	h := newHeld()
	s := start(t, Backend{Animator: h}, nil)
	running, waiting := s.create().ID, s.create().ID
	within(t, h.begun, "the job")
	if s.get("/readyz").status != http.StatusOK {
		t.Error("not ready")
	}
	s.stop()
	waitFor(t, "not ready any more", func() bool { return s.get("/readyz").status == http.StatusServiceUnavailable })
	if s.get("/healthz").status != http.StatusOK {
		t.Error("not alive while stopping")
	}
	if a := s.post(files(t)); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("a job while stopping: %d %s", a.status, a.body)
	}
	waitFor(t, "what has not begun is cancelled", func() bool { return s.status(s.get("/jobs/"+waiting), 200).Error == errStopping.Error() })
	h.goOn <- struct{}{}
	done := s.until(running, Done)
	if a := s.do(http.MethodGet, done.Result, map[string]string{"Range": "bytes=0-0"}, nil); a.status != http.StatusPartialContent || string(a.body) != "a" {
		t.Errorf("a piece of the result: %d %s", a.status, a.body)
	}
	time.Sleep(100 * time.Millisecond) // who looks whether all is taken has looked
	if a := s.get(done.Result); a.status != http.StatusOK || string(a.body) != "a film" {
		t.Errorf("the result: %d %s", a.status, a.body)
	}
	begun := time.Now()
	s.end()
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("stopping takes %v though the result was taken", took)
	}
}

// TestStopAndCancel does not wait longer than the time of grace.
func TestStopAndCancel(t *testing.T) {
	h := newHeld()
	s := start(t, Backend{Animator: h}, func(o *Options) { o.Grace = 200 * time.Millisecond })
	id := s.create().ID
	within(t, h.begun, "the job")
	answer, err := http.Get(s.url + "/jobs/" + id + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	s.end()
	text := make([]byte, 1<<16)
	n := 0
	for err == nil {
		var more int
		more, err = answer.Body.Read(text[n:])
		n += more
	}
	if !strings.Contains(string(text[:n]), "event: end") || !strings.Contains(string(text[:n]), errStopping.Error()) {
		t.Errorf("the watcher hears\n%s", text[:n])
	}
}

// TestStopWhilePredicting finishes what TensorFlow has begun, and tells who
// waits.
func TestStopWhilePredicting(t *testing.T) {
	m, begun, goOn := heldModel()
	s := start(t, Backend{Model: m}, func(o *Options) { o.Predicts = 1 })
	first := s.ask(context.Background())
	within(t, begun, "the first")
	second := s.ask(context.Background())
	waitFor(t, "the second waits", func() bool { return s.turns.load() == 2 })
	s.stop()
	if got := within(t, second, "the second's answer"); got != http.StatusServiceUnavailable {
		t.Errorf("one who waits when the server stops: %d", got)
	}
	goOn <- true
	if got := within(t, first, "the first's answer"); got != http.StatusOK {
		t.Errorf("one whose turn it is when the server stops: %d", got)
	}
}

// TestGone tells clients that went from a server that goes.
func TestGone(t *testing.T) {
	s := start(t, Backend{Animator: newHeld()}, nil)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	answer := func() int {
		w := &recorder{header: http.Header{}}
		r, err := http.NewRequestWithContext(gone, http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		s.measured("test", func(http.ResponseWriter, *http.Request) error { return gone.Err() }).ServeHTTP(w, r)
		return w.status
	}
	if got := answer(); got != 0 {
		t.Errorf("a client that went is told %d", got)
	}
	s.refuse()
	if got := answer(); got != http.StatusServiceUnavailable {
		t.Errorf("a client of a server that stops is told %d", got)
	}
	if s.metric(`prioritycut_http_requests_total{code="499",route="test"}`) != "1" || s.metric(`prioritycut_http_requests_in_flight`) != "0" {
		t.Error("metrics")
	}
}

// TestLeftovers removes the folders of dead servers only.
func TestLeftovers(t *testing.T) {
	root := filepath.Join(t.TempDir(), "work")
	dead := filepath.Join(root, serverPrefix+"dead", "0123")
	foreign := filepath.Join(root, "holiday")
	for _, dir := range []string{dead, foreign} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dead, "driving"), []byte("film"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(root, 0o700); err != nil {
		t.Fatal(err)
	}
	first, err := openWork(root)
	if err != nil {
		t.Fatal(err)
	}
	second, err := openWork(root)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{filepath.Dir(dead): false, foreign: true, first.dir: true, second.dir: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, w := range []*workFolder{first, second} {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(root); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v (%v)", info, err)
	}

	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	// Anybody may have laid a link in an open folder; in a closed one only we.
	link, own := filepath.Join(open, "link"), filepath.Join(t.TempDir(), "link")
	for _, l := range []string{link, own} {
		if err := os.Symlink(root, l); err != nil {
			t.Fatal(err)
		}
	}
	w, err := openWork(own)
	if err != nil || filepath.Dir(w.dir) != root {
		t.Fatalf("a link of our own leads to %+v, %v", w, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	for _, path := range []string{open, link} {
		if _, err := openWork(path); err == nil || !strings.Contains(err.Error(), "`work`") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestOptions breaks each limit.
func TestOptions(t *testing.T) {
	if err := DefaultOptions().Validate(); err != nil {
		t.Fatal(err)
	}
	for flag, change := range map[string]func(*Options){
		"name": func(o *Options) { o.Name = "a/b" }, "version": func(o *Options) { o.Version = 0 },
		"hosts": func(o *Options) { o.Hosts = []string{"http://a"} }, "max_upload": func(o *Options) { o.MaxUpload = 0 },
		"max_body": func(o *Options) { o.MaxBody = -1 }, "max_pixels": func(o *Options) { o.MaxPixels = 0 },
		"max_frames": func(o *Options) { o.MaxFrames = 0 }, "max_batch": func(o *Options) { o.MaxBatch = 1 << 20 },
		"jobs": func(o *Options) { o.Jobs = 0 }, "queue": func(o *Options) { o.Queue = -1 }, "kept": func(o *Options) { o.Kept = 0 },
		"predicts": func(o *Options) { o.Predicts = 0 }, "predict_queue": func(o *Options) { o.PredictQueue = -1 },
		"connections": func(o *Options) { o.Connections = 0 }, "header_timeout": func(o *Options) { o.HeaderTimeout = 0 },
		"keep_alive": func(o *Options) { o.KeepAlive = 0 }, "stall_timeout": func(o *Options) { o.StallTimeout = 0 },
		"upload_timeout": func(o *Options) { o.UploadTimeout = 0 }, "job_timeout": func(o *Options) { o.JobTimeout = -1 },
		"predict_timeout": func(o *Options) { o.PredictTimeout = 0 }, "keep": func(o *Options) { o.Keep = 0 },
		"abandon": func(o *Options) { o.Abandon = -1 }, "grace": func(o *Options) { o.Grace = -1 },
	} {
		o := DefaultOptions()
		change(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	if _, err := New(Backend{}, DefaultOptions()); err == nil {
		t.Error("a server of nothing")
	}
}

// TestPanics are answered, and the server lives on.
func TestPanics(t *testing.T) {
	s := start(t, Backend{Animator: newHeld()}, nil)
	whole := s.measured("test", func(http.ResponseWriter, *http.Request) error { panic("secret") })
	w := &recorder{header: http.Header{}}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	whole.ServeHTTP(w, r)
	if w.status != http.StatusInternalServerError || strings.Contains(w.text.String(), "secret") {
		t.Errorf("%d %s", w.status, w.text.String())
	}
	// Half an answer is cut off, and counted all the same.
	half := s.measured("half", func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusOK); panic("secret") })
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("half an answer ends with %v", p)
			}
		}()
		half.ServeHTTP(w, r)
	}()
	if s.metric(`prioritycut_http_requests_total{code="200",route="half"}`) != "1" || s.metric("prioritycut_http_requests_in_flight") != "0" {
		t.Error("half an answer is not counted")
	}
}

type recorder struct {
	header http.Header
	status int
	text   strings.Builder
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.text.Write(p) }
