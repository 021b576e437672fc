package decode

import (
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	opdefpb "github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// attrs are the attributes of a node.
type attrs = map[string]*attrpb.AttrValue

// function is a FunctionDef under construction. Values are named as inside
// functions: "node:output:index".
type function struct{ nodes []*nodepb.NodeDef }

// add adds a node; op is "Type:name of its output".
func (f *function) add(name, op string, a attrs, inputs ...string) string {
	var kind, output string
	for i := range op {
		if op[i] == ':' {
			kind, output = op[:i], op[i+1:]
		}
	}
	f.nodes = append(f.nodes, &nodepb.NodeDef{Name: name, Op: kind, Input: inputs, Attr: a})
	return name + ":" + output + ":0"
}

func (f *function) def(name, input, output, value string) *funcpb.FunctionDef {
	return &funcpb.FunctionDef{
		Signature: &opdefpb.OpDef{
			Name:      name,
			InputArg:  []*opdefpb.OpDef_ArgDef{{Name: input, Type: typespb.DataType_DT_STRING}},
			OutputArg: []*opdefpb.OpDef_ArgDef{{Name: output, Type: typespb.DataType_DT_FLOAT}},
		},
		NodeDef: f.nodes,
		Ret:     map[string]string{output: value},
	}
}

var double = typespb.DataType_DT_DOUBLE

func (f *function) binary(name, op, a, b string) string {
	return f.add(name, op+":z", attrs{"T": typeOf(double)}, a, b)
}

func (f *function) mul(name, a, b string) string { return f.binary(name, "Mul", a, b) }

func (f *function) div(name, a, b string) string { return f.binary(name, "RealDiv", a, b) }

func (f *function) unary(name, op, a string) string {
	return f.add(name, op+":y", attrs{"T": typeOf(double)}, a)
}

// round is floor(a + 1/2).
func (f *function) round(name, a string) string {
	return f.unary(name, "Floor", f.binary(name+"_up", "AddV2", a, f.doubles(name+"_half", 0.5)))
}

func (f *function) cast(name, a string, from, to typespb.DataType) string {
	return f.add(name, "Cast:y", attrs{"SrcT": typeOf(from), "DstT": typeOf(to), "Truncate": boolOf(false)}, a)
}

func (f *function) constant(name string, t *tensorpb.TensorProto) string {
	return f.add(name, "Const:output", attrs{"dtype": typeOf(t.GetDtype()), "value": {Value: &attrpb.AttrValue_Tensor{Tensor: t}}})
}

func (f *function) doubles(name string, v ...float64) string {
	return f.constant(name, &tensorpb.TensorProto{Dtype: double, TensorShape: shapeOf(int64(len(v))), DoubleVal: v})
}

func (f *function) ints(name string, v ...int32) string {
	return f.constant(name, &tensorpb.TensorProto{Dtype: typespb.DataType_DT_INT32, TensorShape: shapeOf(int64(len(v))), IntVal: v})
}

func (f *function) scalarInt(name string, v int32) string {
	return f.constant(name, &tensorpb.TensorProto{Dtype: typespb.DataType_DT_INT32, TensorShape: shapeOf(), IntVal: []int32{v}})
}

func (f *function) single(name string, v float32) string {
	return f.constant(name, &tensorpb.TensorProto{Dtype: typespb.DataType_DT_FLOAT, TensorShape: shapeOf(), FloatVal: []float32{v}})
}

func shapeOf(dims ...int64) *shapepb.TensorShapeProto {
	p := &shapepb.TensorShapeProto{}
	for _, d := range dims {
		p.Dim = append(p.Dim, &shapepb.TensorShapeProto_Dim{Size: d})
	}
	return p
}

func shapeAttr(p *shapepb.TensorShapeProto) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Shape{Shape: p}}
}

func typeOf(t typespb.DataType) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Type{Type: t}}
}

func typesOf(t ...typespb.DataType) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_List{List: &attrpb.AttrValue_ListValue{Type: t}}}
}

func intOf(v int64) *attrpb.AttrValue { return &attrpb.AttrValue{Value: &attrpb.AttrValue_I{I: v}} }
func boolOf(v bool) *attrpb.AttrValue { return &attrpb.AttrValue{Value: &attrpb.AttrValue_B{B: v}} }
func textOf(v string) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_S{S: []byte(v)}}
}
