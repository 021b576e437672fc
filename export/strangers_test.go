package export

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/drawing"
	"github.com/prioritycut/prioritycut/internal/npz"
	"github.com/prioritycut/prioritycut/internal/pypartner"
)

// reportOfStranger is what strangers.py says of a model.
type reportOfStranger struct {
	Tags       []string
	Warmup     int
	V1, V2     []int // variables, trainable ones, those with a gradient
	Signatures map[string]struct {
		Method          string
		Inputs, Outputs map[string][]any
	}
}

// askPython has TensorFlow in Python call all signatures of the models in dirs.
func askPython(t *testing.T, in map[string]map[string]*tensorflow.Tensor, files map[string][][]byte, dirs ...string) (outputs map[string][]float32, reports []reportOfStranger) {
	t.Helper()
	root := t.TempDir()
	var arrays []npz.Array
	for signature, inputs := range in {
		for key, v := range inputs {
			arrays = append(arrays, npz.FromFloat32s(signature+"/"+key, v.Shape(), valuesOf(t, v)))
		}
	}
	create := func(name string, write func(*os.File) error) string {
		f, err := os.Create(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := write(f); err != nil {
			t.Fatal(err)
		}
		return f.Name()
	}
	paths := map[string][]string{}
	for key, list := range files {
		for i, text := range list {
			paths[key] = append(paths[key], create(key+string(rune('0'+i)), func(f *os.File) error {
				_, err := f.Write(text)
				return err
			}))
		}
	}
	args := []string{filepath.Join("testdata", "strangers.py"),
		create("inputs.npz", func(f *os.File) error { return npz.Write(f, arrays, false) }),
		create("files.json", func(f *os.File) error { return json.NewEncoder(f).Encode(paths) }),
		filepath.Join(root, "outputs.npz")}
	cmd := exec.Command(pypartner.Python(t), append(args, dirs...)...)
	// Its TensorFlow is its own.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LD_LIBRARY_PATH=") })
	var errs strings.Builder
	cmd.Stderr = &errs
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	if err := json.Unmarshal(said, &reports); err != nil {
		t.Fatalf("%v in %s", err, said)
	}
	file, err := npz.Open(args[3])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	outputs = map[string][]float32{}
	for _, name := range file.Names() {
		a, err := file.Array(name)
		if err != nil {
			t.Fatal(err)
		}
		outputs[name] = a.Float32s()
	}
	return outputs, reports
}

// TensorFlow in Python, by both of its loaders, and TensorFlow under graft
// agree with our own session over all signatures, plain and frozen; two plain
// models in one process do not mix their weights. What TensorFlow Serving
// requires of a model is checked as Python reads it.
func TestStrangersAgree(t *testing.T) {
	source, driving, initial := noise(t, 1, 2), noise(t, 2, 2), noise(t, 3, 2)
	lists := map[string][][]byte{
		infer.Bytes(infer.Source):         {drawing.PNG(t, drawing.New(100, 50)), drawing.JPEG(t, drawing.New(64, 90)), drawing.PNG(t, drawing.Grey(drawing.New(31, 17)))},
		infer.Bytes(infer.Driving):        {drawing.JPEG(t, drawing.Grey(drawing.New(64, 32))), drawing.PNG(t, drawing.Translucent(drawing.New(40, 40))), drawing.PNG(t, drawing.New(200, 10))},
		infer.Bytes(infer.DrivingInitial): {drawing.PNG(t, drawing.New(9, 99)), drawing.PNG(t, drawing.Grey(drawing.New(64, 32))), drawing.JPEG(t, drawing.New(150, 75))},
	}
	asFiles := map[string]*tensorflow.Tensor{}
	for key, list := range lists {
		asFiles[key] = files(t, list...)
	}
	first, second := someModel(t, 1), someModel(t, 2)
	out := filepath.Join(t.TempDir(), "tiny")
	plans := []*Plan{
		exported(t, first, Options{Out: out}), exported(t, first, Options{Out: out, Frozen: true}), exported(t, second, Options{Out: out}),
	}
	want := []map[string]map[string][]float32{own(t, first, source, driving, initial), nil, own(t, second, source, driving, initial)}
	want[1] = want[0]

	var dirs []string
	var in map[string]map[string]*tensorflow.Tensor
	for i, p := range plans {
		saved := open(t, p.Dir)
		own := feeds(t, saved, want[i], source, driving, initial)
		if i == 0 {
			in = own
		} else { // the same inputs for every model
			out, err := saved.Call(infer.SigFrame, in[infer.SigFrame])
			if err != nil {
				t.Fatal(err)
			}
			want[i] = clone(want[i])
			want[i][infer.SigFrame] = map[string][]float32{infer.Prediction: valuesOf(t, out[infer.Prediction])}
		}
		agree(t, "graft: "+p.Dir, saved, want[i], in)
		decoded, err := saved.Call(infer.SigBytes, asFiles)
		if err != nil {
			t.Fatal(err)
		}
		want[i] = clone(want[i])
		want[i][infer.SigBytes] = map[string][]float32{infer.Prediction: valuesOf(t, decoded[infer.Prediction])}
		dirs = append(dirs, p.Dir)
	}
	got, reports := askPython(t, in, lists, dirs...)
	compared := 0
	for i := range plans {
		for signature, outputs := range want[i] {
			for key, values := range outputs {
				for _, loader := range []string{"v1", "v2", "lite"} {
					name := strings.Join([]string{loader, string(rune('0' + i)), signature, key}, "/")
					if signature == "feed" || i == 2 && signature != infer.SigDefault || loader == "lite" && (i > 0 || signature != infer.SigKeypoints) {
						continue
					}
					compared++
					if d := farthest(t, got[name], values); d > tolerance {
						t.Errorf("%s differs by %g", name, d)
					}
				}
			}
		}
	}
	if compared != len(got) || compared != 2*(12+12+1)+2 {
		t.Errorf("%d outputs compared, Python gave %d", compared, len(got))
	}
	for i, r := range reports {
		checkForServing(t, plans[i], r)
		checkVariables(t, plans[i], r)
	}
}

// checkVariables: both loaders know the variables, so that somebody can look at
// them and train them further.
func checkVariables(t *testing.T, p *Plan, r reportOfStranger) {
	t.Helper()
	all, trainable := 0, 0
	if !p.Notes.Frozen {
		for _, v := range p.graph.Scope.Variables() {
			all++
			if v.Kind == graph.Trainable {
				trainable++
			}
		}
	}
	if !slices.Equal(r.V1, []int{all, trainable}) || !slices.Equal(r.V2, []int{all, trainable, trainable}) {
		t.Errorf("%s: version 1 knows %v variables, version 2 %v, there are %d, %d trainable", p.Dir, r.V1, r.V2, all, trainable)
	}
}

func clone(m map[string]map[string][]float32) map[string]map[string][]float32 {
	out := map[string]map[string][]float32{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// checkForServing checks TensorFlow Serving's documented requirements one by
// one: there is no package of its server to run.
func checkForServing(t *testing.T, p *Plan, r reportOfStranger) {
	t.Helper()
	if name := filepath.Base(p.Dir); strings.Trim(name, "0123456789") != "" || name == "0" {
		t.Errorf("the version's folder %q is no number", name)
	}
	if !slices.Equal(r.Tags, []string{"serve"}) {
		t.Errorf("tags are %v", r.Tags)
	}
	if len(r.Signatures) != 6 || r.Signatures["serving_default"].Method == "" {
		t.Errorf("%d signatures, serving_default among them?", len(r.Signatures))
	}
	for name, s := range r.Signatures {
		if s.Method != "tensorflow/serving/predict" {
			t.Errorf("%s: method %q", name, s.Method)
		}
		for _, specs := range []map[string][]any{s.Inputs, s.Outputs} {
			for key, spec := range specs {
				// Batching joins requests along the first axis and splits what
				// comes out.
				if len(spec) < 2 || spec[1] != -1. {
					t.Errorf("%s: %s is %v: its first dimension must be open", name, key, spec)
				}
				// REST carries strings as text unless a name ends in _bytes.
				if (spec[0] == "string") != strings.HasSuffix(key, "_bytes") {
					t.Errorf("%s: %s is %v", name, key, spec)
				}
			}
		}
	}
	if r.Warmup != 6 || r.Warmup > 1000 {
		t.Errorf("%d warm-up requests", r.Warmup)
	}
	if entries, err := os.ReadDir(filepath.Dir(p.Dir)); err != nil || slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return strings.Trim(e.Name(), "0123456789") != ""
	}) {
		t.Errorf("beside the versions lies %v, %v", entries, err)
	}
}

// Every warm-up request can be run, and says which model and signature.
func TestWarmupRequestsRun(t *testing.T) {
	m := someModel(t, 1)
	p := exported(t, m, Options{Out: filepath.Join(t.TempDir(), "tiny"), Frozen: true})
	saved := open(t, p.Dir)
	requests := readWarmup(t, filepath.Join(p.Dir, "assets.extra", infer.WarmupFile))
	var called []string
	for _, r := range requests {
		if r.model != "tiny" {
			t.Errorf("a request for model %q", r.model)
		}
		called = append(called, r.signature)
		out, err := saved.Call(r.signature, r.inputs)
		if err != nil {
			t.Errorf("warm-up of %s: %v", r.signature, err)
		}
		for key, v := range out {
			for _, x := range valuesOf(t, v) {
				if x != x {
					t.Fatalf("%s: %s is not a number", r.signature, key)
				}
			}
		}
	}
	slices.Sort(called)
	want := []string{infer.SigAbsolute, infer.SigFrame, infer.SigEncode, infer.SigKeypoints, infer.SigBytes, infer.SigDefault}
	slices.Sort(want)
	if !slices.Equal(called, want) {
		t.Errorf("requests for %v", called)
	}
}
