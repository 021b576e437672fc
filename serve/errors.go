package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/serve/predict"
)

// failure is an error that a client may see, with its HTTP status.
type failure struct {
	status int
	text   string
	retry  time.Duration // sent as Retry-After where positive
	field  string        // of the form that it is about, where it is one
}

func (f *failure) Error() string { return f.text }

func failf(status int, format string, args ...any) *failure {
	return &failure{status: status, text: fmt.Sprintf(format, args...)}
}

// badRequest says that the client can do better.
func badRequest(format string, args ...any) *failure {
	return failf(http.StatusBadRequest, format, args...)
}

// about names the field of the form that an error is about, so that a page can
// show it there.
func (f *failure) about(field string) *failure {
	f.field = field
	return f
}

// busy asks the client to come back.
func busy(status int, retry time.Duration, format string, args ...any) *failure {
	f := failf(status, format, args...)
	f.retry = retry
	return f
}

// asFailure is what a client is told about an error: those that are no
// failures go to the log and become "internal error".
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var p *predict.Error
	if errors.As(err, &p) {
		return failf(p.Status, "%s", p.Text)
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return failf(http.StatusRequestEntityTooLarge, "more than %d bytes were sent", large.Limit)
	}
	glog.Errorf("serve: %v", err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		f := failf(http.StatusInsufficientStorage, "the server's disk is full: try again later, or tell whoever runs it")
		f.retry = time.Minute
		return f
	}
	return failf(http.StatusInternalServerError, "internal error; the server's log says more")
}

// fail answers with an error: a page for browsers that navigate, else JSON.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := asFailure(err)
	if f.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((f.retry+time.Second-1)/time.Second)))
	}
	if wantsPage(r) {
		s.page(w, f.status, "error.html", pageError{Title: titleOf(f.status), Text: f.text})
		return
	}
	answer := map[string]string{"error": f.text}
	if f.field != "" {
		answer["field"] = f.field
	}
	writeJSON(w, f.status, answer)
}

// titleOf says to people what a status says to programs.
func titleOf(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "Something is missing or wrong"
	case http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType:
		return "These files cannot be used"
	case http.StatusRequestEntityTooLarge:
		return "That is too large"
	case http.StatusNotFound, http.StatusGone:
		return "There is nothing here"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return "Too much to do: come back soon"
	}
	return http.StatusText(status)
}

// wantsPage tells a browser that navigates from a program.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		glog.Errorf("serve: encoding an answer: %v", err)
		status, text = http.StatusInternalServerError, []byte(`{"error":"internal error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // nobody is left to tell
}
