package reliability

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
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

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/serve"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

// TestService tries what is promised of the service, with films and sockets but
// without a network: what it computes is another matter.
func TestService(t *testing.T) {
	keep(t,
		promise{"goroutines, children, descriptors and memory of the service stay constant under honest and hostile clients", servedSoak, 2, 60},
		promise{"honest clients are served beside hostile ones, at most 100 ms later than beside none", besideHostile, 3, 300},
	)
}

// copier is an animator that copies the driving film.
type copier struct{}

func (copier) Defaults() serve.Choices { return serve.Choices{Relative: true, Format: "mp4"} }

func (copier) Abilities() serve.Abilities { return serve.Abilities{Relative: true} }

func (copier) Animate(ctx context.Context, a serve.Animation, report serve.Report) error {
	if _, err := video.ReadPicture(a.Source, a.Limits); err != nil {
		return err
	}
	film, err := video.OpenFilm(ctx, a.Driving, a.Limits)
	if err != nil {
		return err
	}
	defer film.Close()
	w, h := film.Size()
	out, err := video.CreateFilm(ctx, a.Result, w, h, video.FilmOptions{Rate: "10"})
	if err != nil {
		return err
	}
	defer out.Abort()
	for n := 1; ; n++ {
		frame, err := film.Next()
		if err == io.EOF {
			return out.Close()
		}
		if err == nil {
			err = out.Write(frame)
		}
		if err != nil {
			return err
		}
		report.Progress(n, 0)
	}
}

// sizer is a model that tells how many bytes pictures have.
type sizer struct{}

func (sizer) Signatures() map[string]savedmodel.SignatureDef {
	return map[string]savedmodel.SignatureDef{"serving_default": {
		Name:    "serving_default",
		Inputs:  map[string]savedmodel.TensorSpec{"picture_bytes": {DType: tensorflow.String, Shape: []int64{-1}}},
		Outputs: map[string]savedmodel.TensorSpec{"size": {DType: tensorflow.Int64, Shape: []int64{-1}}},
	}}
}

func (sizer) Call(_ string, in map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
	var sizes []int64
	for _, text := range in["picture_bytes"].Value().([]string) {
		sizes = append(sizes, int64(len(text)))
	}
	out, err := tf.NewTensor(sizes, int64(len(sizes)))
	return map[string]*tensorflow.Tensor{"size": out}, err
}

// site is a service that runs.
type site struct {
	t       *testing.T
	host    string
	client  *http.Client
	picture []byte
	film    []byte
	bomb    []byte // a picture of 64x64 pixels with a hundred megabytes behind its header
}

func startService(t *testing.T, change func(*serve.Options)) *site {
	t.Helper()
	o := serve.DefaultOptions()
	o.Work = filepath.Join(t.TempDir(), "work")
	if change != nil {
		change(&o)
	}
	server, err := serve.New(serve.Backend{Model: sizer{}, Animator: copier{}}, o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &site{t: t, host: l.Addr().String(), client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}}
	s.draw()
	return s
}

