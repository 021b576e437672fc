package serve

import (
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/golang/glog"
)

// routes are the server's paths; docs/serve.md lists them for users.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	add := func(pattern, name string, answer func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, s.measured(name, answer))
	}
	add("GET /healthz", "healthz", s.alive)
	add("GET /readyz", "readyz", s.ready)
	mux.Handle("GET /metrics", s.metrics.handler())
	if s.backend.Model != nil {
		add("GET /v1/models/{path...}", "model", s.modelInfo)
		add("POST /v1/models/{path...}", "predict", s.predict)
	}
	if s.backend.Animator != nil {
		add("GET /{$}", "page", s.index)
		add("GET /icon.svg", "page", s.static("icon.svg", "image/svg+xml"))
		add("GET /style.css", "page", s.static("style.css", "text/css; charset=utf-8"))
		for _, script := range []string{"page.js", "camera.js", "choose.js", "found.js", "watch.js"} {
			add("GET /"+script, "page", s.static(script, "text/javascript; charset=utf-8"))
		}
		add("GET /examples/{number}/{what}", "page", s.example)
		add("POST /jobs", "job_create", s.createJob)
		add("GET /jobs/{id}", "job", s.showJob)
		add("GET /jobs/{id}/events", "job_events", s.jobEvents)
		add("GET /jobs/{id}/result", "job_result", s.jobResult)
		add("GET /jobs/{id}/views/{view}", "job_result", s.jobView)
		add("DELETE /jobs/{id}", "job_delete", s.deleteJob)
		add("POST /jobs/{id}/cancel", "job_delete", s.cancelJob) // for forms, which know no DELETE
	}
	add("/", "unknown", func(w http.ResponseWriter, r *http.Request) error { return unknownPath(mux, w, r) })
	return s.patient(s.guard(mux))
}

// unknownPath tells a wrong method from a wrong path.
func unknownPath(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return failf(http.StatusMethodNotAllowed, "this path knows %s only", strings.Join(allowed, ", "))
	}
	return failf(http.StatusNotFound, "there is nothing at this path")
}

// measured counts requests, answers with errors, and survives panics.
func (s *Server) measured(route string, answer func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		seen := &statusWriter{ResponseWriter: w}
		s.metrics.inFlight.Inc()
		defer func() {
			s.metrics.inFlight.Dec()
			s.metrics.request(route, seen.status, time.Since(begun))
		}()
		defer func() {
			if p := recover(); p != nil {
				glog.Errorf("serve: %s: panic: %v\n%s", route, p, debug.Stack())
				if seen.status != 0 {
					panic(http.ErrAbortHandler) // half an answer must not look whole
				}
				s.fail(seen, r, failf(http.StatusInternalServerError, "internal error; the server's log says more"))
			}
		}()
		if err := answer(seen, r); err != nil {
			s.settle(seen, r, err)
		}
	})
}

// settle says what went wrong to whoever can still hear it.
func (s *Server) settle(w *statusWriter, r *http.Request, err error) {
	var known *failure // told even to those who seem to have gone: a stalled upload looks so
	gone := r.Context().Err() != nil && !errors.As(err, &known)
	switch {
	case gone && s.stopping.Load() && w.status == 0:
		s.fail(w, r, errStops()) // it is we who go
	case gone:
		w.status = statusGone // nobody hears it
	case w.status != 0:
		glog.V(1).Infof("serve: %s %s: %v", r.Method, r.URL.Path, err) // too late to say
	default:
		s.fail(w, r, err)
	}
}

// statusGone stands in the metrics for clients that have gone.
const statusGone = 499

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write is an answer of status 200 unless another was given.
func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// alive says that the process answers.
func (s *Server) alive(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// ready says that new work is welcome.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) error {
	if s.stopping.Load() {
		return errStops()
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}
