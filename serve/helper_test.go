package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/video"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// animatorFunc is an Animator.
type animatorFunc func(context.Context, Animation, Report) error

func (f animatorFunc) Animate(ctx context.Context, a Animation, r Report) error { return f(ctx, a, r) }

func (animatorFunc) Defaults() Choices { return testDefaults }

func (animatorFunc) Abilities() Abilities { return testAbilities }

var (
	testDefaults  = Choices{Relative: true, Format: "mp4"}
	testAbilities = Abilities{Relative: true}
)

// mirrored is an animator without a network: it turns the driving film's
// colours round.
var mirrored = animatorFunc(func(ctx context.Context, a Animation, report Report) error {
	source, err := video.ReadPicture(a.Source, a.Limits)
	if err != nil {
		return err
	}
	info, err := video.Probe(ctx, a.Driving, a.Limits)
	if err != nil {
		return err
	}
	for view, of := range map[string]string{a.SourceView: a.Source, a.DrivingView: a.Driving} {
		if seen, err := os.ReadFile(of); err != nil {
			return err
		} else if err := os.WriteFile(view, seen, 0o600); err != nil {
			return err
		}
	}
	film, err := video.OpenFilm(ctx, a.Driving, a.Limits)
	if err != nil {
		return err
	}
	defer film.Close()
	o := video.FilmOptions{Rate: info.ExactRate, Limits: a.Limits}
	if a.Audio {
		o.Audio = a.Driving
	}
	w, h := film.Size()
	out, err := video.CreateFilm(ctx, a.Result, w, h, o)
	if err != nil {
		return err
	}
	defer out.Abort()
	for n := 1; ; n++ {
		frame, err := film.Next()
		if err == io.EOF {
			return out.Close()
		}
		if err != nil {
			return err
		}
		for i := range frame.Pix {
			frame.Pix[i] = 255 - frame.Pix[i]/2 - source.Pix[0]/4
		}
		if err := out.Write(frame); err != nil {
			return err
		}
		report.Progress(n, info.Frames)
	}
})

// held is an animator that works until it is told to go on.
type held struct {
	begun chan Animation // one per job
	goOn  chan struct{}  // one per job
}

func newHeld() *held {
	return &held{begun: make(chan Animation, 100), goOn: make(chan struct{}, 100)}
}

func (h *held) Defaults() Choices { return testDefaults }

func (h *held) Abilities() Abilities { return testAbilities }

func (h *held) Animate(ctx context.Context, a Animation, report Report) error {
	report.Warn("far apart in " + a.Source)
	report.Progress(1, 4)
	h.begun <- a
	select {
	case <-h.goOn:
	case <-ctx.Done():
		return ctx.Err()
	}
	report.Progress(4, 4)
	return os.WriteFile(a.Result, []byte("a film"), 0o600)
}

// site is a server on a real port.
type site struct {
	*Server
	t       *testing.T
	url     string
	clock   *clock
	stop    context.CancelFunc // as a signal does
	stopped chan error
	work    string
}