// draw makes a picture and a film.
func (s *site) draw() {
	img := image.NewNRGBA(image.Rect(0, 0, 64, 48))
	for i := range 64 * 48 {
		img.SetNRGBA(i%64, i/64, color.NRGBA{uint8(i), uint8(i >> 4), 99, 255})
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	s.picture = b.Bytes()
	s.bomb = bomb()
	path := filepath.Join(s.t.TempDir(), "film.mp4")
	film, errFilm := video.CreateFilm(context.Background(), path, 64, 48, video.FilmOptions{Rate: "10"})
	if err != nil || errFilm != nil {
		s.t.Fatal(err, errFilm)
	}
	for range 10 {
		frame, err := video.FromImage(img)
		if err == nil {
			err = film.Write(frame)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if err := film.Close(); err != nil {
		s.t.Fatal(err)
	}
	if s.film, err = os.ReadFile(path); err != nil {
		s.t.Fatal(err)
	}
}

// bomb is a png whose pixels are many times what its header says.
func bomb() []byte {
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
		body := append([]byte(kind), data...)
		out = binary.BigEndian.AppendUint32(append(out, body...), crc32.ChecksumIEEE(body))
	}
	chunk("IHDR", []byte{0, 0, 0, 64, 0, 0, 0, 64, 8, 2, 0, 0, 0})
	var pixels bytes.Buffer
	z := zlib.NewWriter(&pixels)
	zeros := make([]byte, 1<<20)
	for range 100 {
		_, _ = z.Write(zeros) // into memory
	}
	z.Close()
	chunk("IDAT", pixels.Bytes())
	chunk("IEND", nil)
	return out
}

// form is an upload.
func (s *site) form() (kind string, body []byte) { return s.upload(s.picture) }

func (s *site) upload(picture []byte) (kind string, body []byte) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, data := range map[string][]byte{"source": picture, "driving": s.film} {
		part, err := w.CreateFormFile(name, name)
		if err == nil {
			_, err = part.Write(data)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	w.Close()
	return w.FormDataContentType(), b.Bytes()
}

// ask sends a request and returns status and answer, 0 for none.
func (s *site) ask(method, path, kind string, body []byte) (int, []byte) {
	r, err := http.NewRequest(method, "http://"+s.host+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return 0, nil
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, text
}

// job has a film made and fetches it.
func (s *site) job() error {
	kind, body := s.form()
	code, text := s.ask(http.MethodPost, "/jobs", kind, body)
	var status serve.Status
	if err := json.Unmarshal(text, &status); err != nil || code != http.StatusAccepted {
		return fmt.Errorf("a job is answered %d %s", code, text)
	}
	for end := time.Now().Add(time.Minute); !status.State.Ended(); time.Sleep(20 * time.Millisecond) {
		_, text = s.ask(http.MethodGet, "/jobs/"+status.ID, "", nil)
		if err := json.Unmarshal(text, &status); err != nil || time.Now().After(end) {
			return fmt.Errorf("a job does not end: %s", text)
		}
	}
	if code, film := s.ask(http.MethodGet, status.Result, "", nil); code != http.StatusOK || len(film) == 0 {
		return fmt.Errorf("the job is %+v, its film %d of %d bytes", status, code, len(film))
	}
	return nil
}

func (s *site) predict() error {
	body := fmt.Sprintf(`{"instances": [{"b64": %q}]}`, base64.StdEncoding.EncodeToString(s.picture))
	want := fmt.Sprintf(`{"predictions":[%d]}`, len(s.picture))
	if code, text := s.ask(http.MethodPost, "/v1/models/prioritycut:predict", "application/json", []byte(body)); strings.TrimSpace(string(text)) != want {
		return fmt.Errorf("predict is answered %d %s", code, text)
	}
	return nil
}

// bombs are a request of so many bombs.
func (s *site) bombs(n int) []byte {
	one := fmt.Sprintf(`{"b64": %q}`, base64.StdEncoding.EncodeToString(s.bomb))
	return []byte(`{"instances": [` + one + strings.Repeat(", "+one, n-1) + `]}`)
}

// leave sends a whole request and goes before the answer.
func (s *site) leave(path, kind string, body []byte) {
	c := s.slow(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", path, kind, len(body)))
	_, _ = c.Write(body) // a server may close it at once
	c.Close()
}

// dripping sends a byte now and then until stop is closed.
func (s *site) dripping(begin string, stop <-chan struct{}) net.Conn {
	c := s.slow(begin)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
				if _, err := io.WriteString(c, "a"); err != nil {
					return
				}
			}
		}
	}()
	return c
}

// slow sends the beginning of something and leaves it there.
func (s *site) slow(text string) net.Conn {
	c, err := net.Dial("tcp", s.host)
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = io.WriteString(c, text) // a server may close it at once
	return c
}

func (s *site) slowUpload(bytes int) net.Conn {
	kind, body := s.form()
	return s.slow(fmt.Sprintf("POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, 1<<20, body[:min(bytes, len(body))]))
}

// hostile sends what no honest client does.
func (s *site) hostile() {
	kind, body := s.form()
	s.ask(http.MethodPost, "/jobs", kind, body[:len(body)/2])
	s.ask(http.MethodPost, "/jobs", kind, bytes.Replace(body, s.film[:64], make([]byte, 64), 1))
	s.ask(http.MethodPost, "/v1/models/prioritycut:predict", "application/json", []byte(`{"instances": [{"b64": "iVBORw0KGgo="}]}`))
	s.ask(http.MethodPost, "/jobs", "multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=sorce\r\n\r\n\r\n--x--"))
	s.ask("PUT", "/jobs/../../etc/passwd", "", nil)
	s.ask(http.MethodPost, "/v1/models/prioritycut:predict", "application/json", s.bombs(4))
	bombKind, bombBody := s.upload(s.bomb)
	s.ask(http.MethodPost, "/jobs", bombKind, bombBody)
	s.leave("/v1/models/prioritycut:predict", "application/json", s.bombs(4))
	for _, c := range []net.Conn{s.slowUpload(300), s.slow("GET / HTTP/1.1\r\nHost: loc"), s.slow("POST /v1/models/prioritycut:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")} {
		c.Close()
	}
	// A job that is cancelled in the middle.
	code, text := s.ask(http.MethodPost, "/jobs", kind, body)
	var status serve.Status
	if json.Unmarshal(text, &status) == nil && code == http.StatusAccepted {
		s.ask(http.MethodDelete, "/jobs/"+status.ID, "", nil)
	}
}

// servedSoak compares what the process holds after the first clients with what
// it holds after all of them.
func servedSoak(t *testing.T, n int) int {
	s := startService(t, func(o *serve.Options) { o.Queue, o.Kept = 64, 1000 })
	round := func() {
		var clients sync.WaitGroup
		errs := make([]error, 3)
		for i := range errs {
			clients.Add(2)
			go func() { defer clients.Done(); s.hostile() }()
			go func() { defer clients.Done(); errs[i] = s.predict() }()
		}
		clients.Wait()
		if err := errors.Join(errs...); err != nil {
			failf(t, "%v", err)
		}
		if err := s.job(); err != nil {
			failf(t, "%v", err)
		}
	}
	round()
	round() // pools are filled then
	was := settled()
	for range n {
		round()
	}
	is := settled()
	for end := time.Now().Add(10 * time.Second); grown(was, is) && time.Now().Before(end); is = settled() {
		time.Sleep(100 * time.Millisecond) // what was cancelled ends
	}
	if grown(was, is) {
		failf(t, "after the first clients %+v, after %d rounds %+v", was, n, is)
	}
	t.Logf("after the first clients %+v, after %d rounds %+v", was, n, is)
	return n
}

func grown(was, is holdings) bool {
	return is.goroutines > was.goroutines || is.descriptors > was.descriptors || is.children > was.children || is.threads > was.threads+8 || is.memory > was.memory+slack
}

// settled is what is held when all connections have gone.
func settled() holdings {
	runtime.GC()
	h := now()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
		if next := now(); next.goroutines == h.goroutines && next.descriptors == h.descriptors {
			break
		} else {
			h = next
		}
	}
	return h
}

// besideHostile answers honest clients while slow ones hold all that can be held
// and others send bombs and leave. Another service, which nobody else asks, is
// asked the same at the same time: what it needs is the machine's doing. Only the
// long mode looks at the clock.
func besideHostile(t *testing.T, n int) int {
	s := startService(t, func(o *serve.Options) { o.Jobs, o.Queue, o.Connections = 1, 4, 64 })
	alone := startService(t, nil)
	var slow []net.Conn
	stop := make(chan struct{})
	defer func() {
		close(stop)
		for _, c := range slow {
			c.Close()
		}
	}()
	for i := range 300 {
		switch i % 3 {
		case 0:
			slow = append(slow, s.slow("GET / HTTP/1.1\r\nHost: loc"))
		case 1:
			slow = append(slow, s.slowUpload(400))
		case 2:
			slow = append(slow, s.dripping("GET / HTTP/1.1\r\nX-", stop))
		}
	}
	var worst, worstAlone time.Duration
	for i := range n {
		if i%10 == 0 {
			s.leave("/v1/models/prioritycut:predict", "application/json", s.bombs(4))
		}
		worst, worstAlone = max(worst, s.honest(i)), max(worstAlone, alone.honest(i))
	}
	if err := s.job(); err != nil {
		failf(t, "%v", err)
	}
	if long && worst > worstAlone+100*time.Millisecond {
		failf(t, "an answer took %v, of the service that nobody else asks %v", worst, worstAlone)
	}
	t.Logf("the slowest answer beside 300 hostile clients took %v, beside none %v", worst, worstAlone)
	return n
}

// honest asks for two things and returns how long the slower one took.
func (s *site) honest(i int) time.Duration {
	begun := time.Now()
	if code, _ := s.ask(http.MethodGet, "/healthz", "", nil); code != http.StatusOK {
		failf(s.t, "try %d: status %d beside slow clients", i, code)
	}
	first := time.Since(begun)
	begun = time.Now()
	if err := s.predict(); err != nil {
		failf(s.t, "try %d: %v", i, err)
	}
	return max(first, time.Since(begun))
}
