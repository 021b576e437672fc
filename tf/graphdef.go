package tf

import (
	"bytes"
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"google.golang.org/protobuf/proto"
)

// GraphDefOf returns a graph with its functions as a protocol buffer.
func GraphDefOf(g *tensorflow.Graph) (*graphpb.GraphDef, error) {
	var text bytes.Buffer
	const doing = "writing the graph"
	err := guard(doing, func() error {
		_, err := g.WriteTo(&text)
		return wrap(doing, err)
	})
	if err != nil {
		return nil, err
	}
	def := &graphpb.GraphDef{}
	if err := proto.Unmarshal(text.Bytes(), def); err != nil {
		return nil, fmt.Errorf("reading TensorFlow's graph: %w", err)
	}
	return def, nil
}

// ImportGraph makes a graph of a protocol buffer. TensorFlow reports what is
// wrong with the nodes, but not everything: what comes from others is checked
// before (package savedmodel does).
func ImportGraph(def *graphpb.GraphDef) (*tensorflow.Graph, error) {
	text, err := proto.Marshal(def)
	if err != nil {
		return nil, err
	}
	graph := tensorflow.NewGraph()
	const doing = "loading the graph"
	err = guard(doing, func() error { return wrap(doing, graph.Import(text, "")) })
	return graph, err
}
