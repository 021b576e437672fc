package main

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/convert"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// converted opens a checkpoint of the baselines' public code, brought in.
func converted(t *testing.T, file, configFile string, sets ...string) *infer.Engine {
	t.Helper()
	dir := t.TempDir()
	write := func(name string) string {
		data, err := golden.Bytes(golden.Baselines + name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, path.Base(name))
		if err := os.WriteFile(to, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return to
	}
	o := convert.Options{Checkpoint: write(file), Sets: sets, Out: filepath.Join(dir, "run")}
	if configFile != "" {
		o.ConfigFile = write(configFile)
	}
	job, err := convert.Read(o)
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	if err := job.Write(io.Discard); err != nil {
		t.Fatal(err)
	}
	e, err := infer.Open(o.Out, infer.Options{Session: tf.SessionConfig{Device: "cpu"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// goldenFrames are pictures of the reference results.
func goldenFrames(t *testing.T, f *golden.File, which ...int) []*video.Frame {
	t.Helper()
	a, err := f.Array("in_frames")
	if err == nil {
		a, err = a.NHWC()
	}
	if err != nil {
		t.Fatal(err)
	}
	h, w := a.Shape[1], a.Shape[2]
	var frames []*video.Frame
	for _, i := range which {
		frame := video.NewFrame(w, h)
		for j := range frame.Pix {
			frame.Pix[j] = byte(a.Data[i*h*w*3+j])
		}
		frames = append(frames, frame)
	}
	return frames
}

func load(t *testing.T, name string) *golden.File {
	t.Helper()
	f, err := golden.Load(golden.Baselines + name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// comparePrediction compares frames [N, H, W, 3] with those that PyTorch made.
func comparePrediction(t *testing.T, report *golden.Report, f *golden.File, name string, made []float32, rule golden.Rule) {
	t.Helper()
	want, err := f.Sample(name)
	if err != nil {
		t.Fatal(err)
	}
	ours := golden.Array{Name: name, Shape: []int{want.Shape[0], want.Shape[2], want.Shape[3], want.Shape[1]}}
	for _, v := range made {
		ours.Data = append(ours.Data, float64(v))
	}
	if ours, err = ours.NCHW(); err != nil {
		t.Fatal(err)
	}
	got, err := want.Of(ours.Data)
	if err != nil {
		t.Fatal(err)
	}
	report.Compare(t, name, got, want.Values, rule)
}

// TestFramesOfConvertedMonkeyNet: a picture that a converted checkpoint moves
// like a film, by every relation of keypoints, is the one that the public code
// makes under PyTorch.
func TestFramesOfConvertedMonkeyNet(t *testing.T) {
	var report golden.Report
	f := load(t, "monkey_vox_forward")
	e := converted(t, "monkey.pth.tar", "monkey.yaml", "align_corners=false")
	encoded, err := e.Encode(goldenFrames(t, f, 0)...)
	if err != nil {
		t.Fatal(err)
	}
	own, err := encoded.Pose()
	if err != nil {
		t.Fatal(err)
	}
	film, err := e.Poses(goldenFrames(t, f, 2, 3, 5)...)
	if err != nil {
		t.Fatal(err)
	}
	for setting, r := range map[string]*infer.Relation{
		"absolute": nil, "relative": {Scale: 1}, "variance": {Scale: 1, Variance: true},
	} {
		pose := film
		if r != nil {
			if pose, err = film.Relative(own, film.At(0), *r); err != nil {
				t.Fatal(err)
			}
		}
		made, err := e.Decode(encoded, pose)
		if err != nil {
			t.Fatal(err)
		}
		comparePrediction(t, &report, f, "transfer_"+setting+"_prediction", made[infer.Prediction], golden.MonkeyForward)
	}
	report.Log(t)
}

// TestFramesOfConvertedX2Face: the same of X2Face, of one source and of two.
func TestFramesOfConvertedX2Face(t *testing.T) {
	var report golden.Report
	f := load(t, "x2face_forward")
	e := converted(t, "x2face.pth", "")
	var one, two []float32
	for i := 0; i < 2; i++ { // each sample of the reference has sources of its own
		for _, c := range []struct {
			sources []int
			into    *[]float32
		}{{[]int{i}, &one}, {[]int{i, 4 + i}, &two}} {
			encoded, err := e.Encode(goldenFrames(t, f, c.sources...)...)
			if err != nil {
				t.Fatal(err)
			}
			made, err := e.Reconstruct(encoded, goldenFrames(t, f, 2+i))
			if err != nil {
				t.Fatal(err)
			}
			*c.into = append(*c.into, made[infer.Prediction]...)
		}
	}
	comparePrediction(t, &report, f, "ac1_prediction_single", one, golden.X2FacePictures)
	comparePrediction(t, &report, f, "ac1_prediction", two, golden.X2FacePictures)
	report.Log(t)
}
