package savedmodel

import (
	"fmt"

	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	opdefpb "github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"

	"github.com/prioritycut/prioritycut/internal/random"
)

// forge makes models of what bytes say: convolutions and what stands around them,
// with attributes, types, shapes and edges that may be wrong.
type forge struct {
	data  []byte
	def   *graphpb.GraphDef
	maps  []forgedMap
	init  []string // operations that give variables their values
	moved []string // variables that calls change, to be fetched
	large bool     // claims sizes that nobody should compute
	// seed of the next weights.
	seed int64
}

// forgedMap is a map of a graph with so many channels, if all is well.
type forgedMap struct {
	tensor   string
	channels int64
}

// next is a number below n, 0 at the end of the bytes.
func (f *forge) next(n int) int {
	if len(f.data) == 0 {
		return 0
	}
	b := f.data[0]
	f.data = f.data[1:]
	return int(b) % n
}

// rarely is for what TensorFlow refuses.
func (f *forge) rarely() bool { return f.next(32) == 31 }

func (f *forge) pick() forgedMap { return f.maps[len(f.maps)-1-f.next(2)%len(f.maps)] }

func (f *forge) add(op string, attrs map[string]*attrpb.AttrValue, inputs ...string) string {
	name := fmt.Sprintf("n%d", len(f.def.GetNode()))
	f.def.Node = append(f.def.Node, &nodepb.NodeDef{Name: name, Op: op, Input: inputs, Attr: attrs})
	return name
}

func (f *forge) made(tensor string, channels int64) {
	f.maps = append(f.maps, forgedMap{tensor, channels})
}

var floatAttr = typeAttr(typespb.DataType_DT_FLOAT)

func float32s(name string) map[string]*attrpb.AttrValue {
	return map[string]*attrpb.AttrValue{name: floatAttr}
}

func intsAttr(list ...int64) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_List{List: &attrpb.AttrValue_ListValue{I: list}}}
}

// constant adds values between two bounds, one for all of a large one.
func (f *forge) constant(low, high float64, dims ...int64) string {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	p := &tensorpb.TensorProto{Dtype: typespb.DataType_DT_FLOAT, TensorShape: shapeProto(dims)}
	if f.large = f.large || n > 1<<16; n > 1<<16 {
		n = 1
	}
	f.seed++
	r := random.New(f.seed)
	for range n {
		p.FloatVal = append(p.FloatVal, float32(r.Uniform(low, high)))
	}
	return f.add("Const", map[string]*attrpb.AttrValue{"dtype": floatAttr, "value": tensorAttr(p)})
}

func (f *forge) ints(values ...int32) string {
	p := &tensorpb.TensorProto{Dtype: typespb.DataType_DT_INT32, TensorShape: shapeProto([]int64{int64(len(values))}), IntVal: values}
	return f.add("Const", map[string]*attrpb.AttrValue{"dtype": typeAttr(typespb.DataType_DT_INT32), "value": tensorAttr(p)})
}

// forgedKernel is one, maybe read from a variable.
type forgedKernel struct {
	tensor, variable string
	dims             []int64
	version1         bool
}

// kernel adds one for maps, as a constant, a variable of either version, or
// computed.
func (f *forge) kernel(in int64) forgedKernel {
	sides := [][2]int64{{3, 3}, {3, 3}, {1, 1}, {4, 4}, {2, 2}, {7, 7}, {1, 3}, {5, 5}, {64, 64}}[f.next(9)]
	out := []int64{in, in, 4, 17, 1}[f.next(5)]
	if f.rarely() {
		out = 1 << 16
	}
	dims := []int64{sides[0], sides[1], in, out}
	if f.rarely() {
		dims[2]++
	}
	value := f.constant(-0.5, 0.5, dims...)
	attrs := map[string]*attrpb.AttrValue{"dtype": floatAttr, "shape": shapeAttr(dims)}
	k := forgedKernel{tensor: value, dims: dims}
	switch f.next(8) {
	case 3:
		k.variable = f.add("VarHandleOp", attrs)
		f.init = append(f.init, f.add("AssignVariableOp", float32s("dtype"), k.variable, value))
		k.tensor = f.add("ReadVariableOp", float32s("dtype"), k.variable)
	case 4:
		k.variable, k.version1 = f.add("VariableV2", attrs), true
		f.init = append(f.init, f.add("Assign", float32s("T"), k.variable, value))
		k.tensor = f.add("Identity", float32s("T"), k.variable)
	case 5:
		k.tensor = f.add("Tanh", float32s("T"), value)
	case 6:
		k.tensor = f.add("Identity", float32s("T"), value)
	}
	return k
}

