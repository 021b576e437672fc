package savedmodel

import (
	"slices"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/tf"
)

// The operations that stand for convolutions of a loaded model.
const (
	ownConv      = "PriorityCutConv2D"
	ownConvFused = "PriorityCutConv2DFused"
)

// usesKernels reports whether convolutions of a loaded model may be ours. A
// program without the library of operations leaves them to TensorFlow, as one
// that exports does.
func usesKernels(config tf.SessionConfig) (bool, error) {
	if !config.UseKernels {
		return false, nil
	}
	own, err := tf.OwnKernels(config.Device)
	if err != nil || !own {
		return false, err
	}
	return tf.LoadOps() == nil, nil
}

// withKernels is a graph whose convolutions are computed by our own kernels
// where these serve: float32 maps of the order NHWC, stride 1, padding SAME or
// VALID, square kernels of a known size that rest. A bias, a batch norm by given
// averages and a ReLU behind one that nothing else reads become a part of it, and
// so does the doubling of maps in front of a kernel of 3 x 3. Every tensor that
// anything else reads keeps its name. Functions stay as they are. Where the shapes of
// the graph cannot be found out, or calls replace what it computes, so that they say
// nothing, it is returned as it is.
func withKernels(def *graphpb.GraphDef, meta *pb.MetaGraphDef) (*graphpb.GraphDef, error) {
	if !slices.ContainsFunc(def.GetNode(), func(n *nodepb.NodeDef) bool { return n.GetOp() == "Conv2D" }) || feedsInside(def, meta) {
		return def, nil
	}
	shapes, err := tf.ImportGraph(withoutWeights(def))
	if err != nil {
		return def, nil // what is wrong with it is told when it is loaded
	}
	r := newRewriter(def, meta, shapes)
	out := &graphpb.GraphDef{Versions: def.GetVersions(), Library: def.GetLibrary()}
	for _, n := range def.GetNode() {
		if n.GetOp() == "Conv2D" {
			r.convolution(n)
		}
	}
	for _, n := range def.GetNode() {
		if by := r.replaced[n.GetName()]; by != nil {
			n = by
		}
		out.Node = append(out.Node, n)
	}
	out.Node = append(out.Node, r.added...)
	return Prune(out, roots(meta))
}

// feedsInside reports whether calls feed anything but placeholders.
func feedsInside(def *graphpb.GraphDef, meta *pb.MetaGraphDef) bool {
	fed := map[string]bool{}
	for _, s := range meta.GetSignatureDef() {
		for _, info := range s.GetInputs() {
			fed[plainNode(info.GetName())] = true
		}
	}
	return slices.ContainsFunc(def.GetNode(), func(n *nodepb.NodeDef) bool {
		return fed[n.GetName()] && !strings.HasPrefix(n.GetOp(), "Placeholder")
	})
}

// maxShapeBytes bounds constants that are worth keeping to find out shapes.
const maxShapeBytes = 4096

// withoutWeights is a graph of the same shapes with placeholders for large
// constants.
func withoutWeights(def *graphpb.GraphDef) *graphpb.GraphDef {
	out := &graphpb.GraphDef{Versions: def.GetVersions(), Library: def.GetLibrary()}
	for _, n := range def.GetNode() {
		value := n.GetAttr()["value"].GetTensor()
		if n.GetOp() == "Const" && value != nil && proto.Size(value) > maxShapeBytes {
			n = &nodepb.NodeDef{Name: n.GetName(), Op: "Placeholder", Input: n.GetInput(), Device: n.GetDevice(), Attr: map[string]*attrpb.AttrValue{
				"dtype": n.GetAttr()["dtype"], "shape": {Value: &attrpb.AttrValue_Shape{Shape: value.GetTensorShape()}},
			}}
		}
		out.Node = append(out.Node, n)
	}
	return out
}

// rewriter finds convolutions and what replaces them.
type rewriter struct {
	nodes     map[string]*nodepb.NodeDef
	consumers map[string][]*nodepb.NodeDef // of a node, once for each use
	named     map[string]bool              // fetched by somebody
	assigns   bool                         // calls write to variables of version 1, in place
	shapes    *tensorflow.Graph
	replaced  map[string]*nodepb.NodeDef
	added     []*nodepb.NodeDef
}

