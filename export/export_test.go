package export

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/drawing"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// tolerance is what exported models may differ by from our own session.
const tolerance = 1e-5

// own computes with the networks in a session of ours, without this package:
// the outputs of all signatures for pictures [N, H, W, 3].
func own(t testing.TB, m *infer.Model, source, driving, initial *tensorflow.Tensor) map[string]map[string][]float32 {
	t.Helper()
	root := graph.New(tensorflow.Float)
	a := fomm.NewAnimator(root, m.Config.Model)
	s := root.WithTraining(false).At("own")
	feeds, fetches := map[tensorflow.Output]*tensorflow.Tensor{}, []tensorflow.Output{}
	var names [][2]string
	picture := func(name string, value *tensorflow.Tensor) tensorflow.Output {
		o := s.Placeholder(name, tensorflow.Float, value.Shape()...)
		feeds[o] = value
		return o
	}
	fetch := func(signature, name string, o tensorflow.Output) {
		if o.Op != nil {
			names, fetches = append(names, [2]string{signature, name}), append(fetches, o)
		}
	}
	src, drv, ini := picture("s", source), picture("d", driving), picture("i", initial)
	kpS, kpD, kpI := a.KPDetector.Detect(s, src).Keypoints, a.KPDetector.Detect(s, drv).Keypoints, a.KPDetector.Detect(s, ini).Keypoints
	relative := fomm.Relative(s, kpS, kpD, kpI, tensorflow.Output{}, m.Config.Animate.Normalization.UseRelativeJacobian)
	moved := a.Generator.Generate(s, src, kpS, relative)
	direct := a.Generator.Generate(s, src, kpS, kpD)
	for _, signature := range []string{infer.SigDefault, infer.SigFrame} {
		fetch(signature, infer.Prediction, moved.Prediction)
	}
	fetch(infer.SigAbsolute, infer.Prediction, direct.Prediction)
	fetch(infer.SigAbsolute, infer.Background, s.ResizeBilinear(direct.Background(s), height, width))
	if direct.OcclusionMap.Op != nil {
		fetch(infer.SigAbsolute, infer.OcclusionMap, s.ResizeBilinear(direct.OcclusionMap, height, width))
	}
	fetch(infer.SigKeypoints, infer.Value, kpD.Value)
	fetch(infer.SigKeypoints, infer.Jacobian, kpD.Jacobian)
	fetch(infer.SigEncode, infer.Small, moved.Encoded.Small)
	fetch(infer.SigEncode, infer.Features, moved.Features)
	fetch(infer.SigEncode, infer.KPSourceValue, kpS.Value)
	fetch(infer.SigEncode, infer.KPSourceJacobian, kpS.Jacobian)
	fetch("feed", infer.KPDrivingValue, relative.Value)
	fetch("feed", infer.KPDrivingJacobian, relative.Jacobian)
	if err := root.Err(); err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(root.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := m.Assign(session, root); err != nil {
		t.Fatal(err)
	}
	values, err := session.Run(feeds, fetches, nil)
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]map[string][]float32{}
	for i, n := range names {
		if results[n[0]] == nil {
			results[n[0]] = map[string][]float32{}
		}
		results[n[0]][n[1]] = valuesOf(t, values[i])
	}
	// The network must depend on what it is given, else agreement says nothing.
	if d := farthest(t, results[infer.SigDefault][infer.Prediction], results[infer.SigAbsolute][infer.Prediction]); d < 1e-3 {
		t.Fatalf("relative and absolute motion differ by %g only", d)
	}
	return results
}

// feeds are the inputs of all signatures, as own was given them.
func feeds(t testing.TB, m *savedmodel.Model, want map[string]map[string][]float32, source, driving, initial *tensorflow.Tensor) map[string]map[string]*tensorflow.Tensor {
	t.Helper()
	n := source.Shape()[0]
	in := map[string]map[string]*tensorflow.Tensor{
		infer.SigDefault:   {infer.Source: source, infer.Driving: driving, infer.DrivingInitial: initial},
		infer.SigAbsolute:  {infer.Source: source, infer.Driving: driving},
		infer.SigKeypoints: {infer.Image: driving},
		infer.SigEncode:    {infer.Source: source},
		infer.SigFrame:     {},
	}
	for key, spec := range m.Signatures()[infer.SigFrame].Inputs {
		values := want[infer.SigEncode][key]
		if values == nil {
			values = want["feed"][key]
		}
		in[infer.SigFrame][key] = floats(t, values, append([]int64{n}, spec.Shape[1:]...)...)
	}
	return in
}

