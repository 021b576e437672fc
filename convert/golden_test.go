package convert

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/internal/safetensors"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// perform reads and writes.
func perform(t testing.TB, o Options) {
	t.Helper()
	job, err := Read(o)
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	if err := job.Write(io.Discard); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, name string) *golden.File {
	t.Helper()
	f, err := golden.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func array(t testing.TB, f *golden.File, name string) golden.Array {
	t.Helper()
	a, err := f.Array(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newest opens the checkpoint of a run.
func newest(t testing.TB, dir string) (*checkpoint.Checkpoint, rundir.Meta) {
	t.Helper()
	c, damaged, err := checkpoint.OpenStore(rundir.Dir(dir).Checkpoints()).Latest()
	if err != nil || len(damaged) > 0 {
		t.Fatal(err, damaged)
	}
	t.Cleanup(func() { c.Close() })
	meta, err := rundir.DecodeMeta(c.Meta)
	if err != nil {
		t.Fatal(err)
	}
	return c, meta
}

// TestPublishedForm converts the reference's checkpoint, in both formats of
// PyTorch, and compares every number with the arrays that numpy wrote; then
// back, bit by bit, and in again.
func TestPublishedForm(t *testing.T) {
	yaml := goldenFile(t, "small.yaml")
	for _, name := range []string{"small.pth.tar", "small-zip.pth.tar"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			run, file, again := filepath.Join(dir, "run"), filepath.Join(dir, "back.safetensors"), filepath.Join(dir, "deep", "again")
			perform(t, Options{Checkpoint: goldenFile(t, name), ConfigFile: yaml, Out: run})
			compareRun(t, run)
			perform(t, Options{Checkpoint: run, Out: file})
			compareFile(t, file)
			perform(t, Options{Checkpoint: file, Out: again})
			sameFolders(t, run, again)
		})
	}
}

// compareRun compares a run with the golden weights and states.
func compareRun(t *testing.T, run string) {
	t.Helper()
	c, meta := newest(t, run)
	if c.Step != 2 || meta.Step != 2 || meta.Attempt != 2 || meta.Variant != "fomm-adv" || !meta.AlignCorners || meta.FrameShape != [3]int{64, 64, 3} {
		t.Errorf("notes: %+v", meta)
	}
	var notes Notes
	if err := json.Unmarshal(c.Meta, &notes); err != nil || notes.Converted == nil || notes.Converted.Epoch == nil || *notes.Converted.Epoch != 7 {
		t.Errorf("where it comes from: %+v (%v)", notes.Converted, err)
	}
	text, err := os.ReadFile(rundir.Dir(run).Config())
	if err != nil || string(text) != meta.Config {
		t.Errorf("config.yaml is not that of the checkpoint (%v)", err)
	}
	arrays, adam := load(t, golden.WeightsFile), load(t, golden.AdamFile)
	wanted := map[string]golden.Array{}
	for _, n := range arrays.Names("") {
		ours := n
		if rest, ok := strings.CutPrefix(n, "disc_kp."); ok {
			ours = "discriminator." + rest
		} else if !strings.HasPrefix(n, "generator.") && !strings.HasPrefix(n, "kp_detector.") {
			continue
		}
		if !strings.HasSuffix(n, "down.weight") {
			wanted[ours] = array(t, arrays, n).Weight()
		}
	}
	for _, n := range adam.Names("") {
		if n != "step" {
			wanted["optimizer."+n] = array(t, adam, n).Weight()
		}
	}
	for _, group := range []string{rundir.Weights, rundir.State, rundir.Optimizer} {
		list, err := c.Tensors(group)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			if n.Tensor.DataType() == tensorflow.Int64 {
				if steps, err := tf.Value[int64](n.Tensor); err != nil || steps != 2 {
					t.Errorf("%s is %d (%v)", n.Name, steps, err)
				}
				continue
			}
			want, ok := wanted[n.Name]
			delete(wanted, n.Name)
			got, err := tf.Values[float32](n.Tensor)
			if !ok || err != nil || !slices.Equal(n.Tensor.Shape(), want.Dims()) || !slices.Equal(got, want.Float32s()) {
				t.Errorf("%s of %s differs (%v)", n.Name, group, err)
			}
			if inState := strings.Contains(n.Name, ".running_"); inState != (group == rundir.State) {
				t.Errorf("%s lies in %s", n.Name, group)
			}
		}
	}
	for name := range wanted {
		t.Errorf("%s is not in the run", name)
	}
}

