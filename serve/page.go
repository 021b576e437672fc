package serve

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang/glog"
)

// The page works without JavaScript: forms post, and the page of a job loads
// itself again. With it, progress comes as it happens.
//
//go:embed page
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "page/*.html"))

// pageIndex is what the form shows of the limits.
type pageIndex struct {
	Model                string
	MaxUpload            int64
	MaxUploadText        string
	MaxFrames, MaxPixels string
	Keep                 string
	About                string
	Examples             []pageExample
	Defaults             Choices
	Can                  Abilities
}

// pageError is an error for people.
type pageError struct{ Title, Text string }

// pageJob is a job for people.
type pageJob struct {
	Status
	Ended, Done, Picture bool
	Abandon              bool // it is cancelled when nobody watches
	Progress             string
	ResultSize           string
	ExpiresText          string
}

func newPageJob(s Status, abandon bool) pageJob {
	p := pageJob{Status: s, Ended: s.State.Ended(), Done: s.State == Done, Abandon: abandon, Picture: s.ResultType == "image/gif", ResultSize: bytesText(s.ResultBytes)}
	switch {
	case s.State == Queued:
		p.Progress = fmt.Sprintf("waiting for %d before it", s.Before)
	case s.State == Running && s.Frames == 0:
		p.Progress = "starting"
	case s.State == Running && s.Total > 0:
		p.Progress = fmt.Sprintf("frame %d of %d", s.Frames, s.Total)
	case s.State == Running:
		p.Progress = fmt.Sprintf("frame %d", s.Frames)
	}
	if s.Expires != nil {
		p.ExpiresText = s.Expires.Format("15:04 MST")
	}
	p.Warnings = nil
	for _, w := range s.Warnings {
		p.Warnings = append(p.Warnings, strings.ReplaceAll(w, "`", "")) // options stand in the form by their names
	}
	return p
}

// page writes a page.
func (s *Server) page(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		glog.Errorf("serve: page %s: %v", name, err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // nobody is left to tell
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) error {
	o := s.options
	s.page(w, http.StatusOK, "index.html", pageIndex{
		Model: o.Name, MaxUpload: o.MaxUpload, MaxUploadText: bytesText(o.MaxUpload),
		MaxFrames: strconv.Itoa(o.MaxFrames), MaxPixels: fmt.Sprintf("%.1f", float64(o.MaxPixels)/1e6), Keep: durationText(o.Keep),
		About: s.backend.About, Examples: s.backend.pageExamples(), Defaults: s.backend.Animator.Defaults(), Can: s.backend.Animator.Abilities(),
	})
	return nil
}

// static serves a file of the page.
func (s *Server) static(name, kind string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, _ *http.Request) error {
		text, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(text) // nobody is left to tell
		return nil
	}
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
}

func durationText(d time.Duration) string {
	switch {
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	case d >= 2*time.Minute:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	default:
		return fmt.Sprintf("%.0f seconds", d.Seconds())
	}
}
