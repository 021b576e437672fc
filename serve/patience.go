package serve

import (
	"net/http"
	"time"
)

// patient gives up on clients that take or send nothing for a while, or too
// little. The standard server knows limits for whole bodies only, which are
// wrong for films.
func (s *Server) patient(next http.Handler) http.Handler {
	stall := s.options.StallTimeout
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		out := &patientWriter{ResponseWriter: w, control: control, stall: stall}
		if r.Body != nil && r.Body != http.NoBody {
			out.body = &patientBody{
				ReadCloser: r.Body, control: control, stall: stall, until: time.Now().Add(s.options.UploadTimeout), rate: s.options.MinRate,
			}
			r.Body = out.body
			// The server would read on in a body before it answers, without a
			// limit in time. We do that after the answer.
			_ = control.EnableFullDuplex()
		}
		defer serving(r)()
		next.ServeHTTP(out, r)
		_ = control.SetReadDeadline(time.Now().Add(stall))
		_ = control.SetWriteDeadline(time.Now().Add(stall))
		if out.body != nil && !out.body.whole && control.Flush() == nil {
			out.body.linger()
		}
	})
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
