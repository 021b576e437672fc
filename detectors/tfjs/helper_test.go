package tfjs

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/tf"
)

// parts of a model.json, as a converter writes them.
type object = map[string]any

// files are a model in memory.
type files map[string][]byte

func (f files) read(name string, most int64) ([]byte, error) {
	data, ok := f[name]
	if !ok {
		return nil, fmt.Errorf("no file %s", name)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, most)
	}
	return data, nil
}

// model is a graph model under construction.
type model struct {
	nodes, weights []any
	bytes          []byte
}

func (m *model) node(name, op string, attr object, inputs ...string) {
	m.nodes = append(m.nodes, object{"name": name, "op": op, "input": inputs, "attr": attr})
}

func shapeOf(shape []int64) object {
	dim := []any{}
	for _, d := range shape {
		dim = append(dim, object{"size": fmt.Sprint(d)})
	}
	return object{"dim": dim}
}

func (m *model) placeholder(name string, shape ...int64) {
	m.node(name, "Placeholder", object{"dtype": object{"type": "DT_FLOAT"}, "shape": object{"shape": shapeOf(shape)}})
}

// constant adds a constant whose weight is stored as entry and data say.
func (m *model) constant(name, dtype string, entry object, data []byte, shape ...int64) {
	m.node(name, "Const", object{
		"dtype": object{"type": dtype}, "value": object{"tensor": object{"dtype": dtype, "tensorShape": shapeOf(shape)}},
	})
	if shape == nil {
		shape = []int64{}
	}
	entry["name"], entry["shape"] = name, shape
	m.weights = append(m.weights, entry)
	m.bytes = append(m.bytes, data...)
}

func floats(v ...float32) []byte {
	var out []byte
	for _, x := range v {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
	}
	return out
}

func (m *model) floats(name string, shape []int64, v ...float32) {
	m.constant(name, "DT_FLOAT", object{"dtype": "float32"}, floats(v...), shape...)
}

// text is a string attribute.
func text(s string) object { return object{"s": base64.StdEncoding.EncodeToString([]byte(s))} }

func texts(s ...string) object {
	list := []any{}
	for _, x := range s {
		list = append(list, base64.StdEncoding.EncodeToString([]byte(x)))
	}
	return object{"list": object{"s": list}}
}

func ints(v ...int) object {
	list := []any{}
	for _, x := range v {
		list = append(list, fmt.Sprint(x))
	}
	return object{"list": object{"i": list}}
}

var float32Type = object{"type": "DT_FLOAT"}

// document is the model.json.
func (m *model) document() object {
	return object{
		"format":          "graph-model",
		"modelTopology":   object{"node": m.nodes, "versions": object{}},
		"weightsManifest": []any{object{"paths": []string{"group1.bin"}, "weights": m.weights}},
	}
}

func (m *model) files(t *testing.T) files {
	t.Helper()
	data, err := json.Marshal(m.document())
	if err != nil {
		t.Fatal(err)
	}
	return files{"model.json": data, "group1.bin": m.bytes}
}

// run computes the only output by TensorFlow.
func (m *model) run(t *testing.T, x []float32, shape ...int64) []float32 {
	t.Helper()
	got, err := Read(m.files(t).read, "model.json")
	if err != nil {
		t.Fatal(err)
	}
	return compute(t, got, x, shape...)
}

func compute(t *testing.T, m *Model, x []float32, shape ...int64) []float32 {
	t.Helper()
	data, err := proto.Marshal(m.Graph)
	if err != nil {
		t.Fatal(err)
	}
	g := tensorflow.NewGraph()
	if err := g.Import(data, ""); err != nil {
		t.Fatal(err)
	}
	s, err := tf.NewSession(g, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	feed, err := tf.NewTensor(x, shape...)
	if err != nil {
		t.Fatal(err)
	}
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	for _, in := range m.Inputs {
		feeds[g.Operation(nodeOf(in.Name)).Output(0)] = feed
	}
	var fetch []tensorflow.Output
	for _, out := range m.Outputs {
		fetch = append(fetch, g.Operation(nodeOf(out.Name)).Output(0))
	}
	if len(fetch) != 1 {
		t.Fatalf("%d outputs", len(fetch))
	}
	out, err := s.Run(feeds, fetch, nil)
	if err != nil {
		t.Fatal(err)
	}
	values, err := tf.Values[float32](out[0])
	if err != nil {
		t.Fatal(err)
	}
	return values
}
