package tfjs

import (
	"fmt"
	"strings"

	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	typepb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// plainOf are the operations at the heart of those that do several things.
var plainOf = map[string]string{
	"_FusedConv2D":               "Conv2D",
	"FusedConv2D":                "Conv2D",
	"_FusedMatMul":               "MatMul",
	"FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
}

// heartAttributes are what the operations at the heart take over.
var heartAttributes = map[string][]string{
	"Conv2D":                {"T", "strides", "padding", "explicit_paddings", "dilations", "data_format"},
	"DepthwiseConv2dNative": {"T", "strides", "padding", "explicit_paddings", "dilations", "data_format"},
	"MatMul":                {"T", "transpose_a", "transpose_b"},
}

// expander replaces nodes; the last node of a replacement keeps the name, so that
// whoever read the old node reads the new one.
type expander struct {
	names map[string]bool
	out   []*nodepb.NodeDef
}

// expand replaces the operations that TensorFlow lacks or wants otherwise, and
// counts them by type.
func expand(g *graphpb.GraphDef) (map[string]int, error) {
	e := &expander{names: make(map[string]bool, len(g.GetNode()))}
	for _, n := range g.GetNode() {
		e.names[n.GetName()] = true
	}
	count := map[string]int{}
	for _, n := range g.GetNode() {
		var err error
		switch {
		case plainOf[n.GetOp()] != "":
			err = e.fused(n)
		case n.GetOp() == "Prelu":
			err = e.prelu(n)
		default:
			e.out = append(e.out, n)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("its node %s, a %s: %w", n.GetName(), n.GetOp(), err)
		}
		count[n.GetOp()]++
	}
	g.Node = e.out
	return count, nil
}

// add appends a node of one element type and returns its name.
func (e *expander) add(name, op string, dtype *attrpb.AttrValue, inputs ...string) *nodepb.NodeDef {
	n := &nodepb.NodeDef{Name: name, Op: op, Input: inputs, Attr: map[string]*attrpb.AttrValue{"T": dtype}}
	e.out = append(e.out, n)
	return n
}

// fresh is a name below that of a node which no node has.
func (e *expander) fresh(n *nodepb.NodeDef, part string) string {
	name := n.GetName() + "/" + part
	for i := 1; e.names[name]; i++ {
		name = fmt.Sprintf("%s/%s_%d", n.GetName(), part, i)
	}
	e.names[name] = true
	return name
}

// typeOf is the element type of a node; TensorFlow.js computes in float32.
func typeOf(n *nodepb.NodeDef) *attrpb.AttrValue {
	if t := n.GetAttr()["T"]; t != nil {
		return t
	}
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Type{Type: typepb.DataType_DT_FLOAT}}
}

// fused replaces a convolution or product with what is done to its result: a bias
// is added, then an activation acts.
func (e *expander) fused(n *nodepb.NodeDef) error {
	var steps []string
	for _, s := range n.GetAttr()["fused_ops"].GetList().GetS() {
		steps = append(steps, string(s))
	}
	inputs, after := split(n.GetInput())
	if len(inputs) < 2 {
		return fmt.Errorf("it has %d inputs", len(inputs))
	}
	extra := inputs[2:]
	name := func(last bool, part string) string {
		if last {
			return n.GetName()
		}
		return e.fresh(n, part)
	}
	op := plainOf[n.GetOp()]
	at := name(len(steps) == 0, "product")
	heart := e.add(at, op, typeOf(n), append(inputs[:2:2], after...)...)
	for _, key := range heartAttributes[op] {
		if a := n.GetAttr()[key]; a != nil {
			heart.Attr[key] = a
		}
	}
	for i, step := range steps {
		last := i == len(steps)-1
		want := map[string]int{"BiasAdd": 1, "Prelu": 1}[step]
		if len(extra) < want {
			return fmt.Errorf("it has %d inputs, too few for %v", len(inputs), steps)
		}
		mine := extra[:want]
		extra = extra[want:]
		next := name(last, "step")
		if err := e.step(n, next, step, at, mine); err != nil {
			return err
		}
		at = next
	}
	if len(extra) > 0 {
		return fmt.Errorf("it has %d inputs, too many for %v", len(inputs), steps)
	}
	return nil
}

// split divides what a node reads from what it only waits for.
func split(inputs []string) (read, after []string) {
	for _, in := range inputs {
		if strings.HasPrefix(in, "^") {
			after = append(after, in)
		} else {
			read = append(read, in)
		}
	}
	return read, after
}

// step adds one of the things that are done to a product.
func (e *expander) step(n *nodepb.NodeDef, name, step, at string, extra []string) error {
	switch step {
	case "BiasAdd":
		bias := e.add(name, "BiasAdd", typeOf(n), at, extra[0])
		if f := n.GetAttr()["data_format"]; f != nil {
			bias.Attr["data_format"] = f
		}
	case "Relu", "Relu6", "Elu", "Sigmoid", "Tanh":
		e.add(name, step, typeOf(n), at)
	case "LeakyRelu":
		leaky := e.add(name, step, typeOf(n), at)
		if a := n.GetAttr()["leakyrelu_alpha"]; a != nil {
			leaky.Attr["alpha"] = a
		}
	case "Prelu":
		e.leak(n, name, at, extra[0])
	default:
		return fmt.Errorf("its step %q is not read", step)
	}
	return nil
}

func (e *expander) prelu(n *nodepb.NodeDef) error {
	inputs, _ := split(n.GetInput())
	if len(inputs) != 2 {
		return fmt.Errorf("it has %d inputs", len(inputs))
	}
	e.leak(n, n.GetName(), inputs[0], inputs[1])
	return nil
}

// leak adds max(x, 0) + alpha min(x, 0), with min(x, 0) = -max(-x, 0).
func (e *expander) leak(n *nodepb.NodeDef, name, x, alpha string) {
	t := typeOf(n)
	above := e.add(e.fresh(n, "above"), "Relu", t, x).GetName()
	minus := e.add(e.fresh(n, "minus"), "Neg", t, x).GetName()
	depth := e.add(e.fresh(n, "depth"), "Relu", t, minus).GetName()
	below := e.add(e.fresh(n, "below"), "Neg", t, depth).GetName()
	slope := e.add(e.fresh(n, "slope"), "Mul", t, below, alpha).GetName()
	e.add(name, "AddV2", t, above, slope)
}
