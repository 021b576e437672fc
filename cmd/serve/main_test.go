package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/browser"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestDocumented(t *testing.T) { clitest.Documented(t, "../..", command().Command) }

// Height and width differ, so that mixed-up axes are seen.
const height, width = 32, 64

// running is the program and where it serves.
type running struct {
	*clitest.Program
	url string
}

// begin starts the program and waits for its address.
func begin(t *testing.T, flags ...string) *running {
	t.Helper()
	r := &running{Program: clitest.New(t, "", append(flags, "--address=127.0.0.1:0", "--device=cpu")...)}
	r.Stdout = nil // read as it comes
	out, err := r.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "metrics "); ok {
			r.url = strings.TrimSuffix(strings.TrimSpace(url), "/metrics")
			return r
		}
	}
	_ = r.Wait()
	t.Fatalf("the program does not start:\n%s", r.Errs.String())
	return nil
}

func (r *running) ask(t *testing.T, request *http.Request, err error, value any) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(text, value)
	}
	if err != nil || answer.StatusCode >= 300 {
		t.Fatalf("%s: %d %.300s (%v)", request.URL, answer.StatusCode, text, err)
	}
}

// frame is a picture of its own.
func frame(n int) *video.Frame {
	f := video.NewFrame(width, height)
	r := random.New(int64(n), random.Label("frame"), 1)
	for i := range f.Pix {
		f.Pix[i] = byte(128 + 60*math.Sin(float64(i)/(40+float64(n))) + r.Uniform(-9, 9))
	}
	return f
}

// numbers are a picture as JSON takes it.
func numbers(f *video.Frame) [][][3]float64 {
	rows := make([][][3]float64, f.H)
	for y := range rows {
		rows[y] = make([][3]float64, f.W)
		for x := range rows[y] {
			for c := range rows[y][x] {
				rows[y][x][c] = float64(f.Pix[3*(y*f.W+x)+c]) / 255
			}
		}
	}
	return rows
}

