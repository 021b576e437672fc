package export

import (
	"strings"
	"testing"

	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
)

func TestForeignOperationsAreRefused(t *testing.T) {
	graph := func(node, inFunction string) *graphpb.GraphDef {
		return &graphpb.GraphDef{
			Node:    []*nodepb.NodeDef{{Name: "a", Op: node}},
			Library: &funcpb.FunctionDefLibrary{Function: []*funcpb.FunctionDef{{NodeDef: []*nodepb.NodeDef{{Name: "b", Op: inFunction}}}}},
		}
	}
	if err := requireStandard(graph("Conv2D", "DecodeImage")); err != nil {
		t.Error(err)
	}
	for _, g := range []*graphpb.GraphDef{graph("PriorityCutMask", "Mul"), graph("Mul", "PriorityCutMask")} {
		if err := requireStandard(g); err == nil || !strings.Contains(err.Error(), "PriorityCutMask") {
			t.Errorf("a custom operation: %v", err)
		}
	}
}
