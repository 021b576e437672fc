package export

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// freezer turns a graph with variables into one of constants.
type freezer struct {
	nodes     []*nodepb.NodeDef
	byName    map[string]*nodepb.NodeDef
	consumers map[string][]*nodepb.NodeDef // by node
	values    map[string]weight            // by ReadVariableOp
	fetched   map[string]bool              // nodes of signatures' outputs
	made      map[string]bool              // constants added for folded convolutions
	replaced  map[string]string            // batch norm -> what takes its place
}

// weight is a float32 tensor.
type weight struct {
	dims   []int64
	values []float32
}

// freeze replaces variables by constants and folds each batch norm that follows
// a convolution into its kernel and bias:
//
//	gamma (conv(x, K) + b - mean) / sqrt(variance + epsilon) + beta
//	  = conv(x, K s) + (b - mean) s + beta,  s = gamma / sqrt(variance + epsilon)
//
// for each output channel. Kernels that several signatures use stay one
// constant. def is not changed.
func freeze(def *graphpb.GraphDef, signatures []savedmodel.SignatureDef, variables []savedmodel.Variable) (*graphpb.GraphDef, error) {
	var outputs []string
	for _, s := range signatures {
		for _, specs := range []map[string]savedmodel.TensorSpec{s.Inputs, s.Outputs} {
			for _, key := range sortedSpecs(specs) {
				outputs = append(outputs, specs[key].Tensor)
			}
		}
	}
	pruned, err := savedmodel.Prune(def, outputs)
	if err != nil {
		return nil, err
	}
	f, err := newFreezer(pruned, outputs, variables)
	if err != nil {
		return nil, err
	}
	if err := f.fold(); err != nil {
		return nil, err
	}
	frozen := &graphpb.GraphDef{Versions: pruned.GetVersions(), Library: pruned.GetLibrary(), Node: f.result()}
	// The folded weights and the variables are needed no more.
	return savedmodel.Prune(frozen, outputs)
}

func newFreezer(def *graphpb.GraphDef, outputs []string, variables []savedmodel.Variable) (*freezer, error) {
	f := &freezer{
		byName: map[string]*nodepb.NodeDef{}, consumers: map[string][]*nodepb.NodeDef{}, values: map[string]weight{},
		fetched: map[string]bool{}, made: map[string]bool{}, replaced: map[string]string{},
	}
	for _, o := range outputs {
		f.fetched[nodeName(o)] = true
	}
	for _, n := range def.GetNode() {
		n = proto.Clone(n).(*nodepb.NodeDef)
		f.nodes = append(f.nodes, n)
		f.byName[n.GetName()] = n
		for _, input := range n.GetInput() {
			f.consumers[nodeName(input)] = append(f.consumers[nodeName(input)], n)
		}
	}
	byHandle := map[string]savedmodel.Variable{}
	for _, v := range variables {
		byHandle[v.Handle] = v
	}
	for _, n := range f.nodes {
		if n.GetOp() != "ReadVariableOp" {
			continue
		}
		v, ok := byHandle[nodeName(n.GetInput()[0])]
		if !ok {
			return nil, fmt.Errorf("variable %s has no value", n.GetInput()[0])
		}
		values, err := tf.Values[float32](v.Value)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v.Name, err)
		}
		f.values[n.GetName()] = weight{v.Value.Shape(), values}
	}
	return f, nil
}

func nodeName(input string) string {
	name := strings.TrimPrefix(input, "^")
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[:i]
	}
	return name
}

// fold folds every batch norm that can be.
func (f *freezer) fold() error {
	for _, norm := range f.nodes {
		bias, conv := f.convolution(norm)
		if conv == nil {
			continue
		}
		kernel, err := f.foldInto(norm, bias, conv)
		if err != nil {
			return fmt.Errorf("folding %s: %w", norm.GetName(), err)
		}
		conv.Input[1], bias.Input[1] = kernel+"/kernel", kernel+"/bias"
		f.replaced[norm.GetName()] = bias.GetName()
	}
	return nil
}

