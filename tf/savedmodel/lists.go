package savedmodel

import (
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// maxList bounds lists of tensors: a model computes how long they are, and TensorFlow
// checks their sizes less than those of tensors. No loop makes so many.
const maxList = 1 << 22

// listSize is the input that says how long a list becomes, and what it may be.
func listSize(n *nodepb.NodeDef) (input int, most int32, ok bool) {
	switch n.GetOp() {
	case "TensorListReserve", "TensorListResize":
		return 1, maxList, len(n.GetInput()) > 1
	case "TensorListSetItem": // one beyond the end makes some lists longer
		return 1, maxList - 1, len(n.GetInput()) > 1
	}
	return 0, 0, false
}

// boundLists takes the least of what a graph and its functions compute as sizes of
// lists, and of what may be.
func boundLists(def *graphpb.GraphDef) {
	def.Node = withBounds(def.GetNode(), "", "")
	for _, f := range def.GetLibrary().GetFunction() {
		f.NodeDef = withBounds(f.GetNodeDef(), ":output:0", ":z:0")
	}
}

// withBounds adds a constant and a minimum to each node of a list's size. The
// suffixes are how nodes of this body name the outputs of those.
func withBounds(nodes []*nodepb.NodeDef, constant, minimum string) []*nodepb.NodeDef {
	taken := map[string]bool{}
	for _, n := range nodes {
		taken[n.GetName()] = true
	}
	free := func(name string) string {
		for taken[name] {
			name += "_"
		}
		taken[name] = true
		return name
	}
	int32s := &attrpb.AttrValue{Value: &attrpb.AttrValue_Type{Type: typespb.DataType_DT_INT32}}
	for _, n := range nodes {
		input, most, ok := listSize(n)
		if !ok {
			continue
		}
		bound := &nodepb.NodeDef{Name: free(n.GetName() + "/most"), Op: "Const", Device: n.GetDevice(), Attr: map[string]*attrpb.AttrValue{
			"dtype": int32s,
			"value": tensorAttr(&tensorpb.TensorProto{Dtype: typespb.DataType_DT_INT32, TensorShape: shapeProto([]int64{}), IntVal: []int32{most}}),
		}}
		least := &nodepb.NodeDef{Name: free(n.GetName() + "/size"), Op: "Minimum", Device: n.GetDevice(),
			Input: []string{n.Input[input], bound.Name + constant}, Attr: map[string]*attrpb.AttrValue{"T": int32s}}
		n.Input[input] = least.Name + minimum
		nodes = append(nodes, bound, least)
	}
	return nodes
}
