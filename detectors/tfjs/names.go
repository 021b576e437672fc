package tfjs

import (
	"strings"

	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
)

// nodeOf is the node that a reference such as ^a, a or a:1 reads.
func nodeOf(reference string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(reference, "^"), ":")
	return name
}

// tensorOf is a tensor of a signature. A converter that leaves its name out means
// the one that the signature calls it.
func tensorOf(key string, info *pb.TensorInfo) Tensor {
	name := info.GetName()
	if name == "" {
		name = key
	}
	if !strings.Contains(name, ":") {
		name += ":0"
	}
	return Tensor{Name: name, DType: info.GetDtype(), Shape: dims(info.GetTensorShape())}
}

// dims are the sizes of a shape; nil where its rank is open.
func dims(s *shapepb.TensorShapeProto) []int64 {
	if s == nil || s.GetUnknownRank() {
		return nil
	}
	out := make([]int64, 0, len(s.GetDim()))
	for _, d := range s.GetDim() {
		out = append(out, d.GetSize())
	}
	return out
}

// refusal says why an operation is not read; empty for one that is.
func refusal(op string) string {
	switch op {
	case "Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond", "RefSwitch", "RefMerge",
		"If", "StatelessIf", "While", "StatelessWhile", "Case", "StatelessCase":
		return "graphs with control flow are not read"
	case "PartitionedCall", "StatefulPartitionedCall", "RemoteCall", "SymbolicGradient":
		return "graphs that call functions are not read"
	}
	for prefix, what := range map[string]string{
		"TensorArray": "arrays of tensors", "TensorList": "lists of tensors", "EmptyTensorList": "lists of tensors",
		"HashTable": "tables", "LookupTable": "tables", "Var": "variables", "ReadVariable": "variables",
	} {
		if strings.HasPrefix(op, prefix) {
			return "graphs with " + what + " are not read"
		}
	}
	return ""
}