// TestServe asks for keypoints and for films, as programs and as people do,
// then stops the program in the middle of a job.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	path, work := filepath.Join(dir, "run"), filepath.Join(dir, "work")
	if err := tinymodel.Write(path, 1, fmt.Sprintf("frame_shape=[%d,%d,3]", height, width)); err != nil {
		t.Fatal(err)
	}
	t.Run("stop early", func(t *testing.T) { stopEarly(t, path, work) })
	p := begin(t, "--checkpoint="+path, "--name=faces", "--work="+work, "--grace=0s")
	m := newMedia(t)
	t.Run("keypoints", func(t *testing.T) { p.keypoints(t, path) })
	t.Run("film", func(t *testing.T) { p.film(t, m) })
	t.Run("page", func(t *testing.T) { p.page(t, m) })
	t.Run("stop", func(t *testing.T) { p.stop(t, m) })
	if left, _ := filepath.Glob(filepath.Join(work, "server-*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// stopEarly stops while the model is opened, which is no mistake.
func stopEarly(t *testing.T, path, work string) {
	p := command()
	var out bytes.Buffer
	p.Stdout = &out
	p.checkpoint, p.address, p.shared.Device, p.options.Work = path, "127.0.0.1:0", "cpu", work
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.run(ctx); err != nil || out.Len() > 0 {
		t.Errorf("%v\n%s", err, &out)
	}
}

// keypoints sees that those through the export and JSON are the checkpoint's.
func (r *running) keypoints(t *testing.T, checkpoint string) {
	pictures := []*video.Frame{frame(1), frame(2)}
	body, err := json.Marshal(map[string]any{"signature_name": "keypoints", "inputs": [][][][3]float64{numbers(pictures[0]), numbers(pictures[1])}})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Outputs struct{ Value [][][2]float64 }
	}
	request, err := http.NewRequest(http.MethodPost, r.url+"/v1/models/faces/versions/3:predict", bytes.NewReader(body))
	r.ask(t, request, err, &answer)
	a, err := animate.Open(checkpoint, infer.Options{Session: tf.SessionConfig{Device: "cpu"}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	want, err := a.Keypoints("", pictures...)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 2; i++ {
		for k, point := range want.Points(i) {
			got := answer.Outputs.Value[i][k]
			if math.Hypot(got[0]-point[0], got[1]-point[1]) > 1e-4 {
				t.Errorf("picture %d, keypoint %d: %v, want %v", i, k, got, point)
			}
		}
	}
}

// media are a picture and a film, whose names do not tell what they are.
type media struct{ source, driving string }

const (
	frames = 7
	rate   = "30000/1001"
)

func newMedia(t *testing.T) media {
	t.Helper()
	dir := t.TempDir()
	m := media{source: filepath.Join(dir, "source"), driving: filepath.Join(dir, "driving")}
	film, err := video.CreateFilm(context.Background(), m.driving+".mp4", width, height, video.FilmOptions{Rate: rate})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < frames; i++ {
		if err := film.Write(frame(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := film.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(m.driving+".mp4", m.driving); err != nil {
		t.Fatal(err)
	}
	if err := video.WritePNG(m.source, frame(1)); err != nil {
		t.Fatal(err)
	}
	return m
}

// status is what the tests need of a job's.
type status struct {
	ID, State, Error, Result string
	Frames                   int
}

// post sends a job.
func (r *running) post(t *testing.T, m media) (job status) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for name, path := range map[string]string{"source": m.source, "driving": m.driving} {
		part, err := form.CreateFormFile(name, name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		part.Write(data)
	}
	form.Close()
	request, err := http.NewRequest(http.MethodPost, r.url+"/jobs", &b)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	r.ask(t, request, err, &job)
	return job
}

// film posts a job and looks at the result.
func (r *running) film(t *testing.T, m media) {
	job := r.post(t, m)
	r.until(t, &job)
	if job.State != "done" || job.Frames != frames {
		t.Fatalf("%+v", job)
	}
	r.isFilm(t, job.Result)
}

// until waits for the end of a job.
func (r *running) until(t *testing.T, job *status) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); job.State == "queued" || job.State == "running"; time.Sleep(50 * time.Millisecond) {
		request, err := http.NewRequest(http.MethodGet, r.url+"/jobs/"+job.ID, nil)
		r.ask(t, request, err, job)
		if time.Now().After(end) {
			t.Fatal("the job does not end")
		}
	}
}

// isFilm looks at a result.
func (r *running) isFilm(t *testing.T, address string) {
	t.Helper()
	answer, err := http.Get(r.url + address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	result := filepath.Join(t.TempDir(), "result")
	if err := os.WriteFile(result, data, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := video.Probe(context.Background(), result, video.Limits{})
	if err != nil || info.W != width || info.H != height || info.Frames != frames || info.ExactRate != rate {
		t.Errorf("the film is %+v (%v)", info, err)
	}
}

// page does what people do: choose a picture and a film, wait, see the result.
func (r *running) page(t *testing.T, m media) {
	p := browser.Open(t, 1000, 800)
	p.Go(r.url)
	p.Type("#source", m.source)
	p.Type("#driving", m.driving)
	p.Click("button[type=submit]")
	p.Until("the film", "document.getElementById('result') && document.getElementById('result').readyState >= 2")
	// How bright the picture is in places, as the browser shows it.
	var film struct {
		Width, Height     int
		Download          string
		Darkest, Lightest float64
	}
	p.Eval(`const v = document.getElementById("result"), c = document.createElement("canvas");
		c.width = v.videoWidth;
		c.height = v.videoHeight;
		const draw = c.getContext("2d");
		draw.drawImage(v, 0, 0);
		const green = draw.getImageData(0, 0, c.width, c.height).data.filter((_, i) => i % 4 == 1);
		return {width: c.width, height: c.height, download: document.getElementById("download").getAttribute("href"),
			darkest: Math.min(...green), lightest: Math.max(...green)}`, &film)
	if film.Width != width || film.Height != height || film.Lightest-film.Darkest < 20 {
		t.Errorf("the player shows %+v", film)
	}
	r.isFilm(t, film.Download)
	p.Keep("model")
	r.tryExample(t, p)
	if said := p.Complaints(); len(said) > 0 {
		t.Errorf("the browser says %q", said)
	}
}

// tryExample does what people do who have no files: the model's own kind is shown,
// as it saw it, beside the result.
func (r *running) tryExample(t *testing.T, p *browser.Page) {
	p.Go(r.url)
	p.Until("what it has learned", "/drawn figures, 64x32 pixels/.test(document.getElementById('about').textContent)")
	p.Until("the examples", "document.querySelectorAll('.examples img').length == 4 && [...document.querySelectorAll('.examples img')].every(i => i.naturalWidth == 64)")
	p.Click("[name=source_example][value='2']")
	p.Click("[name=driving_example][value='1']")
	p.Until("the film", "document.getElementById('driving-preview').videoWidth == 64")
	p.Keep("example")
	p.Click("#create > button[type=submit]")
	p.Until("the films beside each other", `document.getElementById("driving-view") && ["driving-view", "result"].every(id => document.getElementById(id).readyState >= 2)`)
	var sizes []int
	p.Eval(`const driving = document.getElementById("driving-view"), result = document.getElementById("result");
		return [document.querySelector("figure img").naturalWidth, driving.videoWidth, result.videoWidth, Math.round(12 * driving.duration) - Math.round(12 * result.duration)]`, &sizes)
	if !slices.Equal(sizes, []int{width, width, width, 0}) {
		t.Errorf("source, driving, result and the films' difference in length are %v", sizes)
	}
	p.Keep("beside")
}

// stop ends the program while somebody watches a job that has begun.
func (r *running) stop(t *testing.T, m media) {
	events, err := http.Get(r.url + "/jobs/" + r.post(t, m).ID + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(events.Body)
	if err != nil || !bytes.Contains(said, []byte("event: end")) {
		t.Errorf("the watcher hears\n%s(%v)", said, err)
	}
	if err := r.Wait(); err != nil || !strings.Contains(r.Errs.String(), "stopping") {
		t.Errorf("stopping: %v\n%s", err, r.Errs.String())
	}
}

// TestMistakes end before anything is loaded, with what to type instead.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{nil, "bazel run //cmd:train"},
		{[]string{"--checkpoint=/nowhere"}, "/nowhere"},
		{[]string{"--saved_model=/nowhere"}, "/nowhere"},
		{[]string{"--checkpoint=a", "--saved_model=b"}, "give one of them"},
		{[]string{"--max_upload=lots"}, "--max_upload=lots: cannot be read"},
		{[]string{"--jobs=0", "--keep=0s"}, "--jobs=0: want 1 to 64"},
		{[]string{"--address=nobody:x"}, "--address"},
	} {
		code, _, stderr := clitest.Run(t, t.TempDir(), append([]string{"--address=127.0.0.1:0"}, c.flags...)...)
		if code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d\n%s", c.flags, code, stderr)
		}
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "7": 7, "1KiB": 1024, "64 MiB": 64 << 20, "3GiB": 3 << 30} {
		var b byteSize
		if err := b.Set(text); err != nil || int64(b) != want {
			t.Errorf("%s: %d (%v), want %d", text, b, err, want)
		}
		var again byteSize
		if err := again.Set(b.String()); err != nil || again != b {
			t.Errorf("%s is written as %s", text, b.String())
		}
	}
	for _, text := range []string{"", "-1", "MiB", "1.5MiB", "9223372036854775807KiB", "12XB"} {
		if err := new(byteSize).Set(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if got := fmt.Sprint(command().options.MaxUpload); got != "268435456" {
		t.Error(got)
	}
}
