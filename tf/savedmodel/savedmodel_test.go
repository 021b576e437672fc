package savedmodel

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tensorflow "github.com/wamuir/graft/tensorflow"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/internal/pypartner"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

func addOp(t testing.TB, g *tensorflow.Graph, spec tensorflow.OpSpec) tensorflow.Output {
	t.Helper()
	op, err := g.AddOperation(spec)
	if err != nil {
		t.Fatal(err)
	}
	return tensorflow.Output{Op: op}
}

// line is a model of two variables with signatures serving_default
// (x [N, 3] -> y = weight*x + bias) and weight (x -> scaled = weight*x).
func line(t testing.TB, weight, bias []float32) Def {
	t.Helper()
	g := tensorflow.NewGraph()
	add := func(spec tensorflow.OpSpec) tensorflow.Output { return addOp(t, g, spec) }
	variable := func(name string) tensorflow.Output {
		handle := add(tensorflow.OpSpec{Type: "VarHandleOp", Name: name, Attrs: map[string]any{
			"dtype": tensorflow.Float, "shape": tensorflow.MakeShape(3), "shared_name": name}})
		return add(tensorflow.OpSpec{Type: "ReadVariableOp", Name: name + "/read", Input: []tensorflow.Input{handle},
			Attrs: map[string]any{"dtype": tensorflow.Float}})
	}
	x := add(tensorflow.OpSpec{Type: "Placeholder", Name: "x", Attrs: map[string]any{
		"dtype": tensorflow.Float, "shape": tensorflow.MakeShape(-1, 3)}})
	scaled := add(tensorflow.OpSpec{Type: "Mul", Name: "scaled", Input: []tensorflow.Input{x, variable("weight")}})
	y := add(tensorflow.OpSpec{Type: "AddV2", Name: "y", Input: []tensorflow.Input{scaled, variable("bias")}})
	add(tensorflow.OpSpec{Type: "Exp", Name: "needless", Input: []tensorflow.Input{y}})
	def, err := tf.GraphDefOf(g)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]TensorSpec{"x": SpecOf(x)}
	return Def{
		Graph: def,
		Signatures: []SignatureDef{
			{Name: DefaultSignature, Inputs: in, Outputs: map[string]TensorSpec{"y": SpecOf(y)}},
			{Name: "weight", Inputs: in, Outputs: map[string]TensorSpec{"scaled": SpecOf(scaled)}},
		},
		Variables: []Variable{
			{Name: "line.weight", Handle: "weight", Value: tftest.Of(t, weight, 3)},
			{Name: "line.bias", Handle: "bias", Value: tftest.Of(t, bias, 3)},
		},
		Extra: map[string][]byte{"notes.txt": []byte("a line")},
	}
}

// constantLine is y = 2x without variables.
func constantLine(t testing.TB) Def {
	t.Helper()
	g := tensorflow.NewGraph()
	x := addOp(t, g, tensorflow.OpSpec{Type: "Placeholder", Name: "x", Attrs: map[string]any{
		"dtype": tensorflow.Float, "shape": tensorflow.MakeShape(-1, 3)}})
	two := addOp(t, g, tensorflow.OpSpec{Type: "Const", Name: "two", Attrs: map[string]any{
		"dtype": tensorflow.Float, "value": tftest.Of(t, []float32{2})}})
	y := addOp(t, g, tensorflow.OpSpec{Type: "Mul", Name: "y", Input: []tensorflow.Input{x, two}})
	def, err := tf.GraphDefOf(g)
	if err != nil {
		t.Fatal(err)
	}
	return Def{Graph: def, Signatures: []SignatureDef{{
		Name: DefaultSignature, Inputs: map[string]TensorSpec{"x": SpecOf(x)}, Outputs: map[string]TensorSpec{"y": SpecOf(y)},
	}}}
}

