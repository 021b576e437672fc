package infer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

const height, width = 32, 64

// sets are settings of networks small enough for tests.
var sets = []string{
	"frame_shape=[32,64,3]", "num_kp=3",
	"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
	"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
	"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
	"discriminator_params.block_expansion=2", "train_params.scales=[1]", "vgg19.width_divisor=32",
}

func resolve(t *testing.T, more ...string) *config.Config {
	t.Helper()
	c, _, err := config.Resolve(config.Options{Device: "cpu", Sets: append(slices.Clone(sets), more...)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// network is the animator of a configuration, its variables at their first
// values of a seed.
func network(t *testing.T, c *config.Config, seed int64) (*graph.Scope, *tf.Session) {
	t.Helper()
	s := graph.New(tensorflow.Float)
	fomm.NewAnimator(s, c.Model)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	if err := graph.Initialize(session, s.Variables(), seed); err != nil {
		t.Fatal(err)
	}
	return s, session
}

// metaOf are the notes that training makes of a configuration.
func metaOf(t *testing.T, c *config.Config, step int64) rundir.Meta {
	t.Helper()
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return rundir.Meta{
		Step: step, Attempt: step, Preset: c.Preset, Variant: string(c.Variant), FrameShape: c.Dataset.FrameShape,
		Fit: string(c.Dataset.Fit), AlignCorners: c.Model.AlignCorners, VGG19: "random", Config: string(text),
	}
}

// groups are the tensors of a network and one of a discriminator.
func groups(t *testing.T, s *graph.Scope, session *tf.Session) []checkpoint.Group {
	t.Helper()
	var list []checkpoint.Group
	for _, g := range []struct {
		name string
		kind graph.Kind
	}{{rundir.Weights, graph.Trainable}, {rundir.State, graph.State}} {
		values, err := graph.Fetch(session, s.Variables(g.kind))
		if err != nil {
			t.Fatal(err)
		}
		group := checkpoint.Group{Name: g.name}
		for _, v := range s.Variables(g.kind) {
			group.Tensors = append(group.Tensors, checkpoint.NamedTensor{Name: v.Name, Tensor: values[v]})
		}
		list = append(list, group)
	}
	extra := checkpoint.NamedTensor{Name: "discriminator.conv.weight", Tensor: scalar(t, 1)}
	list[0].Tensors = append(list[0].Tensors, extra)
	return list
}

func scalar(t *testing.T, v float32) *tensorflow.Tensor {
	t.Helper()
	x, err := tf.Scalar(v)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// save writes a checkpoint of a run and returns its folder.
func save(t *testing.T, run rundir.Dir, m rundir.Meta, list []checkpoint.Group) string {
	t.Helper()
	notes, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(string(run), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(run.Config(), []byte(m.Config)); err != nil {
		t.Fatal(err)
	}
	store := checkpoint.OpenStore(run.Checkpoints())
	if err := store.Save(m.Step, notes, list...); err != nil {
		t.Fatal(err)
	}
	return store.Dir(m.Step)
}

// TestLoad opens a run of two checkpoints by every path that names it, gives
// its weights to a network that began with others, and reads them there.
func TestLoad(t *testing.T) {
	run := rundir.Dir(filepath.Join(t.TempDir(), "run"))
	c := resolve(t)
	s, session := network(t, c, 1)
	first := save(t, run, metaOf(t, c, 3), groups(t, s, session))
	newer, newerSession := network(t, c, 2)
	last := save(t, run, metaOf(t, c, 12), groups(t, newer, newerSession))

	oldest, newest := numbers(t, s, session), numbers(t, newer, newerSession)
	for _, o := range []struct {
		path, dir string
		step      int64
		want      map[string][]float32
	}{
		{string(run), last, 12, newest}, {run.Checkpoints(), last, 12, newest}, {last, last, 12, newest}, {first, first, 3, oldest},
	} {
		m, err := Load(o.path)
		if err != nil {
			t.Fatal(err)
		}
		if m.Dir != o.dir || m.Meta.Step != o.step {
			t.Errorf("%s opens step %d in %s, want %s", o.path, m.Meta.Step, m.Dir, o.dir)
		}
		if h, w := m.Size(); h != height || w != width {
			t.Errorf("the model is of %dx%d pixels", h, w)
		}
		if m.Config.Hash() != c.Hash() {
			t.Errorf("%s: another configuration", o.path)
		}
		if !m.Has("discriminator.") || !m.Has("generator.dense_motion_network.") || m.Has("vgg") {
			t.Errorf("%s: the networks are told wrongly", o.path)
		}
		fresh, freshSession := network(t, c, 7)
		if err := m.Assign(freshSession, fresh); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o.want, numbers(t, fresh, freshSession)); diff != "" {
			t.Errorf("%s: the values assigned (-want +got):\n%s", o.path, diff)
		}
	}
}

// numbers are the values of a network's variables, by name.
func numbers(t *testing.T, s *graph.Scope, session *tf.Session) map[string][]float32 {
	t.Helper()
	values, err := graph.Fetch(session, s.Variables(graph.Trainable, graph.State))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]float32{}
	for v, x := range values {
		if all[v.Name], err = tf.Values[float32](x); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestDigest tells models apart by names and values, not by notes.
func TestDigest(t *testing.T) {
	run := func(step int64, change func([]checkpoint.Group)) string {
		c := resolve(t)
		s, session := network(t, c, 1)
		list := groups(t, s, session)
		change(list)
		dir := save(t, rundir.Dir(filepath.Join(t.TempDir(), "run")), metaOf(t, c, step), list)
		m, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		return m.Digest()
	}
	same := run(1, func([]checkpoint.Group) {})
	if len(same) != 64 || same != run(2, func(g []checkpoint.Group) { slices.Reverse(g[0].Tensors) }) {
		t.Error("equal weights have unequal digests")
	}
	for what, change := range map[string]func([]checkpoint.Group){
		"value": func(g []checkpoint.Group) { g[0].Tensors[len(g[0].Tensors)-1].Tensor = scalar(t, 2) },
		"name":  func(g []checkpoint.Group) { g[0].Tensors[0].Name += "x" },
		"state": func(g []checkpoint.Group) { g[1].Tensors = g[1].Tensors[1:] },
	} {
		if run(1, change) == same {
			t.Errorf("another %s gives an equal digest", what)
		}
	}
}

// TestDamagedIsPassedOver opens the newest checkpoint that is intact.
func TestDamagedIsPassedOver(t *testing.T) {
	run := rundir.Dir(filepath.Join(t.TempDir(), "run"))
	c := resolve(t)
	s, session := network(t, c, 1)
	first := save(t, run, metaOf(t, c, 3), groups(t, s, session))
	last := save(t, run, metaOf(t, c, 4), groups(t, s, session))
	file := filepath.Join(last, rundir.Weights+".safetensors")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	m, err := Load(string(run))
	if err != nil || m.Dir != first {
		t.Errorf("opens %+v, %v, want %s", m, err, first)
	}
	if _, err := Load(last); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("the damaged checkpoint itself: %v", err)
	}
	if err := os.RemoveAll(first); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(string(run)); err == nil || !strings.Contains(err.Error(), "no intact checkpoint") {
		t.Errorf("a run without an intact checkpoint: %v", err)
	}
}

// TestDoesNotFit names every tensor that is missing or misshapen.
func TestDoesNotFit(t *testing.T) {
	c := resolve(t)
	s, session := network(t, c, 1)
	list := groups(t, s, session)
	const gone, changed, average = "kp_detector.kp.weight", "generator.final.bias", "generator.first.norm.running_mean"
	list[0].Tensors = slices.DeleteFunc(list[0].Tensors, func(n checkpoint.NamedTensor) bool { return n.Name == gone })
	list[1].Tensors = slices.DeleteFunc(list[1].Tensors, func(n checkpoint.NamedTensor) bool { return n.Name == average })
	at := slices.IndexFunc(list[0].Tensors, func(n checkpoint.NamedTensor) bool { return n.Name == changed })
	list[0].Tensors[at].Tensor = scalar(t, 0)
	m, err := Load(save(t, rundir.Dir(t.TempDir()), metaOf(t, c, 1), list))
	if err != nil {
		t.Fatal(err)
	}
	before := numbers(t, s, session)
	err = m.Assign(session, s)
	if err == nil {
		t.Fatal("a model with missing tensors is assigned")
	}
	for _, want := range []string{m.Dir, gone + " is missing", average + " is missing", changed + " is [], not [3]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if diff := cmp.Diff(before, numbers(t, s, session)); diff != "" {
		t.Errorf("a refused model changes weights:\n%s", diff)
	}
}

// TestNotesDisagree refuses two answers to one question.
func TestNotesDisagree(t *testing.T) {
	c := resolve(t)
	for what, change := range map[string]func(*rundir.Meta){
		"align_corners": func(m *rundir.Meta) { m.AlignCorners = !m.AlignCorners },
		"frame_shape":   func(m *rundir.Meta) { m.FrameShape[0]++ },
		"fit":           func(m *rundir.Meta) { m.Fit += "x" },
		"configuration": func(m *rundir.Meta) { m.Config = "model_params: {no_such_key: 1}\n" },
	} {
		m := metaOf(t, c, 1)
		change(&m)
		dir := save(t, rundir.Dir(t.TempDir()), m, []checkpoint.Group{{Name: rundir.Weights}, {Name: rundir.State}})
		if what == "configuration" {
			what = "no_such_key"
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestNoModel names paths that hold none.
func TestNoModel(t *testing.T) {
	empty := t.TempDir()
	file := filepath.Join(empty, "film.mp4")
	if err := os.WriteFile(file, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	fresh := rundir.Dir(filepath.Join(empty, "fresh"))
	if err := os.Mkdir(string(fresh), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(fresh.Config(), nil); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(empty, "foreign")
	if err := checkpoint.OpenStore(foreign).Save(1, nil, checkpoint.Group{Name: "other"}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, file, filepath.Join(empty, "none"), string(fresh), foreign} {
		_, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
