package infer

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

const side = 32

func TestMain(m *testing.M) {
	var err error
	if tinyRun, err = os.MkdirTemp("", "infer"); err == nil {
		err = tinymodel.Write(tinyRun, 1)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(tinyRun)
	os.Exit(code)
}

// tinyRun is the run of a small model. Tests share it.
var tinyRun string

var onCPU = tf.SessionConfig{Device: "cpu"}

func opened(t *testing.T, path string, o Options) *Engine {
	t.Helper()
	o.Session = onCPU
	e, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// pictures are n of noise.
func pictures(n int, seed int64) []*video.Frame {
	r := random.New(seed)
	list := make([]*video.Frame, n)
	for i := range list {
		list[i] = video.NewFrame(side, side)
		for j := range list[i].Pix {
			list[i].Pix[j] = byte(r.Uniform(0, 256))
		}
	}
	return list
}

// savedModel writes what an export has, but for the signatures that keep
// refuses.
func savedModel(t *testing.T, keep func(signature string) bool) string {
	t.Helper()
	return savedModelOf(t, tinyRun, keep)
}

func savedModelOf(t *testing.T, run string, keep func(signature string) bool) string {
	t.Helper()
	m, err := Load(run)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSignatures(m, NotesOf(m, false))
	if err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(s.Scope.Graph(), onCPU)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := m.Assign(session, s.Scope); err != nil {
		t.Fatal(err)
	}
	def := savedmodel.Def{Extra: map[string][]byte{config.FileName: []byte(m.Meta.Config)}}
	if def.Extra[NotesFile], err = s.Notes.Encode(); err != nil {
		t.Fatal(err)
	}
	if def.Graph, err = tf.GraphDefOf(s.Scope.Graph()); err != nil {
		t.Fatal(err)
	}
	values, err := graph.Fetch(session, s.Scope.Variables())
	if err != nil {
		t.Fatal(err)
	}
	for v, value := range values {
		def.Variables = append(def.Variables, savedmodel.Variable{Name: v.Name, Handle: v.Handle().Op.Name(), Value: value})
	}
	for _, signature := range s.List {
		if keep(signature.Name) {
			def.Signatures = append(def.Signatures, signature)
		}
	}
	dir := filepath.Join(t.TempDir(), "1")
	if err := savedmodel.Write(dir, def); err != nil {
		t.Fatal(err)
	}
	return dir
}

func all(string) bool { return true }

// near fails where values differ, or say nothing because they are all alike.
func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) || len(got) == 0 {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	low, high := want[0], want[0]
	for i := range got {
		low, high = min(low, want[i]), max(high, want[i])
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tolerance) {
			t.Errorf("%s: value %d is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
	if high-low < 1e-3 {
		t.Errorf("%s: all values are about %v", what, low)
	}
}

// Frames that are decoded from poses are those that driving pictures give at
// once, whichever way the model was opened and whatever signatures it has.
func TestOneSourceManyFrames(t *testing.T) {
	source, driving := pictures(1, 1)[0], pictures(3, 2)
	engines := map[string]*Engine{
		"checkpoint":      opened(t, tinyRun, Options{}),
		"SavedModel":      opened(t, savedModel(t, all), Options{}),
		"frame by frame":  opened(t, savedModel(t, func(name string) bool { return name != SigAbsolute }), Options{}),
		"absolute motion": opened(t, savedModel(t, func(name string) bool { return name == SigAbsolute }), Options{}),
	}
	var want Frames
	for _, name := range []string{"checkpoint", "SavedModel", "frame by frame", "absolute motion"} {
		e := engines[name]
		encoded, err := e.Encode(source)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		made, err := e.Reconstruct(encoded, driving)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want == nil {
			want = made
		}
		near(t, name+", reconstructed", made[Prediction], want[Prediction], 1e-5)
		if name == "absolute motion" {
			if err := e.Animates(); err == nil || !strings.Contains(err.Error(), SigEncode) {
				t.Errorf("%s: animates: %v", name, err)
			}
			continue
		}
		poses, err := e.Poses(driving...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		decoded, err := e.Decode(encoded, poses)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		near(t, name+", decoded", decoded[Prediction], want[Prediction], 1e-5)
	}
	if err := engines["frame by frame"].Reconstructs(Background); err == nil {
		t.Error("a background without the signature that gives it")
	}
	for _, name := range []string{"checkpoint", "SavedModel"} {
		encoded, err := engines[name].Encode(source)
		if err != nil {
			t.Fatal(err)
		}
		made, err := engines[name].Reconstruct(encoded, driving, Background, OcclusionMap)
		if err != nil {
			t.Fatal(err)
		}
		if name == "checkpoint" {
			want = made
		}
		for _, m := range []string{Background, OcclusionMap} {
			near(t, name+", "+m, made[m], want[m], 1e-5)
		}
	}
}

// A checkpoint's signatures give what its export gives.
func TestSignaturesOfACheckpoint(t *testing.T) {
	ours, saved := opened(t, tinyRun, Options{Signatures: true}), opened(t, savedModel(t, all), Options{})
	if got, want := len(ours.Signatures()), len(saved.Signatures()); got != 6 || want != 6 {
		t.Errorf("%d and %d signatures", got, want)
	}
	known := map[string]*tensorflow.Tensor{}
	for _, name := range []string{SigEncode, SigKeypoints, SigFrame, SigAbsolute, SigDefault} {
		inputs := map[string]*tensorflow.Tensor{}
		for i, key := range sorted(ours.Signatures()[name].Inputs) {
			if part, ok := PartOf(key); ok {
				inputs[key] = known[part]
			} else if inputs[key] = known[key]; inputs[key] == nil {
				x, err := floatsOf(side, side, pictures(2, int64(i))...)
				if err != nil {
					t.Fatal(err)
				}
				inputs[key] = x
			}
		}
		got, err := ours.Call(name, inputs)
		if err != nil {
			t.Fatal(err)
		}
		want, err := saved.Call(name, inputs)
		if err != nil {
			t.Fatal(err)
		}
		for key := range want {
			a, _ := tf.Values[float32](got[key])
			b, _ := tf.Values[float32](want[key])
			near(t, name+" "+key, a, b, 1e-5)
			known[key] = want[key]
		}
	}
	for what, call := range map[string]func() error{
		"none of this name": func() error { _, err := ours.Call("other", nil); return err },
		"is missing":        func() error { _, err := ours.Call(SigKeypoints, nil); return err },
		"no input": func() error {
			_, err := ours.Call(SigKeypoints, map[string]*tensorflow.Tensor{Image: known[Value], "other": known[Value]})
			return err
		},
		"want float32": func() error {
			_, err := ours.Call(SigKeypoints, map[string]*tensorflow.Tensor{Image: known[Value]})
			return err
		},
		"without signatures": func() error { _, err := opened(t, tinyRun, Options{}).Call(SigKeypoints, nil); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want %q", err, what)
		}
	}
}

func TestPosesThatAreNone(t *testing.T) {
	tensor := func(values []float32, shape ...int64) map[string]*tensorflow.Tensor {
		x, err := tf.NewTensor(values, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]*tensorflow.Tensor{Value: x}
	}
	if _, err := poseOf(1, tensor([]float32{0, float32(math.NaN())}, 1, 1, 2)); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("a keypoint that is no number: %v", err)
	}
	if _, err := poseOf(2, tensor([]float32{0, 1}, 1, 1, 2)); err == nil {
		t.Error("the pose of one picture passes for that of two")
	}
	flow := Pose{N: 1, Parts: map[string]Part{"flow": {Dims: []int64{1}, Values: []float32{0}}}}
	if _, ok := flow.Keypoints(); ok || flow.Points(0) != nil {
		t.Error("keypoints where there are none")
	}
	if _, err := flow.Relative(flow, flow, Relation{Scale: 1}); err == nil || !strings.Contains(err.Error(), "no keypoints") {
		t.Errorf("relative motion without keypoints: %v", err)
	}
}

func TestBatch(t *testing.T) {
	for _, c := range []struct{ asked, h, w, want int }{{0, 256, 256, 4}, {0, 64, 64, 32}, {0, 1024, 1024, 1}, {7, 256, 256, 7}, {-1, 8, 8, 0}, {5000, 8, 8, 0}} {
		if got, err := batchOr(c.asked, c.h, c.w); got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%+v: %d, %v", c, got, err)
		}
	}
	e := opened(t, tinyRun, Options{})
	if _, err := e.Encode(video.NewFrame(31, 32)); err == nil || !strings.Contains(err.Error(), "31x32") {
		t.Errorf("a picture of another size: %v", err)
	}
}
