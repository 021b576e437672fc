package savedmodel

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	varpb "github.com/wamuir/graft/tensorflow/core/framework/variable_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// nameVariables returns the graph with every variable named NAME-DIGEST, and the
// variables by their new handles. The digest is that of all values: TensorFlow 2
// keeps the resources of all models of a process under one roof by their
// shared_name, so two versions of a model must not share one; and converters
// (TFLite's, tf2onnx, tensorflowjs) look a variable up by its shared_name among
// the nodes, so both names are the same.
func nameVariables(graph *graphpb.GraphDef, variables []Variable) (*graphpb.GraphDef, []Variable, error) {
	sum := sha256.New()
	for _, v := range variables {
		fmt.Fprintf(sum, "%s %v\n", v.Name, v.Value.Shape())
		if _, err := v.Value.WriteContentsTo(sum); err != nil {
			return nil, nil, fmt.Errorf("variable %s: %w", v.Name, err)
		}
	}
	suffix := "-" + hex.EncodeToString(sum.Sum(nil)[:8])
	taken := map[string]bool{}
	for _, n := range graph.GetNode() {
		taken[n.GetName()] = true
	}
	renamed := map[string]string{}
	named := make([]Variable, len(variables))
	for i, v := range variables {
		name := v.Name + suffix
		if taken[name] {
			return nil, nil, fmt.Errorf("variable %s: the graph has a node %s", v.Name, name)
		}
		renamed[v.Handle] = name
		named[i] = v
		named[i].Handle = name
	}
	out := &graphpb.GraphDef{Versions: graph.GetVersions(), Library: graph.GetLibrary()}
	for _, n := range graph.GetNode() {
		out.Node = append(out.Node, withHandles(n, renamed))
	}
	return out, named, nil
}

// withHandles is a node by the new names of variables: the handle itself, or one
// that takes handles.
func withHandles(n *nodepb.NodeDef, renamed map[string]string) *nodepb.NodeDef {
	copied := false
	change := func() {
		if !copied {
			n = proto.Clone(n).(*nodepb.NodeDef)
			copied = true
		}
	}
	if name, ok := renamed[n.GetName()]; ok {
		change()
		n.Name, n.Attr["shared_name"] = name, stringAttr(name)
	}
	for i, input := range n.GetInput() {
		if name, ok := renamed[nodeOf(input)]; ok {
			change()
			n.Input[i] = strings.Replace(input, nodeOf(input), name, 1)
		}
	}
	return n
}

// Collections of a graph by which loaders know its variables.
const (
	allVariables       = "variables"
	trainableVariables = "trainable_variables"
)

// variableCollections list the variables of a graph to which addSaver has added
// its operations: where each is initialised, from what, and read.
func variableCollections(variables []Variable) (map[string]*pb.CollectionDef, error) {
	lists := map[string]*pb.CollectionDef_BytesList{allVariables: {}}
	for i, v := range variables {
		number := strconv.Itoa(i)
		text, err := proto.MarshalOptions{Deterministic: true}.Marshal(&varpb.VariableDef{
			VariableName:     v.Handle + ":0",
			InitializerName:  saver + "/assign_" + number,
			InitialValueName: saver + "/RestoreV2:" + number,
			SnapshotName:     saver + "/read_" + number + ":0",
			IsResource:       true,
			Trainable:        v.Trainable,
		})
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v.Name, err)
		}
		lists[allVariables].Value = append(lists[allVariables].Value, text)
		if v.Trainable {
			if lists[trainableVariables] == nil {
				lists[trainableVariables] = &pb.CollectionDef_BytesList{}
			}
			lists[trainableVariables].Value = append(lists[trainableVariables].Value, text)
		}
	}
	collections := map[string]*pb.CollectionDef{}
	for name, list := range lists {
		collections[name] = &pb.CollectionDef{Kind: &pb.CollectionDef_BytesList_{BytesList: list}}
	}
	return collections, nil
}
