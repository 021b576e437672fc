package savedmodel

import (
	"fmt"
	"slices"
	"strings"

	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	opdefpb "github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
)

// trustOption is how people say that they trust a model.
const trustOption = "`trust_saved_model`"

// vetting looks at every node of a model's graph, of its functions and of its
// initialisation.
type vetting struct {
	known     map[string]*opdefpb.OpDef
	nodes     map[string]*nodepb.NodeDef
	functions map[string]*funcpb.FunctionDef
	// What a signature or the initialisation reaches, what restores the
	// variables, and what saves them.
	served, restored, saved reached
}

// reached is what some tensors of a graph are computed by.
type reached struct {
	nodes     map[string]bool // of the graph
	functions map[string]bool
}

// vet refuses a model that may do anything but compute, and names what is
// refused. Functions do not call themselves: that has been checked.
func vet(meta *pb.MetaGraphDef, known map[string]*opdefpb.OpDef) error {
	v := &vetting{known: known, nodes: map[string]*nodepb.NodeDef{}, functions: map[string]*funcpb.FunctionDef{}}
	def := meta.GetGraphDef()
	for _, n := range def.GetNode() {
		v.nodes[n.GetName()] = n
	}
	for _, f := range def.GetLibrary().GetFunction() {
		name := f.GetSignature().GetName()
		if known[name] != nil {
			return fmt.Errorf("its function %s takes the name of an operation", name)
		}
		v.functions[name] = f
	}
	saver := meta.GetSaverDef()
	v.served = v.reach(servedTensors(meta)...)
	v.restored = v.reach(saver.GetRestoreOpName())
	v.saved = v.reach(saver.GetSaveTensorName())
	if refused := v.refused(def); len(refused) > 0 {
		return fmt.Errorf("it holds what may do more than compute, and is refused: %s. If you trust whoever made it as you trust "+
			"a program, say so by %s", strings.Join(refused[:min(len(refused), 8)], ", "), trustOption)
	}
	for _, body := range bodies(def) {
		for _, n := range body {
			if err := v.attributes(n.GetAttr()); err != nil {
				return fmt.Errorf("node %s: %w", n.GetName(), err)
			}
		}
	}
	return v.fileNames(saver)
}

// servedTensors are the tensors that calls feed and fetch, and the operations
// that initialise a model.
func servedTensors(meta *pb.MetaGraphDef) []string {
	var list []string
	for _, s := range meta.GetSignatureDef() {
		for _, infos := range []map[string]*pb.TensorInfo{s.GetInputs(), s.GetOutputs()} {
			for _, info := range infos {
				list = append(list, info.GetName())
			}
		}
	}
	return append(list, initOps(meta)...)
}

// initOps are the operations that a loader runs after the variables have their
// values.
func initOps(meta *pb.MetaGraphDef) []string {
	const signature = "__saved_model_init_op"
	if s := meta.GetSignatureDef()[signature]; s != nil {
		return []string{s.GetOutputs()[signature].GetName()}
	}
	for _, collection := range []string{"saved_model_main_op", "legacy_init_op"} {
		if c := meta.GetCollectionDef()[collection]; c != nil {
			return c.GetNodeList().GetValue()
		}
	}
	return nil
}

// reach is what some tensors or operations are computed by. Names that the
// graph does not have are left out.
func (v *vetting) reach(tensors ...string) reached {
	p := reached{map[string]bool{}, map[string]bool{}}
	open := slices.Clone(tensors)
	for len(open) > 0 {
		name := plainNode(open[len(open)-1])
		open = open[:len(open)-1]
		if n := v.nodes[name]; n != nil && !p.nodes[name] {
			p.nodes[name] = true
			open = append(open, n.GetInput()...)
			v.call(p, n)
		}
	}
	return p
}

// call adds the functions that a node may call.
func (v *vetting) call(p reached, n *nodepb.NodeDef) {
	for _, name := range called(n) {
		if f := v.functions[name]; f != nil && !p.functions[name] {
			p.functions[name] = true
			for _, inner := range f.GetNodeDef() {
				v.call(p, inner)
			}
		}
	}
}

// plainNode is the node of "name", "name:index", "name:output:index", "^name".
func plainNode(input string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(input, "^"), ":")
	return name
}

// refused lists the operations that a model must not hold where they are, each
// once, sorted.
func (v *vetting) refused(def *graphpb.GraphDef) []string {
	list := map[string]bool{}
	look := func(n *nodepb.NodeDef, in func(reached) bool, where string) {
		op := n.GetOp()
		switch {
		case computing[op], v.functions[op] != nil:
		case op == restoring && in(v.restored) && !in(v.served):
		case saving[op] && in(v.saved) && !in(v.served) && !in(v.restored):
		default:
			list[fmt.Sprintf("%s (%s%.80q)", op, where, n.GetName())] = true
		}
	}
	for _, n := range def.GetNode() {
		look(n, func(p reached) bool { return p.nodes[n.GetName()] }, "node ")
	}
	for name, f := range v.functions {
		for _, n := range f.GetNodeDef() {
			look(n, func(p reached) bool { return p.functions[name] }, fmt.Sprintf("function %.80q, node ", name))
		}
	}
	return sortedKeys(list)
}

// attributes refuses functions that are not there, which TensorFlow would look
// for elsewhere, and constants that stand for objects of the process.
func (v *vetting) attributes(attrs map[string]*attrpb.AttrValue) error {
	for _, key := range sortedKeys(attrs) {
		a := attrs[key]
		for _, f := range append(a.GetList().GetFunc(), a.GetFunc()) {
			if f.GetName() != "" && v.functions[f.GetName()] == nil {
				return fmt.Errorf("its attribute %s calls the function %.80q, which the model does not have", key, f.GetName())
			}
			// They mean something to operations that are not allowed only.
			for _, inner := range f.GetAttr() {
				if len(functionsOf(inner)) > 0 || inner.GetTensor() != nil || len(inner.GetList().GetTensor()) > 0 {
					return fmt.Errorf("its attribute %s hides a function or a constant in the attributes of %.80q", key, f.GetName())
				}
			}
		}
		for _, t := range append(a.GetList().GetTensor(), a.GetTensor()) {
			if err := plainTensor(t); err != nil {
				return fmt.Errorf("its attribute %s: %w", key, err)
			}
		}
	}
	return nil
}

func plainTensor(t *tensorpb.TensorProto) error {
	switch t.GetDtype() {
	case typespb.DataType_DT_RESOURCE, typespb.DataType_DT_VARIANT, typespb.DataType_DT_RESOURCE_REF, typespb.DataType_DT_VARIANT_REF:
		return fmt.Errorf("a constant of type %v, which is no number", t.GetDtype())
	}
	return nil
}
