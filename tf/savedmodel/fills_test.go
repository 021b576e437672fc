package savedmodel

import (
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	opdefpb "github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// filled makes a tensor of sevens whose sizes the graph computes from constants.
// The suffixes are how outputs are named.
func filled(output, sum string, sizes ...int64) []*nodepb.NodeDef {
	int64s, float := typeAttr(typespb.DataType_DT_INT64), typeAttr(typespb.DataType_DT_FLOAT)
	ints := func(name string, values ...int64) *nodepb.NodeDef {
		n := node(name, "Const")
		n.Attr["dtype"] = int64s
		n.Attr["value"] = tensorAttr(&tensorpb.TensorProto{Dtype: typespb.DataType_DT_INT64, TensorShape: shapeProto([]int64{int64(len(values))}), Int64Val: values})
		return n
	}
	seven := node("seven", "Const")
	seven.Attr["dtype"] = float
	seven.Attr["value"] = tensorAttr(&tensorpb.TensorProto{Dtype: typespb.DataType_DT_FLOAT, TensorShape: shapeProto([]int64{}), FloatVal: []float32{7}})
	same := node("same", "AddV2", "sizes"+output, "nothing"+output)
	same.Attr["T"] = int64s
	fill := node("fill", "Fill", "same"+sum, "seven"+output)
	fill.Attr = map[string]*attrpb.AttrValue{"T": float, "index_type": int64s}
	return []*nodepb.NodeDef{ints("sizes", sizes...), ints("nothing", make([]int64, len(sizes))...), seven, same, fill}
}

// TestFillsAreBroadcasts: none is left to the optimiser, and each gives what it gave.
func TestFillsAreBroadcasts(t *testing.T) {
	float := typespb.DataType_DT_FLOAT
	function := func(sizes ...int64) func(*pb.SavedModel) {
		call := node("fill", "PartitionedCall")
		call.Attr = map[string]*attrpb.AttrValue{"Tin": typesAttr(nil), "Tout": typesAttr([]typespb.DataType{float}), "f": funcAttr(&attrpb.NameAttrList{Name: "f"})}
		return changes(add(call), library(&funcpb.FunctionDef{
			Signature: &opdefpb.OpDef{Name: "f", OutputArg: []*opdefpb.OpDef_ArgDef{{Name: "y", Type: float}}},
			NodeDef:   filled(":output:0", ":z:0", sizes...),
			Ret:       map[string]string{"y": "fill:output:0"},
		}))
	}
	for name, c := range map[string]struct {
		change func(*pb.SavedModel)
		want   int // elements
	}{
		"in the graph":  {add(filled("", "", 2, 3)...), 6},
		"in a function": {function(3, 2), 6},
		"empty":         {add(filled("", "", 2, 0)...), 0},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Open(forged(t, changes(c.change, output("f", "fill:0", float))), tf.SessionConfig{Optimize: true})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			out, err := m.CallFor(DefaultSignature, map[string]*tensorflow.Tensor{"x": tftest.Of(t, []float32{1, 2, 3}, 1, 3)}, "f")
			if err != nil {
				t.Fatal(err)
			}
			values, err := tf.Values[float32](out["f"])
			if err != nil || len(values) != c.want || slices.ContainsFunc(values, func(v float32) bool { return v != 7 }) {
				t.Errorf("%v, %v", values, err)
			}
		})
	}
}

// TestNoFillIsLeft walks a graph and its functions.
func TestNoFillIsLeft(t *testing.T) {
	def := &graphpb.GraphDef{
		Node:    filled("", "", 2, 3),
		Library: &funcpb.FunctionDefLibrary{Function: []*funcpb.FunctionDef{{NodeDef: filled(":output:0", ":z:0", 2, 3)}}},
	}
	broadcastFills(def)
	for _, nodes := range bodies(def) {
		fill := nodes[len(nodes)-1]
		if fill.GetOp() != "BroadcastTo" || !strings.HasPrefix(fill.GetInput()[0], "seven") || !strings.HasPrefix(fill.GetInput()[1], "same") ||
			fill.GetAttr()["Tidx"].GetType() != typespb.DataType_DT_INT64 || fill.GetAttr()["index_type"] != nil {
			t.Errorf("%v", fill)
		}
	}
}