func write(t testing.TB, dir string, def Def) string {
	t.Helper()
	if err := Write(dir, def); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t testing.TB, dir string) *Model {
	t.Helper()
	m, err := Open(dir, tf.SessionConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestSavedModelRoundTrip(t *testing.T) {
	root := t.TempDir()
	dir := write(t, filepath.Join(root, "model", "7"), line(t, []float32{1, 2, 3}, []float32{10, 20, 30}))
	write(t, filepath.Join(root, "model", "12"), line(t, []float32{-1, -2, -3}, []float32{0, 0, 1}))

	m := open(t, dir)
	x := tftest.Of(t, []float32{1, 1, 1, 2, 3, 4}, 2, 3)
	check := func(m *Model, signature, output string, want ...float32) {
		t.Helper()
		out, err := m.Call(signature, map[string]*tensorflow.Tensor{"x": x})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tf.Values[float32](out[output]); err != nil || !slices.Equal(got, want) || len(out) != 1 {
			t.Errorf("%s: %v, %v, want %v", signature, got, err, want)
		}
	}
	check(m, DefaultSignature, "y", 11, 22, 33, 12, 26, 42)
	check(m, "weight", "scaled", 1, 2, 3, 2, 6, 12)
	want := SignatureDef{
		Name:    "weight",
		Inputs:  map[string]TensorSpec{"x": {"x:0", tensorflow.Float, []int64{-1, 3}}},
		Outputs: map[string]TensorSpec{"scaled": {"scaled:0", tensorflow.Float, []int64{-1, 3}}},
	}
	if diff := cmp.Diff(want, m.Signatures()["weight"]); diff != "" {
		t.Error(diff)
	}
	if text, err := m.Extra("notes.txt"); string(text) != "a line" || err != nil {
		t.Errorf("Extra: %q, %v", text, err)
	}
	if _, err := m.Extra("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Extra of nothing: %v", err)
	}
	if _, err := m.Extra("../saved_model.pb"); err == nil {
		t.Error("Extra leaves its folder")
	}

	// A folder of versions is its newest one: 12 comes after 7.
	newest := open(t, filepath.Join(root, "model"))
	if filepath.Base(newest.Dir) != "12" {
		t.Errorf("opened %s", newest.Dir)
	}
	check(newest, DefaultSignature, "y", -1, -2, -2, -2, -6, -11)
	check(m, DefaultSignature, "y", 11, 22, 33, 12, 26, 42)
	check(open(t, write(t, filepath.Join(root, "constant"), constantLine(t))), DefaultSignature, "y", 2, 2, 2, 4, 6, 8)
}

func TestSavedModelHoldsNothingNeedless(t *testing.T) {
	dir := write(t, filepath.Join(t.TempDir(), "m"), line(t, make([]float32, 3), make([]float32, 3)))
	text, err := os.ReadFile(filepath.Join(dir, modelFile))
	if err != nil {
		t.Fatal(err)
	}
	var model pb.SavedModel
	if err := proto.Unmarshal(text, &model); err != nil {
		t.Fatal(err)
	}
	for _, n := range model.GetMetaGraphs()[0].GetGraphDef().GetNode() {
		if n.GetName() == "needless" {
			t.Error("a node that no signature needs was written")
		}
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the model lies %v, %v", entries, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	existing := t.TempDir()
	good := func() Def { return line(t, make([]float32, 3), make([]float32, 3)) }
	for _, c := range []struct {
		name, dir, want string
		change          func(*Def)
	}{
		{"an existing folder", existing, "never overwritten", func(*Def) {}},
		{"no signatures", "", "no graph or no signature", func(d *Def) { d.Signatures = nil }},
		{"the same name twice", "", "taken", func(d *Def) { d.Signatures[1].Name = d.Signatures[0].Name }},
		{"an input that is computed", "", "no Placeholder", func(d *Def) {
			d.Signatures[0].Inputs = map[string]TensorSpec{"x": {Tensor: "scaled:0"}}
		}},
		{"an unknown output", "", "not in the graph", func(d *Def) {
			d.Signatures[0].Outputs = map[string]TensorSpec{"y": {Tensor: "nowhere:0"}}
		}},
		{"a variable without value", "", "bias has no value", func(d *Def) { d.Variables = d.Variables[:1] }},
		{"two variables of one name", "", "taken", func(d *Def) { d.Variables[0].Name = d.Variables[1].Name }},
		{"what a check refuses", "", "not good enough", func(d *Def) {
			d.Check = func(dir string) error {
				if _, err := Dir(dir); err != nil {
					return err
				}
				return errors.New("not good enough")
			}
		}},
		{"a path for a name", "", "not the name of a file", func(d *Def) { d.Extra = map[string][]byte{"../x": nil} }},
	} {
		root := t.TempDir()
		dir := c.dir
		if dir == "" {
			dir = filepath.Join(root, "m")
		}
		def := good()
		c.change(&def)
		if err := Write(dir, def); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if entries, _ := os.ReadDir(root); len(entries) != 0 {
			t.Errorf("%s: left %v", c.name, entries)
		}
	}
	if entries, _ := os.ReadDir(existing); len(entries) != 0 {
		t.Errorf("the existing folder now holds %v", entries)
	}
}

// changed is the file of a SavedModel after a change.
func changed(t testing.TB, dir string, change func(*pb.SavedModel)) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, modelFile))
	if err != nil {
		t.Fatal(err)
	}
	var model pb.SavedModel
	if err := proto.Unmarshal(text, &model); err != nil {
		t.Fatal(err)
	}
	change(&model)
	if text, err = proto.Marshal(&model); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestOpenRefuses(t *testing.T) {
	file := func(name string, text []byte) func(string) {
		return func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	stored := func(change func(*pb.SavedModel)) func(string) {
		return func(dir string) {
			write(t, filepath.Join(dir, "m"), line(t, make([]float32, 3), make([]float32, 3)))
			file(modelFile, changed(t, filepath.Join(dir, "m"), change))(dir)
		}
	}
	for _, c := range []struct {
		name, want string
		make       func(dir string)
	}{
		{"an empty folder", "no SavedModel", func(string) {}},
		{"text form", "text form", file(modelTextFile, nil)},
		{"noise", "damaged", file(modelFile, []byte{0xff, 0xff, 0xff})},
		{"an empty file", "no graph for serving: tags are none", file(modelFile, nil)},
		{"a graph for training", "tags are {train}, want {serve}", stored(func(m *pb.SavedModel) { m.MetaGraphs[0].MetaInfoDef.Tags = []string{"train"} })},
		{"an empty graph", "its graph is empty", stored(func(m *pb.SavedModel) { m.MetaGraphs[0].GraphDef.Node = nil })},
		{"a custom operation", "does not have: OccludeFaster", stored(func(m *pb.SavedModel) { m.MetaGraphs[0].GraphDef.Node[0].Op = "OccludeFaster" })},
		{"no variables", "its variables are not there", stored(func(*pb.SavedModel) {})},
	} {
		dir := t.TempDir()
		c.make(dir)
		m, err := Open(dir, tf.SessionConfig{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		m.Close()
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), tf.SessionConfig{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestCallRefuses(t *testing.T) {
	m := open(t, write(t, filepath.Join(t.TempDir(), "m"), line(t, make([]float32, 3), make([]float32, 3))))
	x := tftest.Of(t, make([]float32, 6), 2, 3)
	for _, c := range []struct {
		name, signature, want string
		inputs                map[string]*tensorflow.Tensor
		outputs               []string
	}{
		{"another signature", "nothing", "it has serving_default, weight", nil, nil},
		{"another input", "weight", `no input "z"; it has x`, map[string]*tensorflow.Tensor{"z": x}, nil},
		{"no input", "weight", `input "x", float32[?,3], is missing`, nil, nil},
		{"nil", "weight", "is missing", map[string]*tensorflow.Tensor{"x": nil}, nil},
		{"another type", "weight", "is int32[2,3], want float32[?,3]", map[string]*tensorflow.Tensor{"x": tftest.Of(t, make([]int32, 6), 2, 3)}, nil},
		{"another rank", "weight", "is float32[3], want float32[?,3]", map[string]*tensorflow.Tensor{"x": tftest.Of(t, make([]float32, 3), 3)}, nil},
		{"another size", "weight", "is float32[3,2]", map[string]*tensorflow.Tensor{"x": tftest.Of(t, make([]float32, 6), 3, 2)}, nil},
		{"another output", "weight", `no output "y"`, map[string]*tensorflow.Tensor{"x": x}, []string{"y"}},
	} {
		_, err := m.CallFor(c.signature, c.inputs, c.outputs...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// loadSavedModels loads models with TensorFlow's loaders of version 2, all into
// one process, and then of version 1, and calls their signatures on x = [[1, 2, 3]].
const loadSavedModels = `
import json, sys
import tensorflow as tf
x = [[1.0, 2.0, 3.0]]
loaded = [tf.saved_model.load(d) for d in sys.argv[1:]]
result = {"v2": [], "v1": []}
for model in loaded:
    result["v2"].append({name: {k: v.numpy().tolist() for k, v in f(x=tf.constant(x)).items()}
                         for name, f in model.signatures.items()})
for d in sys.argv[1:]:
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], d)
        result["v1"].append({name: session.run({k: t.name for k, t in s.outputs.items()}, {s.inputs["x"].name: x})
                             for name, s in meta.signature_def.items()})
print(json.dumps(result, default=lambda a: a.tolist()))
`

// Two versions of a model in one process keep their own weights.
func TestPythonLoadsSavedModels(t *testing.T) {
	root := t.TempDir()
	args := []string{"-c", loadSavedModels,
		write(t, filepath.Join(root, "m", "1"), line(t, []float32{1, 2, 3}, []float32{10, 20, 30})),
		write(t, filepath.Join(root, "m", "2"), line(t, []float32{-1, -2, -3}, []float32{0, 0, 1})),
		write(t, filepath.Join(root, "constant"), constantLine(t)),
	}
	cmd := exec.Command(pypartner.Python(t), args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LD_LIBRARY_PATH=") })
	cmd.Stderr = &strings.Builder{}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%v", err, cmd.Stderr)
	}
	type result = map[string]map[string][][]float64
	want := []result{
		{DefaultSignature: {"y": {{11, 24, 39}}}, "weight": {"scaled": {{1, 4, 9}}}},
		{DefaultSignature: {"y": {{-1, -4, -8}}}, "weight": {"scaled": {{-1, -4, -9}}}},
		{DefaultSignature: {"y": {{2, 4, 6}}}},
	}
	var got map[string][]result
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	for _, loader := range []string{"v1", "v2"} {
		if diff := cmp.Diff(want, got[loader]); diff != "" {
			t.Errorf("loader %s: %s", loader, diff)
		}
	}
}

// A model is as readable as any new folder: another user may serve it.
func TestSavedModelIsForAllWhoMayRead(t *testing.T) {
	root := t.TempDir()
	dir := write(t, filepath.Join(root, "m"), constantLine(t))
	plain := filepath.Join(root, "plain")
	if err := os.Mkdir(plain, 0o777); err != nil {
		t.Fatal(err)
	}
	mode := func(path string) fs.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	if mode(dir) != mode(plain) {
		t.Errorf("its folder is %v, a new one %v", mode(dir), mode(plain))
	}
}
