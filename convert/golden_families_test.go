package convert

import (
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/internal/safetensors"
	"github.com/prioritycut/prioritycut/tf"
)

// baselineFile writes a golden file of the baselines into a folder of the test's.
func baselineFile(t testing.TB, name string) string {
	t.Helper()
	data, err := golden.Bytes(golden.Baselines + name)
	if err != nil {
		t.Fatal(err)
	}
	return fileOf(t, path.Base(name), data)
}

// baseline is a checkpoint of another family's public code.
type baseline struct {
	file      string
	options   Options
	variant   string
	weights   string // the golden archive of its weights
	optimizer string // and of its optimisers' states; empty where it has none
	steps     int64
	epoch     int64 // 0 where the file does not say
	kernel    string
	shape     []int64 // of a kernel in files
}

func baselinesOf(t testing.TB) []baseline {
	yaml := baselineFile(t, "monkey.yaml")
	monkey := baseline{
		file: "monkey.pth.tar", options: Options{ConfigFile: yaml}, variant: "monkeynet",
		weights: "monkey_vox_weights", optimizer: "monkey_optimizer", steps: 2, epoch: 7,
		kernel: "generator.dense_motion_module.group_blocks.0.conv.weight", shape: []int64{20, 4, 1, 1, 1},
	}
	x2face := baseline{
		file: "x2face.pth", variant: "x2face", weights: "x2face_weights", optimizer: "x2face_optimizer",
		kernel: "pix2pixSampler.netG.model.submodule.down.1.weight", shape: []int64{6, 3, 4, 4},
	}
	today := []baseline{monkey, x2face}
	today[0].file = "monkey-zip.pth.tar"
	today[1].file, today[1].optimizer = "x2face-zip.pth", ""
	return append([]baseline{monkey, x2face}, today...)
}

// TestPublishedFormOfOtherFamilies converts the checkpoints of Monkey-Net and
// X2Face, in both formats of PyTorch, and compares every number; then back, bit
// by bit, and in again.
func TestPublishedFormOfOtherFamilies(t *testing.T) {
	for _, b := range baselinesOf(t) {
		t.Run(b.file, func(t *testing.T) {
			dir := t.TempDir()
			run, file, again := filepath.Join(dir, "run"), filepath.Join(dir, "back.safetensors"), filepath.Join(dir, "again")
			o := b.options
			o.Checkpoint, o.Out = baselineFile(t, b.file), run
			perform(t, o)
			b.compareRun(t, run)
			perform(t, Options{Checkpoint: run, Out: file})
			b.compareFile(t, file)
			perform(t, Options{Checkpoint: file, Out: again})
			sameFolders(t, run, again)
		})
	}
}

// compareRun compares a run with the golden weights and states.
func (b baseline) compareRun(t *testing.T, run string) {
	t.Helper()
	c, meta := newest(t, run)
	var notes Notes
	if err := json.Unmarshal(c.Meta, &notes); err != nil {
		t.Fatal(err)
	}
	if meta.Variant != b.variant || meta.Step != b.steps || !meta.AlignCorners || (b.epoch != 0) != (notes.Converted.Epoch != nil) {
		t.Errorf("notes: %+v %+v", meta, notes.Converted)
	}
	if conf, err := config.Load(string(rundir.Dir(run).Config())); err != nil || string(conf.Variant) != b.variant {
		t.Errorf("config.yaml: %v", err)
	}
	weights, found := load(t, golden.Baselines+b.weights), 0
	groups := []string{rundir.Weights, rundir.State}
	if b.optimizer != "" {
		groups = append(groups, rundir.Optimizer)
	}
	for _, group := range groups {
		list, err := c.Tensors(group)
		if err != nil {
			t.Fatal(err)
		}
		for _, tensor := range list {
			if tensor.Tensor.DataType() != 1 {
				continue // a count
			}
			found++
			values, err := tf.Values[float32](tensor.Tensor)
			if err != nil {
				t.Fatal(err)
			}
			file, name := weights, tensor.Name
			if slot, ok := strings.CutPrefix(name, "optimizer."); ok {
				file, name = load(t, golden.Baselines+b.optimizer), slot
			}
			b.compareTensor(t, file, name, values, tensor.Tensor.Shape())
		}
	}
	want := len(weights.Names(""))
	if b.optimizer != "" {
		want += len(slices.DeleteFunc(load(t, golden.Baselines+b.optimizer).SampleNames(""), func(n string) bool { return strings.HasSuffix(n, "step") }))
	}
	if found != want {
		t.Errorf("%d tensors, the files hold %d", found, want)
	}
}

func (b baseline) compareTensor(t *testing.T, file *golden.File, name string, values []float32, dims []int64) {
	t.Helper()
	want, err := file.Sample(name)
	if err != nil {
		t.Fatal(err)
	}
	ours := golden.Array{Name: name}
	for _, d := range dims {
		ours.Shape = append(ours.Shape, int(d))
	}
	for _, v := range values {
		ours.Data = append(ours.Data, float64(v))
	}
	if len(dims) == 4 {
		if ours, err = ours.OIHW(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := want.Of(ours.Data)
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, name, got, want.Values, golden.Exact)
}

// compareFile looks for names and layouts of the public code.
func (b baseline) compareFile(t *testing.T, path string) {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, ok := f.Info(b.kernel)
	if !ok || !slices.Equal(info.Shape, b.shape) {
		t.Errorf("%s has shape %v (%t), want %v", b.kernel, info.Shape, ok, b.shape)
	}
	for _, name := range f.Names() {
		if strings.HasSuffix(name, "down.weight") {
			t.Errorf("the file has a kernel of FOMM's, %s", name)
		}
	}
}

// TestOtherFamiliesAreTold: what does not go together is refused with what to do.
func TestOtherFamiliesAreTold(t *testing.T) {
	monkey, face := baselineFile(t, "monkey-zip.pth.tar"), baselineFile(t, "x2face-zip.pth")
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{Checkpoint: monkey}, "`config`"},
		{Options{Checkpoint: monkey, Preset: "vox-256"}, "other sizes"},
		{Options{Checkpoint: monkey, Preset: "vox-256", Variant: "fomm"}, "networks of monkeynet"},
		{Options{Checkpoint: face, Variant: "monkeynet"}, "networks of x2face"},
		{Options{Checkpoint: face, Sets: []string{"x2face_params.inner_features=64"}}, "do not go together"},
		{Options{Checkpoint: goldenFile(t, "small-zip.pth.tar"), ConfigFile: baselineFile(t, "monkey.yaml")}, "it is of monkeynet"},
	} {
		c.options.Out = filepath.Join(t.TempDir(), "out")
		_, err := Read(c.options)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.options, err, c.want)
		}
	}
}
