package savedmodel

import (
	"fmt"
	"strconv"
	"strings"

	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
)

// Prune returns the part of a graph that the given tensors ("operation" or
// "operation:index") depend on, with the functions that it calls. The nodes are
// shared with def, in its order.
func Prune(def *graphpb.GraphDef, tensors []string) (*graphpb.GraphDef, error) {
	nodes := make(map[string]*nodepb.NodeDef, len(def.GetNode()))
	for _, n := range def.GetNode() {
		nodes[n.GetName()] = n
	}
	wanted := map[string]bool{}
	var open []string
	want := func(input string) error {
		name := nodeOf(input)
		if nodes[name] == nil {
			return fmt.Errorf("the graph has no operation %q", name)
		}
		if !wanted[name] {
			wanted[name] = true
			open = append(open, name)
		}
		return nil
	}
	for _, t := range tensors {
		if err := want(t); err != nil {
			return nil, err
		}
	}
	for len(open) > 0 {
		name := open[len(open)-1]
		open = open[:len(open)-1]
		for _, input := range nodes[name].GetInput() {
			if err := want(input); err != nil {
				return nil, fmt.Errorf("input of %s: %w", name, err)
			}
		}
	}
	out := &graphpb.GraphDef{Versions: def.GetVersions()}
	for _, n := range def.GetNode() {
		if wanted[n.GetName()] {
			out.Node = append(out.Node, n)
		}
	}
	out.Library = pruneLibrary(def.GetLibrary(), out.GetNode())
	return out, nil
}

// nodeOf is the operation that an input "name", "name:index" or "^name" names.
func nodeOf(input string) string {
	name := strings.TrimPrefix(input, "^")
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[:i]
	}
	return name
}

// outputOf splits the name of a tensor.
func outputOf(tensor string) (op string, index int, err error) {
	op = tensor
	if i := strings.LastIndexByte(tensor, ':'); i >= 0 {
		op = tensor[:i]
		if index, err = strconv.Atoi(tensor[i+1:]); err != nil || index < 0 {
			return "", 0, fmt.Errorf("%q is not the name of a tensor", tensor)
		}
	}
	if op == "" {
		return "", 0, fmt.Errorf("%q is not the name of a tensor", tensor)
	}
	return op, index, nil
}

// pruneLibrary keeps the functions that nodes call, directly or through others.
func pruneLibrary(lib *funcpb.FunctionDefLibrary, nodes []*nodepb.NodeDef) *funcpb.FunctionDefLibrary {
	functions := map[string]*funcpb.FunctionDef{}
	for _, f := range lib.GetFunction() {
		functions[f.GetSignature().GetName()] = f
	}
	reached := map[string]bool{}
	var visit func(nodes []*nodepb.NodeDef)
	call := func(name string) {
		if f := functions[name]; f != nil && !reached[name] {
			reached[name] = true
			visit(f.GetNodeDef())
		}
	}
	visit = func(nodes []*nodepb.NodeDef) {
		for _, n := range nodes {
			for _, name := range called(n) {
				call(name)
			}
		}
	}
	visit(nodes)
	if len(reached) == 0 {
		return nil
	}
	out := &funcpb.FunctionDefLibrary{}
	for _, f := range lib.GetFunction() {
		if reached[f.GetSignature().GetName()] {
			out.Function = append(out.Function, f)
		}
	}
	return out
}

// called lists the functions that a node may call; its operation is one when it
// is so named.
func called(n *nodepb.NodeDef) []string {
	names := []string{n.GetOp()}
	for _, a := range n.GetAttr() {
		names = append(names, functionsOf(a)...)
	}
	return names
}

// functionsOf lists the functions that an attribute names.
func functionsOf(a *attrpb.AttrValue) []string {
	var names []string
	if f := a.GetFunc(); f != nil {
		names = append(names, f.GetName())
	}
	for _, f := range a.GetList().GetFunc() {
		names = append(names, f.GetName())
	}
	return names
}
