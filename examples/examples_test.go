// Package examples holds programs that use exported models without PriorityCut.
// These tests run them.
package examples

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/pypartner"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

//go:embed *.py
var scripts embed.FS

// script puts a script into a folder of its own.
func script(t *testing.T, name string) string {
	t.Helper()
	text, err := scripts.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// python runs a script and returns what it writes to standard error.
func python(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(pypartner.Python(t), args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LD_LIBRARY_PATH=") })
	var errs bytes.Buffer
	cmd.Stderr = &errs
	err := cmd.Run()
	return errs.String(), err
}

// model exports a tiny model.
func model(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	run := filepath.Join(root, "run")
	// Of unequal sides, so that mixed-up axes are seen.
	if err := tinymodel.Write(run, 1, "frame_shape=[32,64,3]", "dataset_params.fit=crop"); err != nil {
		t.Fatal(err)
	}
	m, err := infer.Load(run)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(root, "tiny")
	p, err := export.Prepare(m, export.Options{Out: out})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	return out
}

// picture is a drawing of its own for each seed.
func picture(w, h, seed int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			v := math.Sin(float64(x*(seed+2))/9) * math.Cos(float64(y+3*seed)/5)
			img.SetNRGBA(x, y, color.NRGBA{uint8(127 + 120*v), uint8(255 * x / w), uint8(40 * seed % 256), 255})
		}
	}
	return img
}

func write(t *testing.T, path string, encode func(io.Writer) error) string {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := encode(f); err != nil {
		t.Fatal(err)
	}
	return path
}

func writePNG(t *testing.T, path string, img image.Image) string {
	return write(t, path, func(w io.Writer) error { return png.Encode(w, img) })
}

// predicted is what the model itself makes of files: [N, 32, 64, 3] in levels.
func predicted(t *testing.T, m *savedmodel.Model, source, driving, initial []string) []float32 {
	t.Helper()
	in := map[string]*tensorflow.Tensor{}
	for key, list := range map[string][]string{infer.Source: source, infer.Driving: driving, infer.DrivingInitial: initial} {
		texts := make([]string, len(list))
		for i, path := range list {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = string(text)
		}
		v, err := tensorflow.NewTensor(texts)
		if err != nil {
			t.Fatal(err)
		}
		in[infer.Bytes(key)] = v
	}
	out, err := m.Call(infer.SigBytes, in)
	if err != nil {
		t.Fatal(err)
	}
	values, err := tf.Values[float32](out[infer.Prediction])
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// same compares a written picture with predicted values, to one level.
func same(t *testing.T, path string, want []float32) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	if b.Dx() != 64 || b.Dy() != 32 {
		t.Fatalf("%s has %v pixels", path, b)
	}
	for i, v := range want {
		r, g, bl, _ := img.At(i/3%64, i/3/64).RGBA()
		got := float64([3]uint32{r, g, bl}[i%3] >> 8)
		if math.Abs(got-255*float64(v)) > 1.01 {
			t.Fatalf("%s: value %d is %v, want %v", path, i, got, 255*v)
		}
	}
}

// serve is as much of TensorFlow Serving's REST interface as the client uses.
func serve(t *testing.T, m *savedmodel.Model) *httptest.Server {
	handle := func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Signature string                         `json:"signature_name"`
			Instances []map[string]map[string]string `json:"instances"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil || r.URL.Path != "/v1/models/tiny:predict" || request.Signature != infer.SigBytes {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, `{"error": "no %s of signature %s"}`, r.URL.Path, request.Signature)
			return
		}
		in := map[string]*tensorflow.Tensor{}
		for key, value := range request.Instances[0] {
			text, err := base64.StdEncoding.DecodeString(value["b64"])
			if err != nil {
				t.Error(err)
			}
			in[key], _ = tensorflow.NewTensor([]string{string(text)})
		}
		out, err := m.Call(request.Signature, in)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"predictions": out[infer.Prediction].Value()})
	}
	s := httptest.NewServer(http.HandlerFunc(handle))
	t.Cleanup(s.Close)
	return s
}

func TestExamples(t *testing.T) {
	dir := t.TempDir()
	path := model(t)
	m, err := savedmodel.Open(path, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	source := writePNG(t, filepath.Join(dir, "source.png"), picture(90, 60, 1))

	t.Run("predict", func(t *testing.T) {
		driving := write(t, filepath.Join(dir, "driving.jpg"), func(w io.Writer) error { return jpeg.Encode(w, picture(50, 70, 2), nil) })
		initial := writePNG(t, filepath.Join(dir, "initial.png"), picture(64, 32, 3))
		server, out := serve(t, m), filepath.Join(dir, "result.png")
		program := script(t, "predict.py")
		if errs, err := python(t, program, source, driving, initial, "--out", out, "--url", server.URL+"/v1/models/tiny"); err != nil {
			t.Fatal(err, errs)
		}
		same(t, out, predicted(t, m, []string{source}, []string{driving}, []string{initial}))

		errs, err := python(t, program, source, driving, initial, "--url", server.URL+"/v1/models/other")
		if err == nil || !strings.Contains(errs, "404") || !strings.Contains(errs, "no /v1/models/other") || strings.Contains(errs, "Traceback") {
			t.Errorf("another model: %v\n%s", err, errs)
		}
		errs, err = python(t, program, program, driving, initial, "--url", server.URL+"/v1/models/tiny")
		if err == nil || !strings.Contains(errs, "400") || strings.Contains(errs, "Traceback") {
			t.Errorf("no picture: %v\n%s", err, errs)
		}
		errs, err = python(t, program, source, driving, initial, "--url", server.URL+"/v1/models/tiny", "--out", filepath.Join(dir, "none", "result.png"))
		if err == nil || !strings.Contains(errs, "none") || strings.Contains(errs, "Traceback") {
			t.Errorf("no folder for the result: %v\n%s", err, errs)
		}
	})

	t.Run("animate_frames", func(t *testing.T) {
		frames, out := filepath.Join(dir, "frames"), filepath.Join(dir, "animated")
		if err := os.Mkdir(frames, 0o777); err != nil {
			t.Fatal(err)
		}
		var driving, sources, initials []string
		for i := 0; i < 3; i++ {
			driving = append(driving, writePNG(t, filepath.Join(frames, fmt.Sprintf("%03d.png", i)), picture(80, 80, 4+i)))
			sources, initials = append(sources, source), append(initials, driving[0])
		}
		if errs, err := python(t, script(t, "animate_frames.py"), path, source, frames, out, "--batch=2"); err != nil {
			t.Fatal(err, errs)
		}
		want := predicted(t, m, sources, driving, initials)
		const size = 32 * 64 * 3
		for i := range driving {
			same(t, filepath.Join(out, fmt.Sprintf("%03d.png", i)), want[i*size:(i+1)*size])
		}
		errs, err := python(t, script(t, "animate_frames.py"), filepath.Join(dir, "no-model"), source, frames, out)
		if err == nil || !strings.Contains(errs, "no-model") || strings.Contains(errs, "Traceback") {
			t.Errorf("no model: %v\n%s", err, errs)
		}
	})
}