// convolution returns the BiasAdd and Conv2D that only a batch norm in
// inference uses; nil where it is not so.
func (f *freezer) convolution(norm *nodepb.NodeDef) (bias, conv *nodepb.NodeDef) {
	if norm.GetOp() != "FusedBatchNormV3" || norm.GetAttr()["is_training"].GetB() || f.fetched[norm.GetName()] {
		return nil, nil
	}
	for _, c := range f.consumers[norm.GetName()] {
		if slices.ContainsFunc(c.GetInput(), func(in string) bool { return strings.HasPrefix(in, norm.GetName()+":") }) {
			return nil, nil // it uses more than the normalised maps
		}
	}
	only := func(input, op string) *nodepb.NodeDef {
		n := f.byName[input]
		if n.GetOp() != op || f.fetched[input] || len(f.consumers[input]) != 1 {
			return nil
		}
		return n
	}
	if bias = only(norm.GetInput()[0], "BiasAdd"); bias == nil {
		return nil, nil
	}
	if conv = only(bias.GetInput()[0], "Conv2D"); conv == nil {
		return nil, nil
	}
	for _, read := range append([]string{conv.GetInput()[1], bias.GetInput()[1]}, norm.GetInput()[1:]...) {
		if _, ok := f.values[read]; !ok {
			return nil, nil
		}
	}
	return bias, conv
}

// foldInto adds the folded kernel and bias as constants, once for each pair of
// layers, and returns the path of both.
func (f *freezer) foldInto(norm, bias, conv *nodepb.NodeDef) (string, error) {
	in := norm.GetInput()
	kernel, b := f.values[conv.GetInput()[1]], f.values[bias.GetInput()[1]]
	gamma, beta, mean, variance := f.values[in[1]], f.values[in[2]], f.values[in[3]], f.values[in[4]]
	path := "folded/" + conv.GetInput()[1] + "/" + in[1]
	if f.made[path] {
		return path, nil
	}
	channels := len(b.values)
	if len(kernel.dims) != 4 || int(kernel.dims[3]) != channels || len(gamma.values) != channels ||
		len(beta.values) != channels || len(mean.values) != channels || len(variance.values) != channels {
		return "", fmt.Errorf("kernel %v and %d, %d, %d, %d values do not belong together", kernel.dims, len(gamma.values), len(beta.values), len(mean.values), len(variance.values))
	}
	epsilon := float64(norm.GetAttr()["epsilon"].GetF())
	foldedKernel, foldedBias := make([]float32, len(kernel.values)), make([]float32, channels)
	scale := make([]float64, channels)
	for c := range scale {
		scale[c] = float64(gamma.values[c]) / math.Sqrt(float64(variance.values[c])+epsilon)
		foldedBias[c] = float32((float64(b.values[c])-float64(mean.values[c]))*scale[c] + float64(beta.values[c]))
	}
	for i, v := range kernel.values { // the last axis is the output channel
		foldedKernel[i] = float32(float64(v) * scale[i%channels])
	}
	f.nodes = append(f.nodes,
		constantNode(path+"/kernel", weight{kernel.dims, foldedKernel}),
		constantNode(path+"/bias", weight{b.dims, foldedBias}))
	f.made[path] = true
	return path, nil
}

// result is the graph with constants for reads, and around folded norms.
func (f *freezer) result() []*nodepb.NodeDef {
	list := make([]*nodepb.NodeDef, len(f.nodes))
	for i, n := range f.nodes {
		if w, ok := f.values[n.GetName()]; ok {
			n = constantNode(n.GetName(), w)
		}
		for j, input := range n.GetInput() {
			if by, ok := f.replaced[input]; ok {
				n.Input[j] = by
			}
		}
		list[i] = n
	}
	return list
}

func constantNode(name string, w weight) *nodepb.NodeDef {
	content := make([]byte, 0, 4*len(w.values))
	for _, v := range w.values {
		content = binary.LittleEndian.AppendUint32(content, math.Float32bits(v))
	}
	return &nodepb.NodeDef{Name: name, Op: "Const", Attr: map[string]*attrpb.AttrValue{
		"dtype": {Value: &attrpb.AttrValue_Type{Type: typespb.DataType_DT_FLOAT}},
		"value": {Value: &attrpb.AttrValue_Tensor{Tensor: &tensorpb.TensorProto{
			Dtype: typespb.DataType_DT_FLOAT, TensorShape: shapeOf(w.dims...), TensorContent: content,
		}}},
	}}
}

func shapeOf(dims ...int64) *shapepb.TensorShapeProto {
	p := &shapepb.TensorShapeProto{}
	for _, d := range dims {
		p.Dim = append(p.Dim, &shapepb.TensorShapeProto_Dim{Size: d})
	}
	return p
}