// compareFile compares a .safetensors file with the golden arrays, in their
// own names and layouts.
func compareFile(t *testing.T, path string) {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	arrays, adam := load(t, golden.WeightsFile), load(t, golden.AdamFile)
	left := map[string]bool{}
	for _, n := range arrays.Names("") {
		owner, rest, _ := strings.Cut(n, ".")
		left[n] = owner == "generator" || owner == "kp_detector" || owner == "disc_kp" && rest != ""
	}
	for _, name := range f.Names() {
		var want golden.Array
		source := strings.Replace(name, "discriminator.", "disc_kp.", 1)
		switch moment, isAdam := strings.CutPrefix(name, "optimizer_"); {
		case !isAdam:
			want = array(t, arrays, source)
			left[source] = false
		case strings.HasSuffix(name, ".step"):
			want = array(t, adam, "step")
		default:
			want = array(t, adam, moment)
		}
		data, err := f.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		info, _ := f.Info(name)
		if !slices.Equal(info.Shape, want.Dims()) {
			t.Errorf("%s: shape %v, not %v", name, info.Shape, want.Shape)
		}
		if info.DType == safetensors.I64 {
			if want.Data[0] != float64(data[0]) {
				t.Errorf("%s: %v, not %v", name, data, want.Data)
			}
			continue
		}
		compareBytes(t, name, data, want)
	}
	for name, missing := range left {
		if missing {
			t.Errorf("%s is not in the file", name)
		}
	}
}

func compareBytes(t *testing.T, name string, data []byte, want golden.Array) {
	t.Helper()
	for i, w := range want.Float32s() {
		bits := uint32(data[4*i]) | uint32(data[4*i+1])<<8 | uint32(data[4*i+2])<<16 | uint32(data[4*i+3])<<24
		equal := bits == math.Float32bits(w)
		if strings.HasSuffix(name, "down.weight") { // computed, not carried over
			equal = math.Abs(float64(math.Float32frombits(bits)-w)) < 1e-6
		}
		if !equal {
			t.Errorf("%s[%d] is %v, not %v", name, i, math.Float32frombits(bits), w)
			return
		}
	}
}

// sameFolders compares two runs file by file.
func sameFolders(t *testing.T, a, b string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(a, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		rel, err := filepath.Rel(a, path)
		if err != nil {
			return err
		}
		x, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		y, err := os.ReadFile(filepath.Join(b, rel))
		if err == nil && !bytes.Equal(x, y) {
			t.Errorf("%s differs after the round trip", rel)
		}
		return err
	})
	if err != nil || files != 7 {
		t.Errorf("%d files (%v)", files, err)
	}
}

// TestConvertedPrediction runs the networks of converted checkpoints, built
// from the checkpoint's own configuration, and compares what they predict with
// the reference's prediction in the convention of sampling that was asked for.
func TestConvertedPrediction(t *testing.T) {
	file, yaml := goldenFile(t, "small.pth.tar"), goldenFile(t, "small.yaml")
	for _, c := range []struct {
		sets          []string
		prefix, other string
	}{
		{nil, "ac1_", "ac0_"}, // true unless asked otherwise
		{[]string{"model_params.align_corners=true"}, "ac1_", "ac0_"},
		{[]string{"model_params.align_corners=false"}, "ac0_", "ac1_"},
	} {
		run := filepath.Join(t.TempDir(), "run")
		perform(t, Options{Checkpoint: file, ConfigFile: yaml, Sets: c.sets, Out: run})
		got := predict(t, run)
		forward := load(t, golden.ForwardFile)
		want, err := array(t, forward, c.prefix+"gen_prediction").NHWC()
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, strings.Join(c.sets, " ")+" prediction", got, want.Data, golden.Forward)
		other, err := array(t, forward, c.other+"gen_prediction").NHWC()
		if err != nil {
			t.Fatal(err)
		}
		apart := 0.0
		for i := range got {
			apart = max(apart, math.Abs(got[i]-other.Data[i]))
		}
		if apart < 1e-3 {
			t.Errorf("%v: both conventions predict the same", c.sets)
		}
	}
}

