package infer

import (
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"go.yaml.in/yaml/v3"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/modeltest"
	"github.com/prioritycut/prioritycut/model/monkeynet"
	"github.com/prioritycut/prioritycut/model/x2face"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// goldenNetwork is the inference of a family with the weights of a file.
func goldenNetwork(t *testing.T, f model.Family, weights string, frames []*video.Frame) (*Network, *tf.Session) {
	t.Helper()
	s := graph.New(tensorflow.Float)
	n, err := NewNetwork(s, f.NewAnimator(s), frames[0].H, frames[0].W)
	if err != nil {
		t.Fatal(err)
	}
	g := &modeltest.Graph{T: t, S: s}
	return n, g.Start(modeltest.Weights(t, modeltest.Load(t, golden.Baselines+weights)))
}

// goldenFrames are all pictures of a file.
func goldenFrames(t *testing.T, f *golden.File) []*video.Frame {
	t.Helper()
	a, err := f.Array("in_frames")
	if err == nil {
		a, err = a.NHWC()
	}
	if err != nil {
		t.Fatal(err)
	}
	frames := make([]*video.Frame, a.Shape[0])
	for i := range frames {
		frames[i] = video.NewFrame(a.Shape[2], a.Shape[1])
		size := len(frames[i].Pix)
		for j, v := range a.Data[i*size : (i+1)*size] {
			frames[i].Pix[j] = byte(v)
		}
	}
	return frames
}

// wantPictures compares pictures [N, H, W, 3] with a file's, of which there may
// be more.
func wantPictures(t *testing.T, report *golden.Report, f *golden.File, name string, got []float32, h, w int, rule golden.Rule) {
	t.Helper()
	sample, err := f.Sample(name)
	if err != nil {
		t.Fatal(err)
	}
	flat := make([]float64, 0, len(got))
	for n := 0; n < len(got); n += 3 * h * w {
		for c := 0; c < 3; c++ {
			for p := 0; p < h*w; p++ {
				flat = append(flat, float64(got[n+3*p+c]))
			}
		}
	}
	var values, want []float64
	if sample.Entries == nil {
		values, want = flat, sample.Values[:len(flat)]
	}
	for i, at := range sample.Entries {
		if at < len(flat) {
			values, want = append(values, flat[at]), append(want, sample.Values[i])
		}
	}
	if len(values) < 100 {
		t.Fatalf("%s: %d values only", name, len(values))
	}
	report.Compare(t, f.Name+" "+name, values, want, rule)
}

// TestGoldenX2Face embeds one picture and two, and drives them, by inference that
// encodes once.
func TestGoldenX2Face(t *testing.T) {
	var c struct {
		NGF   int `json:"ngf"`
		Inner int `json:"inner_nc"`
	}
	if err := golden.BaselineConfig(&c, "x2face"); err != nil {
		t.Fatal(err)
	}
	f := modeltest.Load(t, golden.Baselines+"x2face_forward")
	frames := goldenFrames(t, f)
	family := &x2face.Family{Params: x2face.Params{
		NumLevels: 8, BlockExpansion: c.NGF, MaxFeatures: 8 * c.NGF, InnerFeatures: c.Inner, AlignCorners: true, UpSampling: x2face.AsSampling,
	}}
	n, session := goldenNetwork(t, family, "x2face_weights", frames)
	var report golden.Report
	for name, sources := range map[string][]*video.Frame{
		"ac1_prediction_single": {frames[0]}, "ac1_prediction": {frames[0], frames[4]},
	} {
		encoded, err := n.Encode(session, sources...)
		if err != nil {
			t.Fatal(err)
		}
		made, err := n.Reconstruct(session, encoded, frames[2:3])
		if err != nil {
			t.Fatal(err)
		}
		wantPictures(t, &report, f, name, made[Prediction], n.Height, n.Width, golden.X2FacePictures)
		poses, err := n.Poses(session, frames[2])
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := poses.Keypoints(); ok {
			t.Error("X2Face has keypoints")
		}
		made, err = n.Decode(session, encoded, poses)
		if err != nil {
			t.Fatal(err)
		}
		wantPictures(t, &report, f, name, made[Prediction], n.Height, n.Width, golden.X2FacePictures)
	}
	report.Log(t)
}

// TestGoldenMonkeyNet moves a picture after a film by every relation of the
// public code, by inference that encodes once.
func TestGoldenMonkeyNet(t *testing.T) {
	var report golden.Report
	for _, name := range []string{"vox", "bair", "single"} {
		var c struct {
			Batch        int  `yaml:"batch"`
			AlignCorners bool `yaml:"align_corners"`
			Model        any  `yaml:"model_params"`
			Settings     map[string]struct {
				Move  bool `yaml:"move_location"`
				Scale bool `yaml:"movement_mult"`
				Clip  bool `yaml:"clip_mean"`
				Adapt bool `yaml:"adapt_variance"`
			} `yaml:"transfer_settings"`
		}
		family := &monkeynet.Family{Params: monkeynet.DefaultParams()}
		goldenYAML(t, &c, "monkey", name)
		goldenYAML(t, &family.Params, "monkey", name, "model_params")
		family.Params.AlignCorners = c.AlignCorners
		f := modeltest.Load(t, golden.Baselines+"monkey_"+name+"_forward")
		frames := goldenFrames(t, f)
		n, session := goldenNetwork(t, family, "monkey_"+name+"_weights", frames)
		encoded, err := n.Encode(session, frames[0])
		if err != nil {
			t.Fatal(err)
		}
		own, err := encoded.Pose()
		if err != nil {
			t.Fatal(err)
		}
		film, err := n.Poses(session, frames[c.Batch], frames[c.Batch+1], frames[len(frames)-1])
		if err != nil {
			t.Fatal(err)
		}
		for setting, s := range c.Settings {
			name := "transfer_" + setting + "_prediction"
			if s.Scale || len(f.SampleNames(name)) == 0 { // how far figures spread is for the caller to say
				continue
			}
			pose := film
			if s.Move {
				if pose, err = film.Relative(own, film.At(0), Relation{Scale: 1, Variance: s.Adapt, Clip: s.Clip}); err != nil {
					t.Fatal(err)
				}
			}
			made, err := n.Decode(session, encoded, pose)
			if err != nil {
				t.Fatal(err)
			}
			wantPictures(t, &report, f, name, made[Prediction], n.Height, n.Width, golden.MonkeyForward)
		}
	}
	if report.Len() < 8 {
		t.Errorf("%d comparisons only", report.Len())
	}
	report.Log(t)
}

// goldenYAML decodes a part of the baselines' configurations, whose keys are the
// public code's.
func goldenYAML(t *testing.T, v any, path ...string) {
	t.Helper()
	var raw any
	if err := golden.BaselineConfig(&raw, path...); err != nil {
		t.Fatal(err)
	}
	data, err := yaml.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}
