package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/video"
)

// TestJob follows a job from the upload to the film.
func TestJob(t *testing.T) {
	s := start(t, Backend{Animator: mirrored}, nil)
	created := s.create("audio", "true", "relative", "false")
	if len(created.ID) != 32 || created.Created.IsZero() {
		t.Errorf("created: %+v", created)
	}
	done := s.until(created.ID, Done)
	if done.Frames != 20 || done.Total != 20 || done.ResultType != "video/mp4" || done.Error != "" {
		t.Errorf("done: %+v", done)
	}
	if want := s.clock.Now().Add(time.Hour); done.Expires == nil || !done.Expires.Equal(want) {
		t.Errorf("expires %v, want %v", done.Expires, want)
	}

	result := s.get(done.Result)
	if int64(len(result.body)) != done.ResultBytes || result.header.Get("Content-Type") != "video/mp4" ||
		!strings.HasPrefix(result.header.Get("Content-Disposition"), "inline") {
		t.Errorf("%d bytes of %d, header %v", len(result.body), done.ResultBytes, result.header)
	}
	path := filepath.Join(t.TempDir(), "result")
	if err := os.WriteFile(path, result.body, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := video.Probe(context.Background(), path, video.Limits{})
	if err != nil || info.Frames != 20 || info.W != 64 || info.H != 48 || info.Duration != 2*time.Second {
		t.Errorf("the film is %+v (%v)", info, err)
	}
	if d := s.get(done.Result + "?download").header.Get("Content-Disposition"); d != `attachment; filename="prioritycut-`+done.ID[:8]+`.mp4"` {
		t.Errorf("download: %s", d)
	}
	part := s.do(http.MethodGet, done.Result, map[string]string{"Range": "bytes=10-19"}, nil)
	if part.status != http.StatusPartialContent || !bytes.Equal(part.body, result.body[10:20]) {
		t.Errorf("a range: %d, %d bytes", part.status, len(part.body))
	}

	// What is not needed any more is gone; what the client named was never used.
	entries, err := os.ReadDir(filepath.Join(s.Server.work.dir, done.ID))
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if err != nil || !slices.Equal(left, []string{"driving-view.mp4", "result.mp4", "source-view.png"}) {
		t.Errorf("files of the job: %v (%v)", left, err)
	}
	if s.do(http.MethodDelete, "/jobs/"+done.ID, nil, nil).status != http.StatusNoContent || s.get("/jobs/"+done.ID).status != http.StatusNotFound {
		t.Error("a deleted job is still there")
	}
	if _, err := os.Stat(filepath.Join(s.Server.work.dir, done.ID)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("files of a deleted job: %v", err)
	}
	for line, want := range map[string]string{
		`prioritycut_jobs_total{state="done"}`:                           "1",
		`prioritycut_frames_total`:                                       "20",
		`prioritycut_http_requests_total{code="202",route="job_create"}`: "1",
		`prioritycut_jobs_running`:                                       "0",
		`prioritycut_job_seconds_count`:                                  "1",
	} {
		if got := s.metric(line); got != want {
			t.Errorf("metric %s is %s, want %s", line, got, want)
		}
	}
	if s.metric("go_goroutines") == "absent" || s.metric("process_open_fds") == "absent" {
		t.Error("metrics of the process are missing")
	}
}

// TestChoices sees that options reach the animator.
func TestChoices(t *testing.T) {
	h := newHeld()
	s := start(t, Backend{Animator: h}, nil)
	for _, c := range []struct {
		options []string
		want    Choices
	}{
		{nil, Choices{Relative: true, Format: "mp4"}},
		{[]string{"relative", "true", "relative", "1", "adapt_scale", "on", "best_frame", "7", "fit", "pad", "audio", "yes", "format", "gif"},
			Choices{Relative: true, AdaptScale: true, BestFrame: 7, Fit: video.Pad, Audio: true, Format: "gif"}},
		{[]string{"find_best_frame", "true", "best_frame", "", "fit", "", "format", "webm"},
			Choices{Relative: true, FindBestFrame: true, Format: "webm"}},
	} {
		job := s.create(c.options...)
		a := within(t, h.begun, "the job")
		if a.Choices != c.want || filepath.Ext(a.Result) != "."+c.want.Format || a.Limits.MaxFrames != s.options.MaxFrames {
			t.Errorf("%v: %+v", c.options, a)
		}
		h.goOn <- struct{}{}
		s.until(job.ID, Done)
	}
}

// TestQueue fills every place, sees the order, and cancels.
func TestQueue(t *testing.T) {
	h := newHeld()
	s := start(t, Backend{Animator: h}, func(o *Options) { o.Jobs, o.Queue = 2, 2 })
	var ids []string
	for i := 0; i < 4; i++ {
		ids = append(ids, s.create().ID)
	}
	within(t, h.begun, "the first job")
	within(t, h.begun, "the second job")
	if third, fourth := s.status(s.get("/jobs/"+ids[2]), 200), s.status(s.get("/jobs/"+ids[3]), 200); third.State != Queued || third.Before != 2 || fourth.Before != 3 {
		t.Errorf("waiting: %+v, %+v", third, fourth)
	}
	full := s.post(files(t))
	if full.status != http.StatusTooManyRequests || full.header.Get("Retry-After") != "10" || !strings.Contains(full.error(), "4 places") {
		t.Errorf("a full queue: %d %v %s", full.status, full.header, full.body)
	}
	if s.metric(`prioritycut_refused_total{reason="queue"}`) != "1" || s.metric("prioritycut_jobs_running") != "2" || s.metric("prioritycut_jobs_waiting") != "2" {
		t.Error("metrics of the queue")
	}
	early := s.get("/jobs/" + ids[0] + "/result")
	if early.status != http.StatusConflict || early.header.Get("Retry-After") == "" {
		t.Errorf("an early result: %d %s", early.status, early.body)
	}

	// One that waits goes at once, one that runs when its animator lets go.
	if c := s.status(s.do(http.MethodDelete, "/jobs/"+ids[2], nil, nil), 200); c.State != Cancelled || c.Error != errCancelled.Error() {
		t.Errorf("cancelled: %+v", c)
	}
	if c := s.status(s.do(http.MethodPost, "/jobs/"+ids[0]+"/cancel", nil, nil), 200); c.State != Cancelled {
		t.Errorf("cancelled: %+v", c)
	}
	within(t, h.begun, "the fourth job, in the place of the first")
	gone := s.get("/jobs/" + ids[0] + "/result")
	if gone.status != http.StatusGone || !strings.Contains(gone.error(), "cancelled") {
		t.Errorf("the result of a cancelled job: %d %s", gone.status, gone.body)
	}
	for _, id := range []string{ids[0], ids[2]} {
		if _, err := os.Stat(filepath.Join(s.Server.work.dir, id)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("files of a cancelled job: %v", err)
		}
	}
	h.goOn <- struct{}{}
	h.goOn <- struct{}{}
	s.until(ids[1], Done)
	s.until(ids[3], Done)
	if s.metric(`prioritycut_jobs_total{state="cancelled"}`) != "2" {
		t.Error("cancelled jobs are not counted")
	}
}

// TestExpiry moves the clock.
func TestExpiry(t *testing.T) {
	h := newHeld()
	s := start(t, Backend{Animator: h}, func(o *Options) { o.Abandon, o.Keep, o.Kept = time.Minute, time.Hour, 2 })
	abandoned := s.create().ID
	within(t, h.begun, "the job")
	s.clock.add(59 * time.Second)
	s.queue.sweep()
	if got := s.status(s.get("/jobs/"+abandoned), 200); got.State != Running { // asking is a sign of life
		t.Errorf("after 59 s: %+v", got)
	}
	s.clock.add(61 * time.Second)
	s.queue.sweep()
	if got := s.status(s.get("/jobs/"+abandoned), 200); got.State != Cancelled || got.Error != errAbandoned.Error() {
		t.Errorf("after another 61 s: %+v", got)
	}

	kept := s.create().ID
	within(t, h.begun, "the job")
	h.goOn <- struct{}{}
	s.until(kept, Done)
	s.clock.add(time.Hour - time.Second)
	s.queue.sweep()
	if s.get("/jobs/"+kept+"/result").status != http.StatusOK || s.get("/jobs/"+abandoned).status != http.StatusOK {
		t.Error("a job is forgotten too early")
	}
	s.clock.add(2 * time.Second)
	s.queue.sweep()
	if s.get("/jobs/"+kept).status != http.StatusNotFound || s.get("/jobs/"+kept+"/result").status != http.StatusNotFound {
		t.Error("a job does not expire")
	}

	// More than are kept: the oldest go.
	var ids []string
	for i := 0; i < 3; i++ {
		h.goOn <- struct{}{}
		ids = append(ids, s.create().ID)
		s.until(ids[i], Done)
	}
	s.queue.sweep()
	for i, want := range []int{404, 200, 200} {
		if got := s.get("/jobs/" + ids[i]).status; got != want {
			t.Errorf("job %d of three: %d, want %d", i, got, want)
		}
	}
	waitFor(t, "folders of two jobs are left", func() bool { return s.folders() == 2 })
}

// TestEvents watches a job: while somebody does, it is not abandoned.
func TestEvents(t *testing.T) {
	h := newHeld()
	s := start(t, Backend{Animator: h}, nil)
	id := s.create().ID
	within(t, h.begun, "the job")
	answer, err := http.Get(s.url + "/jobs/" + id + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("content type %s", kind)
	}
	lines := bufio.NewScanner(answer.Body)
	next := func() (event string, status Status) {
		for lines.Scan() {
			if e, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				event = e
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &status); err != nil {
					t.Fatal(err)
				}
				return event, status
			}
		}
		return "closed", status
	}
	if event, status := next(); event != "progress" || status.State != Running || status.Frames != 1 || status.Total != 4 ||
		len(status.Warnings) != 1 || status.Warnings[0] != "far apart in source" {
		t.Errorf("first event %s: %+v", event, status)
	}
	s.clock.add(time.Hour)
	s.queue.sweep()
	h.goOn <- struct{}{}
	var event string
	var status Status
	for event != "end" && event != "closed" {
		event, status = next()
	}
	if event != "end" || status.State != Done || status.Frames != 4 {
		t.Errorf("last event %s: %+v", event, status)
	}
	if event, _ := next(); event != "closed" {
		t.Errorf("after the end comes %s", event)
	}
	if s.get("/jobs/nobody/events").status != http.StatusNotFound {
		t.Error("events of no job")
	}
}