// move adds to the values of a variable once they have been used.
func (f *forge) move(k forgedKernel, user string) {
	delta := f.constant(-0.5, 0.5, k.dims...)
	var moved string
	if k.version1 {
		moved = f.add("Identity", float32s("T"), f.add("AssignAdd", float32s("T"), k.variable, delta, "^"+user))
	} else {
		write := f.add("AssignAddVariableOp", float32s("dtype"), k.variable, delta, "^"+user)
		moved = f.add("ReadVariableOp", float32s("dtype"), k.variable, "^"+write)
	}
	f.moved = append(f.moved, moved)
}

// order sets the order of dimensions, or leaves it out.
func (f *forge) order(attrs map[string]*attrpb.AttrValue) map[string]*attrpb.AttrValue {
	if f.next(2) == 1 {
		attrs["data_format"] = stringAttr("NHWC")
	}
	if f.rarely() {
		attrs["data_format"] = stringAttr("NCHW")
	}
	return attrs
}

func (f *forge) convolution() {
	x := f.pick()
	k := f.kernel(x.channels)
	attrs := f.order(float32s("T"))
	attrs["strides"] = [...]*attrpb.AttrValue{intsAttr(1, 1, 1, 1), intsAttr(1, 1, 1, 1), intsAttr(1, 2, 2, 1), intsAttr(1, 1, 2, 1)}[f.next(4)]
	if f.rarely() {
		attrs["strides"] = intsAttr(1, 1)
	}
	padding := []string{"SAME", "SAME", "SAME", "VALID", "EXPLICIT"}[f.next(5)]
	attrs["padding"] = stringAttr(padding)
	if padding == "EXPLICIT" || f.rarely() {
		attrs["explicit_paddings"] = intsAttr(0, 0, 1, 1, 2, 0, 0, 0)
	}
	if n := f.next(5); n > 2 {
		attrs["dilations"] = [...]*attrpb.AttrValue{intsAttr(1, 1, 1, 1), intsAttr(1, 2, 2, 1)}[n-3]
	}
	name := f.add("Conv2D", attrs, x.tensor, k.tensor)
	f.made(name, k.dims[3])
	if k.variable != "" && f.next(2) == 1 {
		f.move(k, name)
	}
}

func (f *forge) norm() {
	x := f.pick()
	op := []string{"FusedBatchNormV3", "FusedBatchNormV2", "FusedBatchNorm"}[f.next(3)]
	attrs := f.order(float32s("T"))
	if op != "FusedBatchNorm" {
		attrs["U"] = floatAttr
	}
	training := f.next(4) == 3
	if n := f.next(8); n < 7 {
		attrs["is_training"] = boolAttr(training)
	} else {
		training = true
	}
	if f.next(4) < 3 {
		attrs["epsilon"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_F{F: 0.01}}
	}
	n := x.channels
	lists := []string{f.constant(0.5, 1.5, n), f.constant(-1, 1, n)}
	if training {
		n = 0
	} else if f.rarely() {
		n = 1
	}
	lists = append(lists, f.constant(-1, 1, n), f.constant(0.5, 1.5, n))
	name := f.add(op, attrs, append([]string{x.tensor}, lists...)...)
	f.made(name, x.channels)
	if f.next(8) == 7 { // the averages are read, too
		f.made(name+":1", x.channels)
	}
}

func (f *forge) resize() {
	x := f.pick()
	size := [][2]int32{{12, 10}, {12, 10}, {6, 10}, {24, 20}}[f.next(4)]
	if f.rarely() {
		size[0] = 0
	}
	attrs := float32s("T")
	switch f.next(6) {
	case 4:
		attrs["align_corners"] = boolAttr(true)
	case 5:
		attrs["half_pixel_centers"] = boolAttr(true)
	}
	f.made(f.add("ResizeNearestNeighbor", attrs, x.tensor, f.ints(size[0], size[1])), x.channels)
}

// call adds a function with a convolution, and calls it.
func (f *forge) call() {
	x := f.pick()
	const name = "convolves"
	arg := func(name string) *opdefpb.OpDef_ArgDef {
		return &opdefpb.OpDef_ArgDef{Name: name, Type: typespb.DataType_DT_FLOAT}
	}
	attrs := float32s("T")
	attrs["strides"], attrs["padding"] = intsAttr(1, 1, 1, 1), stringAttr("SAME")
	f.def.Library = &funcpb.FunctionDefLibrary{Function: []*funcpb.FunctionDef{{
		Signature: &opdefpb.OpDef{Name: name, InputArg: []*opdefpb.OpDef_ArgDef{arg("x"), arg("kernel")}, OutputArg: []*opdefpb.OpDef_ArgDef{arg("y")}},
		NodeDef: []*nodepb.NodeDef{
			{Name: "conv", Op: "Conv2D", Input: []string{"x", "kernel"}, Attr: attrs},
			{Name: "relu", Op: "Relu", Input: []string{"conv:output:0"}, Attr: float32s("T")},
		},
		Ret: map[string]string{"y": "relu:activations:0"},
	}}}
	one := typespb.DataType_DT_FLOAT
	kernel := f.constant(-0.5, 0.5, 3, 3, x.channels, 4)
	f.made(f.add([]string{"PartitionedCall", "StatefulPartitionedCall"}[f.next(2)], map[string]*attrpb.AttrValue{
		"Tin": typesAttr([]typespb.DataType{one, one}), "Tout": typesAttr([]typespb.DataType{one}), "f": funcAttr(&attrpb.NameAttrList{Name: name}),
	}, x.tensor, kernel), 4)
}

