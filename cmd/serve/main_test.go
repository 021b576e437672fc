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
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// asMain makes this test's binary the program itself.
const asMain = "PRIORITYCUT_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	os.Exit(m.Run())
}

// Height and width differ, so that mixed-up axes are seen.
const height, width = 32, 64

// checkpoint writes a tiny model with random weights whose keypoints are apart.
func checkpoint(t *testing.T) string {
	t.Helper()
	c, _, err := config.Resolve(config.Options{Device: "cpu", Sets: []string{
		"frame_shape=[32,64,3]", "num_kp=3",
		"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
		"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
		"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
		"discriminator_params.block_expansion=2", "train_params.scales=[1]", "vgg19.width_divisor=32",
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := graph.New(tensorflow.Float)
	model.NewAnimator(s, c.Model)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	groups := map[graph.Kind]*tf.Group{graph.Trainable: {Name: rundir.Weights}, graph.State: {Name: rundir.State}}
	for _, v := range s.Variables() {
		values := v.Initial(3)
		r := random.New(3, random.Label(v.Name), 1)
		size := 0.02
		if strings.HasPrefix(v.Name, "kp_detector.kp.") {
			size = 0.5
		}
		for i := range values {
			values[i] += size * r.Uniform(-1, 1)
		}
		tensor, err := graph.NewTensor(v.DType, values, v.Dims...)
		if err != nil {
			t.Fatal(err)
		}
		groups[v.Kind].Tensors = append(groups[v.Kind].Tensors, tf.NamedTensor{Name: v.Name, Tensor: tensor})
	}
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	notes, err := rundir.Meta{
		Step: 700, Attempt: 700, Preset: c.Preset, Variant: string(c.Variant), FrameShape: c.Dataset.FrameShape,
		Fit: string(c.Dataset.Fit), AlignCorners: c.Model.AlignCorners, VGG19: "random", Config: string(text),
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "checkpoint")
	if err := tf.WriteCheckpoint(tf.OSFileSystem{}, dir, 700, notes, *groups[graph.Trainable], *groups[graph.State]); err != nil {
		t.Fatal(err)
	}
	return dir
}

// program under test.
type running struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	stderr bytes.Buffer
}

// begin starts the program and waits for its address.
func begin(t *testing.T, flags ...string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, cmd: exec.Command(self, append(flags, "--address=127.0.0.1:0", "--device=cpu", "--log_dir="+t.TempDir())...)}
	r.cmd.Env = append(os.Environ(), asMain+"=1")
	r.cmd.Stderr = &r.stderr
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() }) // it has ended, unless the test failed
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "metrics "); ok {
			r.url = strings.TrimSuffix(strings.TrimSpace(url), "/metrics")
			return r
		}
	}
	_ = r.cmd.Wait()
	t.Fatalf("the program does not start:\n%s", r.stderr.String())
	return nil
}

func (r *running) ask(request *http.Request, err error, value any) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(text, value)
	}
	if err != nil || answer.StatusCode >= 300 {
		r.t.Fatalf("%s: %d %.300s (%v)", request.URL, answer.StatusCode, text, err)
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

// TestServe asks for keypoints and for a film, then stops the program.
func TestServe(t *testing.T) {
	path, work := checkpoint(t), filepath.Join(t.TempDir(), "work")
	p := begin(t, "--checkpoint="+path, "--name=faces", "--work="+work)

	// Keypoints through the export and JSON are those of the checkpoint.
	pictures := []*video.Frame{frame(1), frame(2)}
	body, err := json.Marshal(map[string]any{"signature_name": "keypoints", "inputs": [][][][3]float64{numbers(pictures[0]), numbers(pictures[1])}})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Outputs struct{ Value [][][2]float64 }
	}
	request, err := http.NewRequest(http.MethodPost, p.url+"/v1/models/faces/versions/700:predict", bytes.NewReader(body))
	p.ask(request, err, &answer)
	a, err := animate.Open(path, animate.Options{Session: tf.SessionConfig{Device: "cpu"}})
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

	p.film(t)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil || !strings.Contains(p.stderr.String(), "stopping") {
		t.Errorf("stopping: %v\n%s", err, p.stderr.String())
	}
	if left, _ := filepath.Glob(filepath.Join(work, "server-*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// film posts a job and looks at the result.
func (r *running) film(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	driving, err := video.CreateFilm(context.Background(), filepath.Join(dir, "driving.mp4"), width, height, video.FilmOptions{Rate: "30000/1001"})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 7; i++ {
		if err := driving.Write(frame(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := driving.Close(); err != nil {
		t.Fatal(err)
	}
	if err := video.WritePNG(filepath.Join(dir, "source"), frame(1)); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for name, file := range map[string]string{"source": "source", "driving": "driving.mp4"} {
		part, err := form.CreateFormFile(name, file)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		part.Write(data)
	}
	form.Close()
	var job struct {
		ID, State, Error, Result string
		Frames                   int
	}
	request, err := http.NewRequest(http.MethodPost, r.url+"/jobs", &b)
	request.Header.Set("Content-Type", form.FormDataContentType())
	r.ask(request, err, &job)
	for end := time.Now().Add(2 * time.Minute); job.State == "queued" || job.State == "running"; time.Sleep(50 * time.Millisecond) {
		request, err := http.NewRequest(http.MethodGet, r.url+"/jobs/"+job.ID, nil)
		r.ask(request, err, &job)
		if time.Now().After(end) {
			t.Fatal("the job does not end")
		}
	}
	if job.State != "done" || job.Frames != 7 {
		t.Fatalf("%+v", job)
	}
	answer, err := http.Get(r.url + job.Result)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	result := filepath.Join(dir, "result")
	if err := os.WriteFile(result, data, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := video.Probe(context.Background(), result, video.Limits{})
	if err != nil || info.W != width || info.H != height || info.Frames != 7 || info.ExactRate != "30000/1001" {
		t.Errorf("the film is %+v (%v)", info, err)
	}
}

// TestMistakes end before anything is loaded, with what to type instead.
func TestMistakes(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
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
		cmd := exec.Command(self, append([]string{"--address=127.0.0.1:0", "--log_dir=" + t.TempDir()}, c.flags...)...)
		cmd.Env = append(os.Environ(), asMain+"=1", "BUILD_WORKING_DIRECTORY="+t.TempDir())
		text, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(text), c.want) {
			t.Errorf("%v: %v\n%s", c.flags, err, text)
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
