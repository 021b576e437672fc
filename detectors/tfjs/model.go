package tfjs

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	typepb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Bounds on what is read: far above any published model.
const (
	maxJSON    = 64 << 20
	maxWeights = 1 << 30
	maxNodes   = 100_000
	maxDims    = 16
)

// Model is a graph model as TensorFlow runs it.
type Model struct {
	// Graph has TensorFlow's own operations only; its constants have their values.
	Graph *graphpb.GraphDef
	// Inputs and Outputs are the signature's tensors by name. A model without a
	// signature has its placeholders and the nodes that no other one reads.
	Inputs, Outputs map[string]Tensor
	// Expanded counts the operations that were replaced, by type.
	Expanded map[string]int
}

// Tensor is an input or output of a model.
type Tensor struct {
	// Name is node:output in the graph.
	Name string
	// DType is its element type; DT_INVALID where the model does not say.
	DType typepb.DataType
	// Shape has -1 for what is open; nil where the rank is open too.
	Shape []int64
}

// Files reads a file of a model by the name that it has beside model.json, and
// fails when it is longer than most bytes.
type Files func(name string, most int64) ([]byte, error)

// Open reads the model whose graph is in the file path.
func Open(path string) (*Model, error) {
	dir := filepath.Dir(path)
	return Read(func(name string, most int64) ([]byte, error) {
		return localfile.Read(filepath.Join(dir, name), most)
	}, filepath.Base(path))
}

// Read reads the model whose graph is in the file called name.
func Read(files Files, name string) (*Model, error) {
	m, err := read(files, name)
	if err != nil {
		return nil, fmt.Errorf("TensorFlow.js model %s: %w", name, err)
	}
	return m, nil
}

// document is what model.json holds of what is needed here.
type document struct {
	Format    string          `json:"format"`
	Topology  json.RawMessage `json:"modelTopology"`
	Signature json.RawMessage `json:"signature"`
	Metadata  struct {
		Signature json.RawMessage `json:"signature"`
	} `json:"userDefinedMetadata"`
	Manifest []group `json:"weightsManifest"`
}

func read(files Files, name string) (*Model, error) {
	data, err := files(name, maxJSON)
	if err != nil {
		return nil, err
	}
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("it is no model.json: %w", err)
	}
	if d.Format != "" && d.Format != "graph-model" {
		return nil, fmt.Errorf("its format is %q; only graph-model holds a graph: convert it with tensorflowjs_converter --output_format=tfjs_graph_model", d.Format)
	}
	graph, err := d.graph()
	if err != nil {
		return nil, err
	}
	values, err := readWeights(files, d.Manifest)
	if err != nil {
		return nil, err
	}
	if err := fill(graph, values); err != nil {
		return nil, err
	}
	m := &Model{Graph: graph}
	if err := m.bind(&d); err != nil {
		return nil, err
	}
	if m.Expanded, err = expand(graph); err != nil {
		return nil, err
	}
	return m, nil
}

// graph is the topology without the values of its constants.
func (d *document) graph() (*graphpb.GraphDef, error) {
	if len(d.Topology) == 0 {
		return nil, fmt.Errorf("it has no modelTopology")
	}
	g := &graphpb.GraphDef{}
	// Newer converters write fields that this description of a graph does not know.
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(d.Topology, g); err != nil {
		return nil, fmt.Errorf("its modelTopology is no graph: %w", err)
	}
	if n := len(g.GetNode()); n == 0 || n > maxNodes {
		return nil, fmt.Errorf("its graph has %d nodes: 1 to %d are read", n, maxNodes)
	}
	if n := len(g.GetLibrary().GetFunction()); n > 0 {
		return nil, fmt.Errorf("its graph has %d functions: only plain operations are read", n)
	}
	g.Library = nil
	seen := make(map[string]bool, len(g.GetNode()))
	for _, n := range g.GetNode() {
		if n.GetName() == "" || seen[n.GetName()] {
			return nil, fmt.Errorf("two nodes of its graph are called %q", n.GetName())
		}
		seen[n.GetName()] = true
		if why := refusal(n.GetOp()); why != "" {
			return nil, fmt.Errorf("its node %s is a %s: %s", n.GetName(), n.GetOp(), why)
		}
		n.Device = "" // that of whoever converted it
	}
	return g, nil
}

// bind finds the model's inputs and outputs.
func (m *Model) bind(d *document) error {
	text := d.Signature
	if len(text) == 0 {
		text = d.Metadata.Signature
	}
	s := &pb.SignatureDef{}
	if len(text) > 0 {
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, s); err != nil {
			return fmt.Errorf("its signature: %w", err)
		}
	}
	nodes := make(map[string]*nodepb.NodeDef, len(m.Graph.GetNode()))
	for _, n := range m.Graph.GetNode() {
		nodes[n.GetName()] = n
	}
	m.Inputs, m.Outputs = map[string]Tensor{}, map[string]Tensor{}
	for key, info := range s.GetInputs() {
		t := tensorOf(key, info)
		if nodes[nodeOf(t.Name)].GetOp() != "Placeholder" {
			return fmt.Errorf("input %s of its signature, %q, is no placeholder of its graph", key, t.Name)
		}
		m.Inputs[key] = t
	}
	for key, info := range s.GetOutputs() {
		t := tensorOf(key, info)
		if nodes[nodeOf(t.Name)] == nil {
			return fmt.Errorf("output %s of its signature, %q, is not in its graph", key, t.Name)
		}
		m.Outputs[key] = t
	}
	if len(m.Inputs) == 0 {
		m.bindPlaceholders()
	}
	if len(m.Outputs) == 0 {
		m.bindEnds()
	}
	if len(m.Inputs) == 0 || len(m.Outputs) == 0 {
		return fmt.Errorf("it has %d inputs and %d outputs", len(m.Inputs), len(m.Outputs))
	}
	return nil
}

// bindPlaceholders makes every placeholder an input.
func (m *Model) bindPlaceholders() {
	for _, n := range m.Graph.GetNode() {
		if n.GetOp() == "Placeholder" {
			m.Inputs[n.GetName()] = Tensor{
				Name: n.GetName() + ":0", DType: n.GetAttr()["dtype"].GetType(), Shape: dims(n.GetAttr()["shape"].GetShape()),
			}
		}
	}
}

// bindEnds makes every node that no other one reads an output.
func (m *Model) bindEnds() {
	read := map[string]bool{}
	for _, n := range m.Graph.GetNode() {
		for _, in := range n.GetInput() {
			read[nodeOf(in)] = true
		}
	}
	for _, n := range m.Graph.GetNode() {
		if op := n.GetOp(); !read[n.GetName()] && op != "Const" && op != "Placeholder" && op != "NoOp" {
			m.Outputs[n.GetName()] = Tensor{Name: n.GetName() + ":0"}
		}
	}
}