func newRewriter(def *graphpb.GraphDef, meta *pb.MetaGraphDef, shapes *tensorflow.Graph) *rewriter {
	r := &rewriter{
		nodes: map[string]*nodepb.NodeDef{}, consumers: map[string][]*nodepb.NodeDef{}, named: map[string]bool{},
		shapes: shapes, replaced: map[string]*nodepb.NodeDef{},
	}
	for _, name := range roots(meta) {
		r.named[nodeOf(name)] = true
	}
	for _, n := range def.GetNode() {
		r.nodes[n.GetName()] = n
		for _, input := range n.GetInput() {
			r.consumers[nodeOf(input)] = append(r.consumers[nodeOf(input)], n)
		}
	}
	v := vetting{nodes: r.nodes}
	for name := range v.reach(servedTensors(meta)...).nodes {
		switch r.nodes[name].GetOp() {
		case "Assign", "AssignAdd", "AssignSub":
			r.assigns = true
		}
	}
	return r
}

// convolution replaces one with what follows it, if our kernel serves.
func (r *rewriter) convolution(conv *nodepb.NodeDef) {
	c, ok := r.geometry(conv)
	if !ok {
		return
	}
	waits := append(c.waits, controls(conv)...)
	last, relu, bias, scale := conv, false, "", ""
	if n := r.only(conv, "BiasAdd"); n != nil && order(n) == orderNHWC {
		last, bias, waits = n, n.GetInput()[1], append(waits, controls(n)...)
	}
	if n := r.norm(last, bias, c.out); n != nil {
		scale, bias = r.line(n, bias, c.out)
		last, waits = n, append(waits, controls(n)...)
	}
	if n := r.only(last, "Relu"); n != nil {
		last, relu, waits = n, true, append(waits, controls(n)...)
	}
	own := &nodepb.NodeDef{Name: last.GetName(), Op: ownConv, Device: last.GetDevice(), Attr: map[string]*attrpb.AttrValue{
		"pad_before": intAttr(c.before), "pad_after": intAttr(c.after), "upsample": boolAttr(c.upsample), "keep_kernel": boolAttr(true),
		"kernel_side": intAttr(c.side), "inference": boolAttr(true),
	}}
	if bias == "" {
		bias = r.fill(last, "zeros", 0, c.out)
	}
	own.Input = []string{c.x, conv.GetInput()[1], bias}
	if relu || scale != "" {
		if scale == "" {
			scale = r.fill(last, "ones", 1, c.out)
		}
		own.Op, own.Attr["relu"] = ownConvFused, boolAttr(relu)
		own.Input = []string{c.x, conv.GetInput()[1], scale, bias}
	}
	slices.Sort(waits)
	own.Input = append(own.Input, slices.Compact(waits)...)
	r.replaced[last.GetName()] = own
}

// controls are the operations that a node waits for without reading them.
func controls(n *nodepb.NodeDef) []string {
	var list []string
	for _, input := range n.GetInput() {
		if strings.HasPrefix(input, "^") {
			list = append(list, input)
		}
	}
	return list
}

// fill adds a list of equal values beside a node and returns its name.
func (r *rewriter) fill(beside *nodepb.NodeDef, what string, value float32, n int64) string {
	return r.add(beside, what, "Const", map[string]*attrpb.AttrValue{
		"dtype": {Value: &attrpb.AttrValue_Type{Type: typespb.DataType_DT_FLOAT}},
		"value": tensorAttr(&tensorpb.TensorProto{Dtype: typespb.DataType_DT_FLOAT, TensorShape: shapeProto([]int64{n}), FloatVal: []float32{value}}),
	})
}

// add adds an operation beside a node and returns its name.
func (r *rewriter) add(beside *nodepb.NodeDef, what, op string, attrs map[string]*attrpb.AttrValue, inputs ...string) string {
	name := beside.GetName() + "/own_" + what
	for r.nodes[name] != nil {
		name += "_"
	}
	node := &nodepb.NodeDef{Name: name, Op: op, Device: beside.GetDevice(), Attr: attrs, Input: inputs}
	r.nodes[name] = node
	r.added = append(r.added, node)
	return name
}

// only is the one node that uses a node, if it is float32 and of a type, and
// nothing else reads what it uses.
func (r *rewriter) only(n *nodepb.NodeDef, op string) *nodepb.NodeDef {
	users := r.consumers[n.GetName()]
	if len(users) != 1 || r.named[n.GetName()] || users[0].GetOp() != op || !isFloat(users[0]) || !reads(users[0].GetInput(), n) {
		return nil
	}
	return users[0]
}