// agree compares all signatures but that of files.
func agree(t *testing.T, what string, m *savedmodel.Model, want map[string]map[string][]float32, in map[string]map[string]*tensorflow.Tensor) {
	t.Helper()
	for signature, inputs := range in {
		got, err := m.Call(signature, inputs)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if len(got) != len(want[signature]) {
			t.Errorf("%s: %s has %d outputs, want %d", what, signature, len(got), len(want[signature]))
		}
		for key, values := range want[signature] {
			if d := farthest(t, valuesOf(t, got[key]), values); d > tolerance {
				t.Errorf("%s: %s: %s differs by %g", what, signature, key, d)
			}
		}
	}
}

// The default configuration, plain and frozen, is TestStrangersAgree's.
func TestVariantsAgreeWithOurSession(t *testing.T) {
	for _, c := range []struct {
		name string
		sets []string
	}{
		{"corners not aligned", []string{"align_corners=false"}},
		{"no Jacobian", []string{"estimate_jacobian=false", "equivariance_jacobian=0"}},
		{"no occlusion map", []string{"estimate_occlusion_map=false", "variant=fomm"}},
		{"Jacobians of the driving frame", []string{"use_relative_jacobian=false"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := someModel(t, 1, c.sets...)
			source, driving, initial := noise(t, 1, 2), noise(t, 2, 2), noise(t, 3, 2)
			want := own(t, m, source, driving, initial)
			out := filepath.Join(t.TempDir(), "tiny")
			saved := open(t, exported(t, m, Options{Out: out, Frozen: true}).Dir)
			agree(t, c.name, saved, want, feeds(t, saved, want, source, driving, initial))
		})
	}
}

// One encoded source serves a batch of frames.
func TestOneSourceManyFrames(t *testing.T) {
	m := someModel(t, 1)
	one := noise(t, 1, 1)
	source := floats(t, append(valuesOf(t, one), valuesOf(t, one)...), 2, height, width, 3)
	driving, initial := noise(t, 2, 2), noise(t, 3, 2)
	want := own(t, m, source, driving, initial)
	saved := open(t, exported(t, m, Options{Out: filepath.Join(t.TempDir(), "tiny")}).Dir)
	in := feeds(t, saved, want, source, driving, initial)[infer.SigFrame]
	encoded, err := saved.Call(infer.SigEncode, map[string]*tensorflow.Tensor{infer.Source: one})
	if err != nil {
		t.Fatal(err)
	}
	for key, v := range encoded {
		in[key] = v // N = 1
	}
	got, err := saved.Call(infer.SigFrame, in)
	if err != nil {
		t.Fatal(err)
	}
	if d := farthest(t, valuesOf(t, got[infer.Prediction]), want[infer.SigFrame][infer.Prediction]); d > tolerance {
		t.Errorf("differs by %g", d)
	}
}

// Files give what their pictures give.
func TestFilesGiveWhatTheirPicturesGive(t *testing.T) {
	m := someModel(t, 1)
	lists := [3][][]byte{
		{drawing.PNG(t, drawing.New(100, 50)), drawing.JPEG(t, drawing.New(64, 90)), drawing.PNG(t, drawing.Grey(drawing.New(31, 17)))},
		{drawing.JPEG(t, drawing.Grey(drawing.New(64, 32))), drawing.PNG(t, drawing.Translucent(drawing.New(40, 40))), drawing.PNG(t, drawing.New(200, 10))},
		{drawing.PNG(t, drawing.New(9, 99)), drawing.PNG(t, drawing.Grey(drawing.New(64, 32))), drawing.JPEG(t, drawing.New(150, 75))},
	}
	p := exported(t, m, Options{Out: filepath.Join(t.TempDir(), "tiny")})
	saved := open(t, p.Dir)
	decode := decoder(t, p.Notes.Fit)
	asFiles, asPictures := map[string]*tensorflow.Tensor{}, map[string]*tensorflow.Tensor{}
	for i, name := range []string{infer.Source, infer.Driving, infer.DrivingInitial} {
		asFiles[infer.Bytes(name)] = files(t, lists[i]...)
		pictures, err := decode(lists[i]...)
		if err != nil {
			t.Fatal(err)
		}
		asPictures[name] = floats(t, pictures, 3, height, width, 3)
	}
	want, err := saved.Call(infer.SigDefault, asPictures)
	if err != nil {
		t.Fatal(err)
	}
	got, err := saved.Call(infer.SigBytes, asFiles)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got[infer.Prediction].Shape(), []int64{3, height, width, 3}) {
		t.Errorf("predictions are %v", got[infer.Prediction].Shape())
	}
	if d := farthest(t, valuesOf(t, got[infer.Prediction]), valuesOf(t, want[infer.Prediction])); d > 1e-6 {
		t.Errorf("differs by %g", d)
	}
}

