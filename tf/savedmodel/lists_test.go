package savedmodel

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	opdefpb "github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// number is a constant.
func number(name string, value int32, dims ...int64) *nodepb.NodeDef {
	n := node(name, "Const")
	n.Attr["dtype"] = typeAttr(typespb.DataType_DT_INT32)
	n.Attr["value"] = tensorAttr(&tensorpb.TensorProto{Dtype: typespb.DataType_DT_INT32, TensorShape: shapeProto(dims), IntVal: []int32{value}})
	return n
}

// long makes lists of a little more than they may have. The suffixes are how outputs are named.
func long(output, handle string) []*nodepb.NodeDef {
	float, int32s := typeAttr(typespb.DataType_DT_FLOAT), typeAttr(typespb.DataType_DT_INT32)
	reserve := node("reserve", "TensorListReserve", "any"+output, "many"+output)
	reserve.Attr = map[string]*attrpb.AttrValue{"element_dtype": float, "shape_type": int32s}
	resize := node("resize", "TensorListResize", "reserve"+handle, "many"+output)
	return []*nodepb.NodeDef{number("any", -1, 1), number("many", maxList+1), reserve, resize}
}

// TestListsAreBounded, in graphs and in functions.
func TestListsAreBounded(t *testing.T) {
	function := &funcpb.FunctionDef{
		Signature: &opdefpb.OpDef{Name: "f", OutputArg: []*opdefpb.OpDef_ArgDef{{Name: "n", Type: typespb.DataType_DT_INT32}}},
		NodeDef:   append(long(":output:0", ":handle:0"), node("length", "TensorListLength", "resize:output_handle:0")),
		Ret:       map[string]string{"n": "length:length:0"},
	}
	call := node("length", "PartitionedCall")
	call.Attr = map[string]*attrpb.AttrValue{"Tin": typesAttr(nil), "Tout": typesAttr([]typespb.DataType{typespb.DataType_DT_INT32}), "f": funcAttr(&attrpb.NameAttrList{Name: "f"})}
	for name, change := range map[string]func(*pb.SavedModel){
		"in the graph":  add(append(long("", ""), node("length", "TensorListLength", "resize"))...),
		"in a function": changes(library(function), add(call)),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Open(forged(t, changes(change, output("n", "length:0", typespb.DataType_DT_INT32))), tf.SessionConfig{Optimize: true})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			out, err := m.CallFor(DefaultSignature, map[string]*tensorflow.Tensor{"x": tftest.Of(t, []float32{1, 2, 3}, 1, 3)}, "n")
			if err != nil || out["n"].Value() != int32(maxList) {
				t.Errorf("%v, %v", out, err)
			}
		})
	}
	scatter := node("scatter", "TensorListScatterV2", "x", "any", "any", "many")
	if m, err := Open(forged(t, add(append(long("", ""), scatter)...)), tf.SessionConfig{}); err == nil || !strings.Contains(err.Error(), "TensorListScatterV2") {
		m.Close()
		t.Errorf("%v", err)
	}
}
