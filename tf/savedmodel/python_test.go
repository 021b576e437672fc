package savedmodel

import (
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/pypartner"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// pythonModels has TensorFlow and Keras in Python write models into a folder,
// and returns what they give there.
func pythonModels(t *testing.T, root, picture string) map[string][]float32 {
	t.Helper()
	cmd := exec.Command(pypartner.Python(t), filepath.Join("testdata", "models.py"), root, picture)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LD_LIBRARY_PATH=") })
	errs := &strings.Builder{}
	cmd.Stderr = errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%v", err, errs)
	}
	var want map[string][]float32
	if err := json.Unmarshal(out[strings.LastIndex(string(out), "\n{")+1:], &want); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return want
}

// What people export with Python is allowed, and computes what it computes
// there: layers of Keras, loops and conditions of
// TensorFlow 2, files that are decoded, variables of TensorFlow 1.
func TestModelsOfPythonAreAllowed(t *testing.T) {
	root := t.TempDir()
	drawn := image.NewNRGBA(image.Rect(0, 0, 40, 20))
	for i := range 40 * 20 {
		drawn.SetNRGBA(i%40, i/40, color.NRGBA{uint8(6 * (i % 40)), uint8(12 * (i / 40)), 99, 255})
	}
	picture := filepath.Join(root, "drawn.png")
	f, err := os.Create(picture)
	if err == nil {
		err = png.Encode(f, drawn)
	}
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	want := pythonModels(t, root, picture)
	if len(want) != 5 {
		t.Fatalf("%d models", len(want))
	}
	ramp := make([]float32, 2*16*16*3)
	for i := range ramp {
		ramp[i] = float32(i) / float32(len(ramp)-1)
	}
	data, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range want {
		m, err := Open(filepath.Join(root, name), tf.SessionConfig{Optimize: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		input := tftest.Of(t, ramp, 2, 16, 16, 3)
		if name == "files" {
			if input, err = tensorflow.NewTensor([]string{string(data)}); err != nil {
				t.Fatal(err)
			}
		}
		s := m.Signatures()[DefaultSignature]
		out, err := m.Call(DefaultSignature, map[string]*tensorflow.Tensor{sortedKeys(s.Inputs)[0]: input})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := tf.Values[float32](out[sortedKeys(s.Outputs)[0]])
		if err != nil || len(got) != len(values) {
			t.Errorf("%s: %d values, %v; want %d", name, len(got), err, len(values))
			continue
		}
		for i, v := range got {
			if d := math.Abs(float64(v - values[i])); d > 1e-4*max(1, math.Abs(float64(values[i]))) {
				t.Errorf("%s: value %d is %g, in Python %g", name, i, v, values[i])
				break
			}
		}
		m.Close()
	}
}
