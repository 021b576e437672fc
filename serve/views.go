package serve

import (
	"context"
	"net/http"
	"os"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/video"
)

// views are what the model saw of a job's files, at the result's size: the picture,
// and the film frame by frame, without sound. They are shown beside the result.
// What goes wrong with them is no failure of the job.
type views struct {
	a      Animation
	source *video.Frame      // as it was fitted, until it is written
	film   *video.FilmWriter // nil when it is not wanted, or was given up
}

// newViews begins the film. The picture waits for its keypoints.
func newViews(ctx context.Context, a Animation, source *video.Frame, w, h int, rate string) *views {
	v := &views{a: a, source: source}
	if a.SourceView == "" || a.DrivingView == "" {
		return v
	}
	var err error
	v.film, err = video.CreateFilm(ctx, a.DrivingView, w, h, video.FilmOptions{Rate: rate, Limits: a.Limits})
	v.failed(err)
	return v
}

func (v *views) picture(shown *video.Frame) error {
	f, err := os.OpenFile(v.a.SourceView, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := video.EncodePNG(f, shown); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func (v *views) failed(err error) {
	if err == nil {
		return
	}
	glog.Warningf("serve: a job's files are not shown beside its result: %v", err)
	v.abort()
}

// compose is an animate.Job's: it takes source and driving frames, and draws
// keypoints on all of them where they are wanted.
func (v *views) compose(m animate.Made) (*video.Frame, error) {
	if v.film != nil {
		v.failed(v.show(m))
	}
	return v.marked(m.Result, m.KPResult)
}

func (v *views) show(m animate.Made) error {
	if v.source != nil {
		source, err := v.marked(v.source, m.KPSource)
		if err != nil {
			return err
		}
		if err := v.picture(source); err != nil {
			return err
		}
		v.source = nil
	}
	driving, err := v.marked(m.Driving, m.KPDriving)
	if err != nil {
		return err
	}
	return v.film.Write(driving)
}

// marked draws keypoints on a frame, if they are wanted.
func (v *views) marked(f *video.Frame, points [][2]float64) (*video.Frame, error) {
	if !v.a.Keypoints {
		return f, nil
	}
	return animate.Marked(f, points)
}

func (v *views) close() {
	if v.film != nil {
		v.failed(v.film.Close())
	}
}

func (v *views) abort() {
	if v.film != nil {
		v.film.Abort()
	}
	v.film = nil
}

// viewed says whether an animator left both.
func (a Animation) viewed() bool {
	for _, path := range []string{a.SourceView, a.DrivingView} {
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			return false
		}
	}
	return true
}

// jobView sends what the model saw of a job's picture or film.
func (s *Server) jobView(w http.ResponseWriter, r *http.Request) error {
	a, status, ok := s.queue.animation(r.PathValue("id"))
	if !ok {
		return noJob()
	}
	path, kind := a.SourceView, "image/png"
	if r.PathValue("view") == "driving" {
		path, kind = a.DrivingView, mediaTypes[a.Format]
	}
	if status.SourceView == "" {
		return failf(http.StatusNotFound, "this job shows none of its files")
	}
	return sendFile(w, r, path, kind)
}
