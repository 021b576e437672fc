package savedmodel

import (
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
)

// broadcastFills has BroadcastTo do what Fill does: TensorFlow 2.18 makes constants
// of fills while it optimises a graph, without the checks that a broadcast has.
func broadcastFills(def *graphpb.GraphDef) {
	for _, nodes := range bodies(def) {
		for _, n := range nodes {
			if n.GetOp() != "Fill" || len(n.GetInput()) < 2 {
				continue
			}
			n.Op = "BroadcastTo"
			n.Input[0], n.Input[1] = n.Input[1], n.Input[0] // dims, value -> value, dims
			attrs := map[string]*attrpb.AttrValue{}
			for key, a := range n.GetAttr() {
				if key == "index_type" {
					key = "Tidx"
				}
				attrs[key] = a
			}
			n.Attr = attrs
		}
	}
}