// reads reports whether a first input is the first output of a node.
func reads(inputs []string, n *nodepb.NodeDef) bool {
	return len(inputs) > 0 && (inputs[0] == n.GetName() || inputs[0] == n.GetName()+":0")
}

// geometry is a convolution as our kernel takes it.
type geometry struct {
	x             string
	before, after int64
	side          int64 // that its kernel must have, 0 for any
	out           int64
	upsample      bool
	waits         []string // of a resize that is left out
}

func (r *rewriter) geometry(conv *nodepb.NodeDef) (c geometry, ok bool) {
	a := conv.GetAttr()
	if !isFloat(conv) || order(conv) != orderNHWC || !allOnes(a["strides"]) || !allOnes(a["dilations"]) || len(conv.GetInput()) < 2 {
		return c, false
	}
	c.x = conv.GetInput()[0]
	x, kernel := r.shape(c.x), r.shape(conv.GetInput()[1])
	if len(x) != 4 || len(kernel) != 4 || slices.Min(kernel) < 1 || kernel[0] != kernel[1] || kernel[0] > maxOwnKernel ||
		kernel[2] != x[3] || !r.rests(conv.GetInput()[1]) {
		return c, false
	}
	c.out = kernel[3]
	switch string(a["padding"].GetS()) {
	case "SAME":
		c.before = (kernel[0] - 1) / 2
		c.after = kernel[0] - 1 - c.before
		c.side = kernel[0] // files may hold another than the graph says
	case "VALID":
	default:
		return c, false
	}
	if small, doubles := r.doubled(c.x); doubles && kernel[0] == 3 && c.before == 1 {
		c.waits = controls(r.nodes[nodeOf(c.x)])
		c.x, c.upsample = small, true
	}
	return c, true
}

// maxOwnKernel is the largest side of a kernel that our operation takes.
const maxOwnKernel = 63

// doubled is what a resize repeats to maps of twice the sides.
func (r *rewriter) doubled(input string) (small string, ok bool) {
	n := r.nodes[nodeOf(input)]
	if n.GetOp() != "ResizeNearestNeighbor" || !isFloat(n) || n.GetAttr()["align_corners"].GetB() || n.GetAttr()["half_pixel_centers"].GetB() {
		return "", false
	}
	from, to := r.shape(n.GetInput()[0]), r.shape(input)
	if len(from) != 4 || len(to) != 4 || from[1] < 1 || from[2] < 1 || to[1] != 2*from[1] || to[2] != 2*from[2] {
		return "", false
	}
	return n.GetInput()[0], true
}

// rests reports whether a tensor is a constant or a variable: kernels are
// transformed once, or again when they come in another buffer. Whoever assigns to
// a variable of version 2 while others hold its value gives it a new one; those of
// version 1 are written in place.
func (r *rewriter) rests(input string) bool {
	for range len(r.nodes) {
		n := r.nodes[nodeOf(input)]
		switch n.GetOp() {
		case "Const", "ReadVariableOp":
			return true
		case "Variable", "VariableV2":
			return !r.assigns
		case "Identity":
			input = n.GetInput()[0]
		default:
			return false
		}
	}
	return false
}

// shape is what is known of a tensor's; nil where not even its rank is.
func (r *rewriter) shape(input string) []int64 {
	name, index, err := outputOf(input)
	if err != nil {
		return nil
	}
	op := r.shapes.Operation(name)
	if op == nil || index >= op.NumOutputs() {
		return nil
	}
	return SpecOf(op.Output(index)).Shape
}

const orderNHWC = "NHWC"

// order of a map's dimensions.
func order(n *nodepb.NodeDef) string {
	if s := n.GetAttr()["data_format"].GetS(); len(s) > 0 {
		return string(s)
	}
	return orderNHWC
}

func isFloat(n *nodepb.NodeDef) bool {
	return n.GetAttr()["T"].GetType() == typespb.DataType_DT_FLOAT
}

// allOnes reports whether there is no list, or none but ones in it.
func allOnes(a *attrpb.AttrValue) bool {
	return !slices.ContainsFunc(a.GetList().GetI(), func(i int64) bool { return i != 1 })
}

func intAttr(i int64) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_I{I: i}}
}

func boolAttr(b bool) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_B{B: b}}
}
