// Package forged writes SavedModels that do more than compute, for tests of
// those who open them.
package forged

import (
	"os"
	"path/filepath"

	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	opdefpb "github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// Places are where a model may hide an operation: in its graph, in a function,
// and among what a loader runs.
var Places = []string{"graph", "function", "initialisation"}

// Operations are some that do more than compute.
var Operations = []string{"WriteFile", "ReadFile", "Abort"}

// Write writes a model into a new folder that hands its input on, and has an
// operation in a place; it writes to, or reads, file.
func Write(dir, operation, place, file string) error {
	nodes := []*nodepb.NodeDef{text("path", file), text("contents", "written")}
	evil := &nodepb.NodeDef{Name: "evil", Op: operation}
	inputs := map[string][]string{"WriteFile": {"path", "contents"}, "ReadFile": {"path"}}[operation]
	for _, name := range inputs {
		if place == "function" {
			name += ":output:0"
		}
		evil.Input = append(evil.Input, name)
	}
	nodes = append(nodes, evil)
	float := &attrpb.AttrValue{Value: &attrpb.AttrValue_Type{Type: typespb.DataType_DT_FLOAT}}
	graph := &graphpb.GraphDef{Node: []*nodepb.NodeDef{
		{Name: "x", Op: "Placeholder", Attr: map[string]*attrpb.AttrValue{"dtype": float}},
		{Name: "y", Op: "Identity", Input: []string{"x"}, Attr: map[string]*attrpb.AttrValue{"T": float}},
	}}
	signatures := map[string]*pb.SignatureDef{"serving_default": {
		MethodName: "tensorflow/serving/predict",
		Inputs:     map[string]*pb.TensorInfo{"image": info("x:0")},
		Outputs:    map[string]*pb.TensorInfo{"keypoints": info("y:0")},
	}}
	switch place {
	case "function":
		graph.Library = &funcpb.FunctionDefLibrary{Function: []*funcpb.FunctionDef{{
			Signature: &opdefpb.OpDef{Name: "hidden"}, NodeDef: nodes,
		}}}
	case "initialisation":
		const name = "__saved_model_init_op"
		signatures[name] = &pb.SignatureDef{Outputs: map[string]*pb.TensorInfo{name: {Encoding: &pb.TensorInfo_Name{Name: "evil"}}}}
		fallthrough
	default:
		graph.Node = append(graph.Node, nodes...)
	}
	model, err := proto.Marshal(&pb.SavedModel{SavedModelSchemaVersion: 1, MetaGraphs: []*pb.MetaGraphDef{{
		MetaInfoDef: &pb.MetaGraphDef_MetaInfoDef{Tags: []string{"serve"}}, GraphDef: graph, SignatureDef: signatures,
	}}})
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "saved_model.pb"), model, 0o666)
}

func info(tensor string) *pb.TensorInfo {
	return &pb.TensorInfo{
		Encoding: &pb.TensorInfo_Name{Name: tensor}, Dtype: typespb.DataType_DT_FLOAT,
		TensorShape: &shapepb.TensorShapeProto{UnknownRank: true},
	}
}

// text is a constant string.
func text(name, value string) *nodepb.NodeDef {
	return &nodepb.NodeDef{Name: name, Op: "Const", Attr: map[string]*attrpb.AttrValue{
		"dtype": {Value: &attrpb.AttrValue_Type{Type: typespb.DataType_DT_STRING}},
		"value": {Value: &attrpb.AttrValue_Tensor{Tensor: &tensorpb.TensorProto{
			Dtype: typespb.DataType_DT_STRING, TensorShape: &shapepb.TensorShapeProto{}, StringVal: [][]byte{[]byte(value)},
		}}},
	}}
}
