package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"time"
)

// noJob is told to whoever asks for a job that there is not, or not any more.
func noJob() error {
	return failf(http.StatusNotFound, "there is no such job: it may have expired")
}

// showJob tells how a job is.
func (s *Server) showJob(w http.ResponseWriter, r *http.Request) error {
	a, status, ok := s.queue.animation(r.PathValue("id"))
	if !ok {
		return noJob()
	}
	w.Header().Set("Vary", "Accept")
	if wantsPage(r) {
		s.page(w, http.StatusOK, "job.html", newPageJob(status, s.options.Abandon > 0 && !a.Unattended))
		return nil
	}
	writeJSON(w, http.StatusOK, status)
	return nil
}

// deleteJob cancels a job, or forgets one that has ended.
func (s *Server) deleteJob(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if s.queue.drop(id) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	status, ok := s.queue.cancel(id, errCancelled)
	if !ok {
		return noJob()
	}
	writeJSON(w, http.StatusOK, status)
	return nil
}

// cancelJob is the page's button.
func (s *Server) cancelJob(w http.ResponseWriter, r *http.Request) error {
	status, ok := s.queue.cancel(r.PathValue("id"), errCancelled)
	if !ok {
		return noJob()
	}
	if wantsPage(r) {
		w.Header().Set("Location", "/jobs/"+status.ID)
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	writeJSON(w, http.StatusOK, status)
	return nil
}

// jobResult sends the film; ?download makes browsers save it.
func (s *Server) jobResult(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	a, status, ok := s.queue.animation(id)
	switch {
	case !ok:
		return noJob()
	case !status.State.Ended():
		return busy(http.StatusConflict, 2*time.Second, "the job is %s: there is no result yet", status.State)
	case status.State != Done:
		return failf(http.StatusGone, "the job has no result, it %s: %s", verb(status.State), status.Error)
	}
	disposition := "inline"
	if r.URL.Query().Has("download") {
		disposition = "attachment"
	}
	w.Header().Set("Content-Disposition", fmt.Sprintf("%s; filename=%q", disposition, "prioritycut-"+id[:8]+"."+a.Format))
	out := &countingWriter{ResponseWriter: w}
	if err := sendFile(out, r, a.Result, mediaTypes[a.Format]); err != nil {
		return err
	}
	// Players ask for a piece first, and connections break off.
	if r.Method == http.MethodGet && out.n >= status.ResultBytes {
		s.queue.taken(id)
	}
	return nil
}

// countingWriter counts the bytes of an answer.
type countingWriter struct {
	http.ResponseWriter
	n int64
}

// Unwrap is for http.ResponseController.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Write implements io.Writer.
func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.n += int64(n)
	return n, err
}

// sendFile sends one of a job's files, which never change; ranges work.
func sendFile(w http.ResponseWriter, r *http.Request, path, kind string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		w.Header().Del("Content-Disposition")
		return noJob() // it expired meanwhile
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("ETag", `"`+r.PathValue("id")+`"`)
	w.Header().Set("Cache-Control", "private, no-cache")
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}

func verb(s State) string {
	if s == Failed {
		return "failed"
	}
	return "was cancelled"
}

const (
	// eventsApart bounds how often a watcher is told, heartbeat how long
	// nothing is said: so that a dead connection is noticed.
	eventsApart = 200 * time.Millisecond
	heartbeat   = 10 * time.Second
)

// jobEvents is a stream of server-sent events: "progress" whenever something
// has changed, and "end" in the end, each with the job's status.
func (s *Server) jobEvents(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	leave, ok := s.queue.watch(id)
	if !ok {
		return noJob()
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	control := http.NewResponseController(w)
	alive := time.NewTicker(heartbeat)
	defer alive.Stop()
	for {
		status, changed, ok := s.queue.status(id)
		if err := writeEvent(w, control, status, ok); err != nil || !ok || status.State.Ended() {
			return err
		}
		// The state may change at once, progress only so often.
		pause := time.NewTimer(eventsApart)
		select {
		case <-pause.C:
		case <-r.Context().Done():
			pause.Stop()
			return r.Context().Err()
		}
		if err := s.untilChanged(r, w, control, changed, alive.C); err != nil {
			return err
		}
	}
}

// untilChanged keeps the connection alive until there is news.
func (s *Server) untilChanged(r *http.Request, w http.ResponseWriter, control *http.ResponseController,
	changed <-chan struct{}, alive <-chan time.Time) error {
	for {
		select {
		case <-changed:
			return nil
		case <-r.Context().Done():
			return r.Context().Err()
		case <-alive:
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil {
				return err
			}
			if err := control.Flush(); err != nil {
				return err
			}
		}
	}
}

func writeEvent(w http.ResponseWriter, control *http.ResponseController, status Status, known bool) error {
	event := "progress"
	if !known || status.State.Ended() {
		event = "end"
	}
	text, err := json.Marshal(status)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, text); err != nil {
		return err
	}
	return control.Flush()
}