func TestVersions(t *testing.T) {
	m := someModel(t, 1)
	out := filepath.Join(t.TempDir(), "models", "tiny")
	for _, dir := range []string{"3", "700", "notes", ".tmp-9999"} {
		if err := os.MkdirAll(filepath.Join(out, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ asked, step, want int64 }{
		{0, 700, 701}, {0, 900, 900}, {0, 2, 701}, {12, 700, 12}, {1 << 40, 0, 1 << 40},
	} {
		if got, err := pickVersion(out, c.asked, c.step); err != nil || got != c.want {
			t.Errorf("asked for %d at step %d: %d, %v, want %d", c.asked, c.step, got, err, c.want)
		}
	}
	if got, err := pickVersion(filepath.Join(out, "none"), 0, 0); err != nil || got != 1 {
		t.Errorf("the first version of step 0: %d, %v", got, err)
	}
	last := filepath.Join(t.TempDir(), "tiny")
	if err := os.MkdirAll(filepath.Join(last, "9223372036854775807"), 0o777); err != nil {
		t.Fatal(err)
	}
	if got, err := pickVersion(last, 0, 700); err == nil {
		t.Errorf("after the last number there is: %d", got)
	}
	if p := exported(t, m, Options{Out: out, Version: 12}); filepath.Base(p.Dir) != "12" {
		t.Errorf("written to %s", p.Dir)
	}
	before := readFile(t, filepath.Join(out, "12", "saved_model.pb"))
	if _, err := Prepare(m, Options{Out: out, Version: 12}); err == nil || !strings.Contains(err.Error(), "never overwritten") {
		t.Errorf("an existing version: %v", err)
	}
	// Between Prepare and Write somebody else takes the number.
	p, err := Prepare(m, Options{Out: out, Version: 13})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(p.Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(context.Background()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a version that came up meanwhile: %v", err)
	}
	if after := readFile(t, filepath.Join(out, "12", "saved_model.pb")); string(after) != string(before) {
		t.Error("a version was changed")
	}
	for _, bad := range []Options{{Out: ""}, {Out: "models/.."}, {Out: "models/a b"}, {Out: out, Version: -1}} {
		if _, err := Prepare(m, bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if p, err = Prepare(m, Options{Out: out, Version: 14}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if entries, err := os.ReadDir(out); err != nil || len(entries) != 6 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestNotes(t *testing.T) {
	m := someModel(t, 1, "dataset_params.fit=pad", "align_corners=false")
	out := filepath.Join(t.TempDir(), "tiny")
	p := exported(t, m, Options{Out: out, Frozen: true})
	got, err := infer.ReadNotes(out)
	if err != nil {
		t.Fatal(err)
	}
	want := &infer.Notes{
		FormatVersion: 1, Step: 700, Digest: m.Digest(), Preset: "shapes-64", Variant: "prioritycut",
		FrameShape: [3]int{32, 64, 3}, Fit: "pad", AlignCorners: false, Family: "fomm", NumKP: 3, Jacobians: true, Occlusion: true,
		UseRelativeMovement: true, UseRelativeJacobian: true, Frozen: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	text, err := savedmodel.Extra(out, config.FileName)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Unmarshal(text, config.FileName); err != nil {
		t.Errorf("the configuration beside the model: %v", err)
	}
	readme := string(readFile(t, filepath.Join(p.Dir, "assets.extra", infer.ReadmeFile)))
	for _, s := range p.Signatures {
		if !strings.Contains(readme, "\n## "+s.Name+"\n\n"+purposes[s.Name]) || purposes[s.Name] == "" {
			t.Errorf("%s is not described", s.Name)
		}
	}
	for _, want := range []string{"`pad`", "float32[N,32,64,3]", "string[N]", "align_corners false", "step 700"} {
		if !strings.Contains(readme, want) {
			t.Errorf("%q is not in\n%s", want, readme)
		}
	}
}
