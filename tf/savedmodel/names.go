package savedmodel

import (
	"fmt"
	"strings"

	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
)

// fileNames follows the name of a model's files from the placeholder that
// saver_def names through calls: nothing may be read or written under another.
func (v *vetting) fileNames(saver *pb.SaverDef) error {
	placeholder := plainNode(saver.GetFilenameTensorName())
	switch op := v.nodes[placeholder].GetOp(); op {
	case "Placeholder", "PlaceholderWithDefault":
	default:
		if saver.GetRestoreOpName() != "" {
			return fmt.Errorf("saver_def takes the name of the files from %.80q, which is no placeholder", saver.GetFilenameTensorName())
		}
	}
	for _, r := range []reached{v.restored, v.saved} {
		var nodes []*nodepb.NodeDef
		for name := range r.nodes {
			nodes = append(nodes, v.nodes[name])
		}
		b := &body{vetting: v, given: map[string]bool{placeholder: true}, seen: map[string]bool{}}
		if err := b.check(nodes); err != nil {
			return err
		}
	}
	return nil
}

// body is the graph or a function, and which of its inputs hold the name of the
// files.
type body struct {
	*vetting
	given map[string]bool
	nodes map[string]*nodepb.NodeDef
	// seen are the calls that have been followed: function and inputs.
	seen map[string]bool
}

func (b *body) check(nodes []*nodepb.NodeDef) error {
	b.nodes = make(map[string]*nodepb.NodeDef, len(nodes))
	for _, n := range nodes {
		b.nodes[n.GetName()] = n
	}
	for _, n := range nodes {
		switch n.GetOp() {
		case restoring, "SaveV2":
			if len(n.GetInput()) == 0 || !b.isName(n.GetInput()[0], len(nodes)) {
				return fmt.Errorf("node %s, %s, takes the name of its file from elsewhere than the placeholder of saver_def", n.GetName(), n.GetOp())
			}
		}
		if err := b.follow(n); err != nil {
			return err
		}
	}
	return nil
}

// follow checks the functions that a node calls. Only plain calls pass the name
// on.
func (b *body) follow(n *nodepb.NodeDef) error {
	for _, name := range called(n) {
		f := b.functions[name]
		if f == nil {
			continue
		}
		given := map[string]bool{}
		if n.GetOp() == name || n.GetOp() == "PartitionedCall" || n.GetOp() == "StatefulPartitionedCall" {
			given = b.passed(n, f)
		}
		key := fmt.Sprint(name, sortedKeys(given))
		if b.seen[key] {
			continue
		}
		b.seen[key] = true
		inner := &body{vetting: b.vetting, given: given, seen: b.seen}
		if err := inner.check(f.GetNodeDef()); err != nil {
			return fmt.Errorf("function %s: %w", name, err)
		}
	}
	return nil
}

// passed are the arguments of a function that hold the name.
func (b *body) passed(n *nodepb.NodeDef, f *funcpb.FunctionDef) map[string]bool {
	given := map[string]bool{}
	for i, arg := range f.GetSignature().GetInputArg() {
		if arg.GetNumberAttr() != "" || arg.GetTypeListAttr() != "" || i >= len(n.GetInput()) {
			break // inputs cannot be counted any more
		}
		if b.isName(n.GetInput()[i], len(b.nodes)) {
			given[arg.GetName()] = true
		}
	}
	return given
}

// isName reports whether an input holds the name of the model's files, or one
// that begins with it. It looks no more than depth nodes back.
func (b *body) isName(input string, depth int) bool {
	name, output, _ := strings.Cut(input, ":")
	// A function's node may have the name of an argument; its outputs have
	// names where arguments have numbers.
	if b.given[name] && strings.Trim(output, "0123456789") == "" {
		return true
	}
	n := b.nodes[name]
	switch n.GetOp() {
	case "Identity", "StringJoin", "ShardedFilename":
		return depth > 0 && len(n.GetInput()) > 0 && b.isName(n.GetInput()[0], depth-1)
	}
	return false
}
