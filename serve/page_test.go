package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/browser"
	"github.com/prioritycut/prioritycut/video"
)

// stepwise animates when it is told to.
type stepwise struct{ *held }

func (s stepwise) Animate(ctx context.Context, a Animation, report Report) error {
	// A player needs a real film.
	select {
	case s.begun <- a:
	default:
	}
	report.Progress(1, 20)
	report.Warn("source and driving film are far apart in pose (`find_best_frame`)")
	time.Sleep(20 * time.Millisecond)
	report.Progress(5, 20)
	select {
	case <-s.goOn:
	case <-ctx.Done():
		return ctx.Err()
	}
	return mirrored(ctx, a, report)
}

// TestPage does with the page what people do, in a real browser.
func TestPage(t *testing.T) {
	h := stepwise{newHeld()}
	kind := files(t)
	backend := Backend{Animator: h, About: "drawn squares, 64x48 pixels", Examples: []Example{{kind["source"], kind["driving"]}, {kind["source"], kind["driving"]}}}
	s := start(t, backend, func(o *Options) { o.Hosts = []string{"films.example"} })
	dir := t.TempDir()
	for name, data := range files(t) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "text"), []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := browser.Open(t, 1000, 800)
	choose := func(source string) {
		t.Helper()
		p.Go(s.url)
		p.Until("the scripts", "!document.querySelector('.drop').hidden")
		p.Type("#source", filepath.Join(dir, source))
		p.Type("#driving", filepath.Join(dir, "driving"))
	}
	watching := func() string {
		t.Helper()
		p.Click("#create > button[type=submit]")
		p.Until("the page of the job", "location.pathname.startsWith('/jobs/') && document.getElementById('job')")
		var id string
		p.Eval("return document.getElementById('job').dataset.id", &id)
		p.Until("progress", "/frame 5 of 20/.test(document.getElementById('said').textContent) && document.getElementById('progress').value == 5")
		return id
	}

	t.Run("form", func(t *testing.T) {
		p.Go(s.url)
		p.Until("what the model has learned", "/learned from drawn squares, 64x48 pixels/.test(document.getElementById('about').textContent)")
		for selector, want := range map[string]string{
			"#source": "Picture (png or jpg)", "#driving": "Film (mp4, webm, gif, ...)", "button[type=submit]": "Animate",
		} {
			if _, label := p.Role(selector); label != want {
				t.Errorf("%s is called %q, want %q", selector, label, want)
			}
		}
		var unlabelled []string
		p.Eval(`return [...document.querySelectorAll("input:not([type=hidden]), select, progress")].filter(e => !e.labels || !e.labels.length).map(e => e.id || e.name)`, &unlabelled)
		if len(unlabelled) > 0 {
			t.Errorf("without a label: %v", unlabelled)
		}
	})

	t.Run("result", func(t *testing.T) {
		choose("source")
		p.Until("the picture is shown", "document.getElementById('source-preview').naturalWidth == 64")
		p.Until("the film is shown", "document.getElementById('driving-preview').videoWidth == 64")
		p.Keep("form")
		id := watching()
		p.Until("the warning", "/far apart in pose \\(find_best_frame\\)/.test(document.getElementById('warnings').textContent)")
		p.Keep("progress")
		if role, label := p.Role("#progress"); role != "progressbar" || label != "Progress" {
			t.Errorf("progress is a %s called %q", role, label)
		}
		h.goOn <- struct{}{}
		p.Until("the film", "document.getElementById('result') && document.getElementById('result').readyState >= 2")
		var film struct {
			Width, Height    int
			Duration         float64
			Download, Source string
		}
		p.Eval(`const v = document.getElementById("result"); return {width: v.videoWidth, height: v.videoHeight, duration: v.duration,
			download: document.getElementById("download").getAttribute("href"), source: v.getAttribute("src")}`, &film)
		if film.Width != 64 || film.Height != 48 || film.Duration < 1.95 || film.Duration > 2.05 || film.Source != "/jobs/"+id+"/result" {
			t.Errorf("the player shows %+v", film)
		}
		if a := s.get(film.Download); a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("download: %d %v", a.status, a.header)
		}
		p.Eval(`const v = document.getElementById("result"); v.muted = true; return v.play().then(() => true)`, new(bool))
		p.Until("it plays", "document.getElementById('result').currentTime > 0.2")
		p.Until("the driving film plays beside it", "document.getElementById('driving-view').currentTime > 0.1 && !document.getElementById('driving-view').paused")
		p.Eval(`document.getElementById("result").pause(); document.getElementById("result").currentTime = 1; return null`, nil)
		p.Until("the driving film follows it", "document.getElementById('driving-view').paused && Math.abs(document.getElementById('driving-view').currentTime - 1) < 0.2")
		var beside []string
		p.Eval(`return [...document.querySelectorAll("figure")].map(f => f.innerText.trim() + " " + f.firstElementChild.tagName)`, &beside)
		if strings.Join(beside, ", ") != "source IMG, driving VIDEO, result VIDEO" {
			t.Errorf("beside each other stand %v", beside)
		}
		p.Until("the warning", "/far apart in pose \\(find_best_frame\\)/.test(document.getElementById('warnings').textContent)")
		p.Keep("result")
	})

	t.Run("gif", func(t *testing.T) {
		choose("source")
		p.Click("summary")
		p.Eval("document.getElementById('format').value = 'gif'; return null", nil)
		p.Keep("options")
		watching()
		h.goOn <- struct{}{}
		p.Until("the picture", "document.getElementById('result') && document.getElementById('result').naturalWidth == 64")
	})

	t.Run("cancel", func(t *testing.T) {
		choose("source")
		id := watching()
		p.Click("#cancel button")
		p.Until("it says so", "/was stopped: cancelled by the client/.test(document.body.textContent)")
		if got := s.status(s.get("/jobs/"+id), 200); got.State != Cancelled {
			t.Errorf("%+v", got)
		}
		p.Keep("cancelled")
	})

	t.Run("leave", func(t *testing.T) {
		choose("source")
		p.Click("summary")
		p.Click("#unattended")
		id := watching()
		p.Go("about:blank")
		waitFor(t, "nobody watches", func() bool {
			s.queue.mu.Lock()
			defer s.queue.mu.Unlock()
			return s.queue.jobs[id].watchers == 0
		})
		s.clock.add(s.options.Abandon + time.Second)
		s.queue.sweep()
		if got := s.status(s.get("/jobs/"+id), 200); got.State != Cancelled {
			t.Errorf("%+v", got)
		}
	})

	forgotten := ""
	t.Run("come back", func(t *testing.T) {
		choose("source")
		id := watching()
		p.Go("about:blank")
		waitFor(t, "nobody watches", func() bool {
			s.queue.mu.Lock()
			defer s.queue.mu.Unlock()
			return s.queue.jobs[id].watchers == 0
		})
		s.clock.add(s.options.Abandon + time.Second)
		s.queue.sweep()
		h.goOn <- struct{}{}
		s.until(id, Done)
		p.Go(s.url)
		p.Until("it is found", "document.querySelector('#found li a') && /ready/.test(document.querySelector('#found li').textContent)")
		p.Keep("found")
		p.Click("#found li a")
		p.Until("it is the film", "document.getElementById('job') && document.getElementById('job').dataset.id == '"+id+"' && document.getElementById('result')")
		forgotten = id
	})

	t.Run("examples", func(t *testing.T) {
		p.Go(s.url)
		p.Until("the scripts", "!document.querySelector('.drop').hidden")
		p.Click("input[name=source_example][value='2']")
		p.Until("the picture is shown", "document.getElementById('source-preview').naturalWidth == 64")
		p.Click("input[name=driving_example][value='1']")
		p.Until("the film is shown", "document.getElementById('driving-preview').videoWidth == 64")
		if role, label := p.Role("input[name=driving_example]"); role != "radio" || label != "Film of example 1" {
			t.Errorf("an example is a %s called %q", role, label)
		}
		p.Keep("examples")
		watching()
		h.goOn <- struct{}{}
		p.Until("the film", "document.getElementById('result') && document.getElementById('result').readyState >= 2")
		// A file of one's own takes the place of an example, and the other way round.
		choose("source")
		p.Click("input[name=source_example]")
		var chosen string
		p.Eval(`const e = document.getElementById("create").elements; return e.source.files.length + " " + e.driving.files.length + " " + e.source_example.value + " " + e.driving_example.value`, &chosen)
		if chosen != "0 1 1 " {
			t.Errorf("chosen are %q", chosen)
		}
	})

	t.Run("drop", func(t *testing.T) {
		p.Go(s.url)
		p.Until("the scripts", "!document.querySelector('.drop').hidden")
		p.Eval(`const files = new DataTransfer();
			files.items.add(new File([Uint8Array.from(atob(arguments[1]), c => c.charCodeAt(0))], "f.mp4", {type: "video/mp4"}));
			files.items.add(new File([Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0))], "p.png", {type: "image/png"}));
			document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true}));
			return null`, nil, base64.StdEncoding.EncodeToString(kind["source"]), base64.StdEncoding.EncodeToString(kind["driving"]))
		p.Until("the picture is shown", "document.getElementById('source-preview').naturalWidth == 64")
		p.Until("the film is shown", "document.getElementById('driving-preview').videoWidth == 64")
	})

	t.Run("camera", func(t *testing.T) {
		choose("source")
		for len(h.begun) > 0 {
			<-h.begun
		}
		p.Click("#record")
		p.Until("it is recorded", "/Recorded 5 seconds/.test(document.getElementById('camera-said').textContent)")
		p.Until("the recording is shown", "document.getElementById('driving-preview').videoWidth > 0 && !document.getElementById('driving-preview').srcObject")
		p.Keep("recorded")
		p.Click("#create > button[type=submit]")
		p.Until("the page of the job", "location.pathname.startsWith('/jobs/') && document.getElementById('job')")
		a := within(t, h.begun, "the job")
		if info, err := video.Probe(context.Background(), a.Driving, video.Limits{}); err != nil || info.W == 0 {
			t.Errorf("the recording: %+v %v", info, err)
		}
		h.goOn <- struct{}{}
	})

	if said := p.Complaints(); len(said) > 0 { // before errors are provoked
		t.Errorf("the browser says %q", said)
	}

	t.Run("forgotten", func(t *testing.T) {
		s.do(http.MethodDelete, "/jobs/"+forgotten, nil, nil)
		p.Go(s.url)
		p.Until("it is forgotten", "!JSON.parse(localStorage.getItem('prioritycut-films')).some(f => f.id == '"+forgotten+"')")
	})

	t.Run("without encryption", func(t *testing.T) {
		p.Go(strings.Replace(s.url, "127.0.0.1", "films.example", 1))
		p.Until("the scripts", "!document.querySelector('.drop').hidden")
		p.Until("no camera", "!isSecureContext && document.getElementById('camera').hidden")
	})

	t.Run("error", func(t *testing.T) {
		p.Go(s.url)
		p.Until("the scripts", "!document.querySelector('.drop').hidden")
		p.Click("#create > button[type=submit]")
		p.Until("what is missing", "/Choose a picture/.test(document.getElementById('source-problem').textContent) && document.activeElement.id == 'source'")
		choose("text")
		p.Click("#create > button[type=submit]")
		p.Until("the error is said", "/neither png nor jpg/.test(document.getElementById('source-problem').innerText) && document.activeElement.id == 'source' && document.activeElement.ariaInvalid == 'true'")
		p.Until("it can be tried again", "!document.querySelector('button[type=submit]').disabled")
		p.Keep("error")
		p.Type("#source", filepath.Join(dir, "source"))
		p.Until("another file is no error", "document.getElementById('source-problem').hidden && !document.getElementById('source').ariaInvalid")
		p.Eval("document.getElementById('create').dataset.maxUpload = '100'; return null", nil)
		p.Click("#create > button[type=submit]")
		p.Until("the size is said", "/larger than this server takes/.test(document.getElementById('problem').textContent)")
	})

	t.Run("phone", func(t *testing.T) {
		p.Resize(360, 740)
		choose("source")
		p.Until("the picture is shown", "document.getElementById('source-preview').naturalWidth == 64")
		p.Click("summary")
		p.Until("nothing stands out", "document.documentElement.scrollWidth <= 360")
		var small []string
		p.Eval(`return [...document.querySelectorAll("button, select, input[type=file]")].filter(e => e.getBoundingClientRect().height < 44).map(e => e.id || e.tagName)`, &small)
		if len(small) > 0 {
			t.Errorf("too small for a finger: %v", small)
		}
		p.Keep("phone")
	})
}