// start runs a server until the test ends, and then sees that it leaves no
// file and no goroutine.
func start(t *testing.T, b Backend, change func(*Options)) *site {
	t.Helper()
	o := DefaultOptions()
	o.Work = filepath.Join(t.TempDir(), "work")
	if change != nil {
		change(&o)
	}
	c := newClock()
	s, err := newServer(b, o, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	st := &site{Server: s, t: t, url: "http://" + l.Addr().String(), clock: c, stop: cancel, stopped: make(chan error, 1), work: o.Work}
	go func() { st.stopped <- s.Serve(ctx, l); close(st.stopped) }()
	t.Cleanup(st.end)
	return st
}

func (s *site) end() {
	s.stop()
	select {
	case err := <-s.stopped:
		if err != nil {
			s.t.Errorf("serving ended with %v", err)
		}
	case <-time.After(time.Minute):
		s.t.Fatal("the server does not stop")
	}
	if err := s.Close(); err != nil {
		s.t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
	if left, _ := filepath.Glob(filepath.Join(s.work, serverPrefix+"*")); len(left) > 0 {
		s.t.Errorf("files are left: %v", left)
	}
	noGoroutines(s.t)
}

// noGoroutines waits for goroutines of the server to end.
func noGoroutines(t *testing.T) {
	t.Helper()
	var left []string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = nil
		for _, g := range strings.Split(string(stacks), "\n\n") {
			if strings.Contains(g, "serve.(*Server)") || strings.Contains(g, "serve.(*queue)") || strings.Contains(g, "net/http.(*conn)") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("goroutines are left:\n%s", strings.Join(left, "\n\n"))
}

// form is a multipart body: files by name and options.
func form(files map[string][]byte, options ...string) (kind string, body []byte) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, name := range []string{"source", "driving"} {
		if data, ok := files[name]; ok {
			part, err := w.CreateFormFile(name, "../../etc/"+name+".txt")
			if err != nil {
				panic(err)
			}
			part.Write(data)
		}
	}
	for i := 0; i+1 < len(options); i += 2 {
		if err := w.WriteField(options[i], options[i+1]); err != nil {
			panic(err)
		}
	}
	w.Close()
	return w.FormDataContentType(), b.Bytes()
}

// media are a picture and a film, made once.
var media = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "serve-test-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "driving.mp4")
	film, err := video.CreateFilm(context.Background(), path, 64, 48, video.FilmOptions{Rate: "10"})
	if err != nil {
		return nil, err
	}
	for n := 0; n < 20; n++ {
		frame := video.NewFrame(64, 48)
		for i := range frame.Pix {
			frame.Pix[i] = byte(8*n + i/100)
		}
		if err := film.Write(frame); err != nil {
			return nil, err
		}
	}
	if err := film.Close(); err != nil {
		return nil, err
	}
	driving, err := os.ReadFile(path)
	return map[string][]byte{"source": pngOf(64, 48), "driving": driving}, err
})

func files(t *testing.T) map[string][]byte {
	t.Helper()
	m, err := media()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"source": m["source"], "driving": m["driving"]}
}

func pngOf(w, h int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			img.Set(x, y, color.RGBA{R: uint8(x), G: uint8(y), B: 99, A: 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// answered is what came back.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// text of an error answer.
func (a answered) error() string {
	var e struct{ Error string }
	if json.Unmarshal(a.body, &e) != nil {
		return fmt.Sprintf("no JSON: %.200s", a.body)
	}
	return e.Error
}

func (s *site) do(method, path string, header map[string]string, body io.Reader) answered {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range header {
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answered{status: answer.StatusCode, header: answer.Header, body: text}
}

func (s *site) get(path string) answered {
	s.t.Helper()
	return s.do(http.MethodGet, path, nil, nil)
}

// post sends a job.
func (s *site) post(files map[string][]byte, options ...string) answered {
	s.t.Helper()
	kind, body := form(files, options...)
	return s.do(http.MethodPost, "/jobs", map[string]string{"Content-Type": kind}, bytes.NewReader(body))
}

// create posts a job that is taken.
func (s *site) create(options ...string) Status {
	s.t.Helper()
	return s.status(s.post(files(s.t), options...), http.StatusAccepted)
}

func (s *site) status(a answered, code int) Status {
	s.t.Helper()
	var status Status
	if err := json.Unmarshal(a.body, &status); err != nil || a.status != code {
		s.t.Fatalf("answer %d, want %d: %s", a.status, code, a.body)
	}
	return status
}

// until waits for a state.
func (s *site) until(id string, state State) Status {
	s.t.Helper()
	var status Status
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		status = s.status(s.get("/jobs/"+id), http.StatusOK)
		if status.State == state {
			return status
		}
		if status.State.Ended() {
			break
		}
	}
	s.t.Fatalf("the job is %+v, want %s", status, state)
	return status
}

// within fails when nothing comes.
func within[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("%s does not happen", what)
	}
	panic("unreachable")
}

// folders counts those of jobs.
func (s *site) folders() int {
	s.t.Helper()
	entries, err := os.ReadDir(s.Server.work.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if e.IsDir() {
			n++
		}
	}
	return n
}

// metric reads one number from /metrics.
func (s *site) metric(line string) string {
	s.t.Helper()
	for _, l := range strings.Split(string(s.get("/metrics").body), "\n") {
		if value, ok := strings.CutPrefix(l, line+" "); ok {
			return value
		}
	}
	return "absent"
}

// jsonOf reads an answer of status 200.
func jsonOf(a answered, to any) error {
	if a.status != http.StatusOK {
		return fmt.Errorf("status %d", a.status)
	}
	return json.Unmarshal(a.body, to)
}
