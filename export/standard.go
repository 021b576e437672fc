package export

import (
	"fmt"
	"sort"
	"strings"

	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
)

// standardOps are the operations that an exported model may use: all of them
// part of TensorFlow itself, with kernels in every build of it.
var standardOps = func() map[string]bool {
	ops := map[string]bool{}
	for _, op := range strings.Fields(`
		Abs Add AddN AddV2 AssignVariableOp AvgPool BatchMatMulV2 BiasAdd Cast ConcatV2 Const Conv2D DecodeImage Exp ExpandDims
		Floor FusedBatchNormV3 GatherV2 Greater Identity LeakyRelu MapDefun MatMul Maximum Mean Minimum Mul Neg NoOp OneHot Pack Pad PadV2
		Placeholder PlaceholderWithDefault Range ReadVariableOp RealDiv Reciprocal Relu Reshape ResizeBilinear ResizeNearestNeighbor
		RestoreV2 ReverseV2 Rsqrt SaveV2 ScaleAndTranslate SelectV2 Shape Sigmoid Slice Softmax Split Sqrt Square Squeeze StopGradient
		StridedSlice Sub Sum Tanh Tile Transpose Unpack VarHandleOp`) {
		ops[op] = true
	}
	return ops
}()

// requireStandard reports operations that a consumer's TensorFlow might lack.
func requireStandard(def *graphpb.GraphDef) error {
	foreign := map[string]bool{}
	check := func(nodes []*nodepb.NodeDef) {
		for _, n := range nodes {
			if !standardOps[n.GetOp()] {
				foreign[n.GetOp()] = true
			}
		}
	}
	check(def.GetNode())
	for _, f := range def.GetLibrary().GetFunction() {
		check(f.GetNodeDef())
	}
	if len(foreign) == 0 {
		return nil
	}
	var list []string
	for op := range foreign {
		list = append(list, op)
	}
	sort.Strings(list)
	return fmt.Errorf("the graph has operations that are not known to be in every TensorFlow: %s", strings.Join(list, ", "))
}