// spoil changes one node: its attributes, what it waits for, where it wants to be.
func (f *forge) spoil() {
	nodes := f.def.GetNode()
	n := nodes[len(nodes)-1-f.next(8)%len(nodes)]
	other := nodes[len(nodes)-1-f.next(8)%len(nodes)].GetName()
	keys := sortedKeys(n.GetAttr())
	switch key := ""; f.next(8) {
	case 0, 1:
		n.Input = append(n.Input, "^"+other)
	case 2, 3:
		n.Attr["_class"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_List{List: &attrpb.AttrValue_ListValue{S: [][]byte{[]byte("loc:@" + other)}}}}
	case 4:
		if len(keys) > 0 {
			key = keys[f.next(len(keys))]
		}
		delete(n.Attr, key)
	case 5:
		if len(keys) > 0 {
			n.Attr[keys[f.next(len(keys))]] = [...]*attrpb.AttrValue{intAttr(-1), stringAttr("NCHW"), boolAttr(true), intsAttr(1 << 40), typeAttr(typespb.DataType_DT_DOUBLE)}[f.next(5)]
		}
	case 6:
		n.Device = []string{"/device:CPU:0", "/job:nobody", "/device:GPU:7"}[f.next(3)]
	case 7:
		if len(n.GetInput()) > 0 {
			n.Input[f.next(len(n.GetInput()))] = other
		}
	}
}

// forgedModel is a model of what bytes say. Large says that it claims sizes that
// should not be computed.
func forgedModel(data []byte) (*pb.MetaGraphDef, bool) {
	f := &forge{data: data, def: &graphpb.GraphDef{}}
	shape := [][]int64{{-1, 6, 5, 3}, {2, 6, 5, 3}, {-1, -1, -1, 3}, nil, {-1, 6, 5, -1}, {-1, 0, 5, 3}, {1 << 40, 6, 5, 3}}[f.next(7)]
	f.large = len(shape) > 0 && shape[0] > 2
	f.made(f.add("Placeholder", map[string]*attrpb.AttrValue{"dtype": floatAttr, "shape": shapeAttr(shape)}), 3)
	for len(f.data) > 0 && len(f.def.GetNode()) < 60 {
		switch f.next(12) {
		case 0, 1, 2:
			f.convolution()
		case 3, 4:
			x := f.pick()
			f.made(f.add("BiasAdd", f.order(float32s("T")), x.tensor, f.constant(-1, 1, x.channels)), x.channels)
		case 5, 6:
			x := f.pick()
			f.made(f.add("Relu", float32s("T"), x.tensor), x.channels)
		case 7:
			f.norm()
		case 8:
			f.resize()
		case 9:
			x, y := f.pick(), f.pick()
			if x.channels != y.channels {
				y = x
			}
			f.made(f.add("AddV2", float32s("T"), x.tensor, y.tensor), x.channels)
		case 10:
			f.call()
		case 11:
			f.spoil()
		}
	}
	inputs, outputs := []string{"n0"}, f.moved
	for i, m := range f.maps {
		if i == len(f.maps)-1 || i%3 == len(data)%3 {
			outputs = append(outputs, m.tensor)
		}
	}
	if len(data)%8 == 7 { // what another operation computes is fed
		inputs = append(inputs, f.maps[len(f.maps)/2].tensor)
	}
	return f.meta(inputs, outputs), f.large
}

// meta is the model in which calls feed and fetch some tensors.
func (f *forge) meta(inputs, outputs []string) *pb.MetaGraphDef {
	infos := func(tensors []string) map[string]*pb.TensorInfo {
		list := map[string]*pb.TensorInfo{}
		for _, t := range tensors {
			list[t] = &pb.TensorInfo{Encoding: &pb.TensorInfo_Name{Name: t}, Dtype: typespb.DataType_DT_FLOAT, TensorShape: shapeProto(nil)}
		}
		return list
	}
	m := &pb.MetaGraphDef{GraphDef: f.def, SignatureDef: map[string]*pb.SignatureDef{
		DefaultSignature: {Inputs: infos(inputs), Outputs: infos(outputs)},
	}}
	if len(f.init) > 0 {
		for i := range f.init {
			f.init[i] = "^" + f.init[i]
		}
		initialise(f.add("NoOp", nil, f.init...))(&pb.SavedModel{MetaGraphs: []*pb.MetaGraphDef{m}})
	}
	return m
}
