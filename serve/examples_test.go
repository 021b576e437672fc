package serve

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/video"
)

// TestExamples takes examples in place of files, as forms and programs do.
func TestExamples(t *testing.T) {
	m := files(t)
	second := Example{pngOf(20, 10), m["driving"]}
	s := start(t, Backend{Animator: mirrored, Examples: []Example{{m["source"], m["driving"]}, second}}, nil)

	picture := s.get("/examples/2/picture")
	if picture.status != http.StatusOK || picture.header.Get("Content-Type") != "image/png" || !bytes.Equal(picture.body, second.Picture) {
		t.Errorf("a picture: %d %v", picture.status, picture.header)
	}
	part := s.do(http.MethodGet, "/examples/1/film", map[string]string{"Range": "bytes=4-7"}, nil)
	if part.status != http.StatusPartialContent || part.header.Get("Content-Type") != "video/mp4" || string(part.body) != "ftyp" {
		t.Errorf("a part of a film: %d %v %q", part.status, part.header, part.body)
	}
	for _, path := range []string{"/examples/0/picture", "/examples/3/film", "/examples/x/film", "/examples/1/sound", "/examples/-1/film"} {
		if a := s.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}

	for name, c := range map[string]struct {
		files   map[string][]byte
		options []string
		fails   string
		source  []byte
	}{
		"both":                  {nil, []string{"source_example", "2", "driving_example", "1"}, "", second.Picture},
		"nothing chosen":        {map[string][]byte{"source": {}, "driving": {}}, []string{"source_example", "2", "driving_example", "1"}, "", second.Picture},
		"a film of one's own":   {map[string][]byte{"driving": m["driving"]}, []string{"source_example", "2"}, "", second.Picture},
		"a file has precedence": {map[string][]byte{"source": m["source"]}, []string{"source_example", "2", "driving_example", "1"}, "", m["source"]},
		"no such picture":       {nil, []string{"source_example", "3", "driving_example", "1"}, "there is no such example", nil},
		"no number":             {nil, []string{"source_example", "one", "driving_example", "1"}, "there is no such example", nil},
		"no film":               {nil, []string{"source_example", "1", "driving_example", ""}, "the file driving is missing", nil},
		"an empty film":         {map[string][]byte{"driving": {}}, []string{"source_example", "1"}, "the file driving is empty", nil},
	} {
		created := s.post(c.files, c.options...)
		if c.fails != "" {
			if created.status != http.StatusBadRequest || !strings.Contains(created.error(), c.fails) {
				t.Errorf("%s: %d %s", name, created.status, created.body)
			}
			continue
		}
		job := s.until(s.status(created, http.StatusAccepted).ID, Done)
		seen := s.get(job.SourceView)
		if seen.status != http.StatusOK || seen.header.Get("Content-Type") != "image/png" || !bytes.Equal(seen.body, c.source) {
			t.Errorf("%s: another picture was animated: %d %v", name, seen.status, seen.header)
		}
		film := s.get(job.DrivingView)
		if film.status != http.StatusOK || film.header.Get("Content-Type") != "video/mp4" || !bytes.Equal(film.body, m["driving"]) {
			t.Errorf("%s: another film was driving: %d %v", name, film.status, film.header)
		}
	}
}

// TestViewsAreGone: what was not made, or is not kept any more, is not shown.
func TestViewsAreGone(t *testing.T) {
	h := newHeld()
	s := start(t, Backend{Animator: h}, nil)
	job := s.create()
	within(t, h.begun, "the job")
	path := "/jobs/" + job.ID + "/views/source"
	if a := s.get(path); a.status != http.StatusNotFound {
		t.Errorf("while it runs: %d", a.status)
	}
	h.goOn <- struct{}{}
	if done := s.until(job.ID, Done); done.SourceView != "" || s.get(path).status != http.StatusNotFound {
		t.Errorf("views that an animator did not make: %+v", done)
	}
	s.do(http.MethodDelete, "/jobs/"+job.ID, nil, nil)
	if a := s.get(path); a.status != http.StatusNotFound {
		t.Errorf("of a job that there is not: %d", a.status)
	}
}

// TestViews: a real network's views have its size, and as many frames as the result.
func TestViews(t *testing.T) {
	a := film(t)
	a.SourceView, a.DrivingView = a.Source+"-view.png", a.Driving+"-view.mp4"
	if err := animator(t).Animate(context.Background(), a, Report{Progress: func(int, int) {}, Warn: func(string) {}}); err != nil {
		t.Fatal(err)
	}
	if w, h, err := video.PictureSize(a.SourceView, video.Limits{}); err != nil || w != 32 || h != 32 {
		t.Errorf("the picture is %dx%d (%v)", w, h, err)
	}
	driving, err := video.Probe(context.Background(), a.DrivingView, video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := video.Probe(context.Background(), a.Result, video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if driving.W != 32 || driving.Frames != result.Frames || driving.ExactRate != result.ExactRate || driving.Audio != "" {
		t.Errorf("the film is %+v, the result %+v", driving, result)
	}
}