// predict is the prediction [N, H, W, 3] for the golden inputs of the networks
// that a run's folder describes.
func predict(t *testing.T, run string) []float64 {
	t.Helper()
	c, meta := newest(t, run)
	conf, err := config.Unmarshal([]byte(meta.Config), "meta")
	if err != nil {
		t.Fatal(err)
	}
	if conf.Model.AlignCorners != meta.AlignCorners {
		t.Fatal("the notes contradict each other")
	}
	s := graph.New(tensorflow.Float)
	picture := func(name string) tensorflow.Output {
		a, err := array(t, load(t, golden.ForwardFile), name).NHWC()
		if err != nil {
			t.Fatal(err)
		}
		return s.Values(a.Data, a.Dims()...)
	}
	source, driving := picture("in_source"), picture("in_driving")
	a := fomm.NewAnimator(s, conf.Model)
	kpSource := a.KPDetector.Detect(s.At("kp_source"), source).Keypoints
	kpDriving := a.KPDetector.Detect(s.At("kp_driving"), driving).Keypoints
	out := a.Generator.Generate(s.At("forward"), source, kpSource, kpDriving).Prediction
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	values := map[*graph.Variable]*tensorflow.Tensor{}
	for _, v := range s.Variables() {
		group := rundir.Weights
		if v.Kind == graph.State {
			group = rundir.State
		}
		if values[v], err = c.Tensor(group, v.Name); err != nil {
			t.Fatal(err)
		}
	}
	if err := graph.Assign(session, values); err != nil {
		t.Fatal(err)
	}
	fetched, err := session.Run(nil, []tensorflow.Output{out}, nil)
	if err != nil {
		t.Fatal(err)
	}
	single, err := tf.Values[float32](fetched[0])
	if err != nil {
		t.Fatal(err)
	}
	wide := make([]float64, len(single))
	for i, x := range single {
		wide[i] = float64(x)
	}
	return wide
}

// TestOtherPictureSize gives weights to networks for larger pictures: nothing
// depends on the size but the kernel of scale_factor, which is not carried over.
func TestOtherPictureSize(t *testing.T) {
	file, yaml := goldenFile(t, "small-zip.pth.tar"), goldenFile(t, "small.yaml")
	run := filepath.Join(t.TempDir(), "run")
	perform(t, Options{Checkpoint: file, ConfigFile: yaml, Out: run, Sets: []string{
		"frame_shape=[128,128,3]", "kp_detector_params.scale_factor=0.125", "dense_motion_params.scale_factor=0.125",
	}})
	c, meta := newest(t, run)
	if meta.FrameShape != [3]int{128, 128, 3} {
		t.Errorf("%v", meta.FrameShape)
	}
	back := filepath.Join(t.TempDir(), "x.safetensors")
	perform(t, Options{Checkpoint: c.Dir, Out: back}) // the checkpoint's own folder
	f, err := safetensors.Open(back)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, name := range []string{"kp_detector.down.weight", "generator.dense_motion_network.down.weight"} {
		if info, ok := f.Info(name); !ok || !slices.Equal(info.Shape, []int64{3, 1, 29, 29}) {
			t.Errorf("%s: %+v", name, info)
		}
	}
}

// TestVGG19 packs the golden VGG-19, an eighth as wide, and reads it again.
func TestVGG19(t *testing.T) {
	arrays := load(t, golden.WeightsFile)
	var entries []entry
	for _, n := range arrays.Names("vgg.") {
		a := array(t, arrays, n)
		entries = append(entries, entry{name: n, shape: a.Dims(), values: a.Float32s()})
	}
	file := fileOf(t, "vgg.npz", npzOf(t, entries))
	out := filepath.Join(t.TempDir(), "vgg.safetensors")
	perform(t, Options{Checkpoint: file, Out: out})
	f, err := safetensors.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n := len(f.Names()); n != 26 {
		t.Errorf("%d tensors", n)
	}
	for _, e := range entries {
		_, index, _ := strings.Cut(strings.TrimPrefix(e.name, "vgg."), ".")
		data, err := f.Bytes("features." + index)
		if strings.HasSuffix(e.name, "mean") || strings.HasSuffix(e.name, "std") {
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		compareBytes(t, e.name, data, array(t, arrays, e.name))
	}
}