// TestWatcherGoes cancels a job when its watcher has been gone for a while.
func TestWatcherGoes(t *testing.T) {
	h := newHeld()
	s := start(t, Backend{Animator: h}, nil)
	id := s.create().ID
	within(t, h.begun, "the job")
	ctx, leave := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/jobs/"+id+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	s.clock.add(time.Hour)
	s.queue.sweep()
	leave()
	answer.Body.Close()
	watchers := func() int {
		s.queue.mu.Lock()
		defer s.queue.mu.Unlock()
		return s.queue.jobs[id].watchers
	}
	waitFor(t, "a watcher that went is not counted", func() bool { return watchers() == 0 })
	s.queue.sweep()
	if got := s.status(s.get("/jobs/"+id), 200); got.State != Running {
		t.Errorf("just after the watcher went: %+v", got)
	}
	s.clock.add(s.options.Abandon + time.Second)
	s.queue.sweep()
	s.until(id, Cancelled)
}

// TestFailures are jobs whose animators fail.
func TestFailures(t *testing.T) {
	var fail func(a Animation) error
	s := start(t, Backend{Animator: animatorFunc(func(_ context.Context, a Animation, _ Report) error { return fail(a) })}, nil)
	for name, c := range map[string]struct {
		fail func(a Animation) error
		want string
	}{
		"error":     {func(a Animation) error { return errors.New("film " + a.Driving + ": cut off") }, "film driving: cut off"},
		"panic":     {func(Animation) error { panic("secret") }, "internal error; the server's log says more"},
		"no result": {func(Animation) error { return nil }, "there is no result: stat result.mp4: no such file or directory"},
	} {
		fail = c.fail
		id := s.create().ID
		if got := s.until(id, Failed); got.Error != c.want {
			t.Errorf("%s: %q, want %q", name, got.Error, c.want)
		}
		if a := s.get("/jobs/" + id + "/result"); a.status != http.StatusGone || !strings.Contains(a.error(), "failed") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// TestJobTimeout ends a job that takes too long.
func TestJobTimeout(t *testing.T) {
	s := start(t, Backend{Animator: newHeld()}, func(o *Options) { o.JobTimeout = 100 * time.Millisecond })
	id := s.create().ID
	if got := s.until(id, Failed); got.Error != "it took longer than 100ms: shorten the film" {
		t.Errorf("%+v", got)
	}
	if s.folders() > 0 {
		t.Error("files of a job that took too long")
	}
}

// TestNextJob finds the place of a job free as soon as that has ended, as
// clients do who send one job after the other.
func TestNextJob(t *testing.T) {
	h := newHeld()
	s := start(t, Backend{Animator: h}, nil)
	id := s.create().ID
	a := within(t, h.begun, "the job")
	// Removing what was uploaded takes a while.
	if err := os.Remove(a.Driving); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 500; i++ {
		if err := os.MkdirAll(filepath.Join(a.Driving, strconv.Itoa(i)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	h.goOn <- struct{}{}
	for {
		status, changed, _ := s.queue.status(id)
		if status.State == Done {
			break
		}
		within(t, changed, "the end of the job")
	}
	if running, _ := s.queue.load(); running != 0 {
		t.Error("the job is done and has its place yet")
	}
	if _, err := os.Stat(a.Driving); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the job is done and has its film yet (%v)", err)
	}
}

// TestRate computes speed and time left by hand: 3 frames in 1.5 seconds after
// the first, 6 to go.
func TestRate(t *testing.T) {
	j := &job{state: Running}
	c := newClock()
	if s := j.status(0, 0); s.FPS != 0 || s.SecondsLeft != nil {
		t.Errorf("before the first frame: %+v", s)
	}
	for i := 1; i <= 4; i++ {
		if more := j.progress(c.Now(), i, 10); more != 1 {
			t.Errorf("frame %d counts %d", i, more)
		}
		c.add(500 * time.Millisecond)
	}
	if more := j.progress(c.Now().Add(-500*time.Millisecond), 3, 10); more != 0 || j.done != 4 {
		t.Errorf("progress goes back: %d, %d", more, j.done)
	}
	s := j.status(0, 0)
	if s.FPS != 2 || s.SecondsLeft == nil || math.Abs(*s.SecondsLeft-3) > 1e-9 {
		t.Errorf("%+v", s)
	}
}

// TestConcurrent runs many jobs at once.
func TestConcurrent(t *testing.T) {
	s := start(t, Backend{Animator: animatorFunc(func(_ context.Context, a Animation, report Report) error {
		for i := 1; i <= 50; i++ {
			report.Progress(i, 50)
		}
		return os.WriteFile(a.Result, []byte("film"), 0o600)
	})}, func(o *Options) { o.Jobs, o.Queue = 2, 6 })
	kind, body := form(files(t))
	answers := make(chan string, 6)
	for i := 0; i < 6; i++ {
		go func() {
			a := s.do(http.MethodPost, "/jobs", map[string]string{"Content-Type": kind}, bytes.NewReader(body))
			var status Status
			_ = json.Unmarshal(a.body, &status)
			answers <- status.ID
		}()
	}
	seen := make(map[string]bool)
	for i := 0; i < 6; i++ {
		id := <-answers
		if id == "" || seen[id] {
			t.Fatalf("job %q", id)
		}
		seen[id] = true
		s.until(id, Done)
	}
}