// TestWithoutScripts follows forms and links only, as a browser without
// JavaScript does.
func TestWithoutScripts(t *testing.T) {
	h := newHeld()
	s := start(t, Backend{Animator: h}, nil)
	html := map[string]string{"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
	index := s.do(http.MethodGet, "/", html, nil)
	for _, want := range []string{`action="/jobs" method="post" enctype="multipart/form-data"`, `name="source"`, `name="driving"`, "256.0 MiB", "9000 frames", "16.8 megapixels", "60 minutes"} {
		if !bytes.Contains(index.body, []byte(want)) {
			t.Errorf("the form lacks %s", want)
		}
	}
	kind, body := form(files(t), "adapt_scale", "false", "audio", "false", "audio", "true", "fit", "")
	created := s.do(http.MethodPost, "/jobs", map[string]string{"Accept": "text/html", "Content-Type": kind}, bytes.NewReader(body))
	page := created.header.Get("Location")
	if created.status != http.StatusSeeOther || !strings.HasPrefix(page, "/jobs/") {
		t.Fatalf("%d %v", created.status, created.header)
	}
	within(t, h.begun, "the job")
	running := s.do(http.MethodGet, page, html, nil)
	for _, want := range []string{`<noscript><meta http-equiv="refresh" content="2"></noscript>`, "frame 1 of 4", `action="` + page + `/cancel" method="post"`, `max="4" value="1"`} {
		if !bytes.Contains(running.body, []byte(want)) {
			t.Errorf("the page of a job lacks %s:\n%s", want, running.body)
		}
	}
	cancelled := s.do(http.MethodPost, page+"/cancel", html, nil)
	if cancelled.status != http.StatusSeeOther || cancelled.header.Get("Location") != page {
		t.Errorf("cancel: %d %v", cancelled.status, cancelled.header)
	}
	ended := s.do(http.MethodGet, page, html, nil)
	if bytes.Contains(ended.body, []byte("refresh")) || !bytes.Contains(ended.body, []byte("was stopped: cancelled by the client")) {
		t.Errorf("%s", ended.body)
	}
	kind, body = form(nil)
	if a := s.do(http.MethodPost, "/jobs", map[string]string{"Accept": "text/html", "Content-Type": kind}, bytes.NewReader(body)); a.status != 400 ||
		!bytes.Contains(a.body, []byte("choose a picture")) || !bytes.Contains(a.body, []byte("<main>")) {
		t.Errorf("an empty form: %d %s", a.status, a.body)
	}
}
