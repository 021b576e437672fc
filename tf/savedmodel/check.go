package savedmodel

import (
	"errors"
	"fmt"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	opdefpb "github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"

	"github.com/prioritycut/prioritycut/tf"
)

// What a graph of a file may make of its bytes. Larger claims are forged:
// TensorFlow would end the process, or take all of the machine for them.
const (
	// maxConstantBytes bounds the constants of a graph together: a file stores
	// a constant that repeats one value as that value.
	maxConstantBytes = maxModelBytes
	// maxPorts bounds the inputs and outputs that operations count by a number
	// (Split's num_split), together.
	maxPorts = 1 << 22
	// maxRank is TensorFlow's own.
	maxRank = 254
	// maxCallDepth bounds functions that call functions.
	maxCallDepth = 256
	// maxExpandedNodes bounds the nodes of a graph with all calls written out.
	maxExpandedNodes = 1 << 24
)

// checkMetaGraph refuses what TensorFlow would report badly, or not survive.
// A trusted model may hold any operation.
func checkMetaGraph(dir string, meta *pb.MetaGraphDef, trusted bool) error {
	def := meta.GetGraphDef()
	if len(def.GetNode()) == 0 {
		return errors.New("its graph is empty")
	}
	known, err := tf.RegisteredOps()
	if err != nil {
		return err
	}
	if unknown := unknownOps(def, known); len(unknown) > 0 {
		return fmt.Errorf("it uses operations that this TensorFlow does not have: %s; they come from a library of custom operations or a newer TensorFlow",
			strings.Join(unknown[:min(len(unknown), 8)], ", "))
	}
	if err := checkSizes(def, known); err != nil {
		return fmt.Errorf("its graph is damaged: %w", err)
	}
	if err := checkCalls(def); err != nil {
		return fmt.Errorf("its graph is damaged: %w", err)
	}
	if !trusted {
		if err := vet(meta, known); err != nil {
			return err
		}
	}
	if err := checkFiniteConstants(def); err != nil {
		return err
	}
	if meta.GetSaverDef().GetRestoreOpName() == "" {
		return nil
	}
	return checkVariables(dir)
}

// bodies lists the nodes of a graph and of each of its functions.
func bodies(def *graphpb.GraphDef) [][]*nodepb.NodeDef {
	list := [][]*nodepb.NodeDef{def.GetNode()}
	for _, f := range def.GetLibrary().GetFunction() {
		list = append(list, f.GetNodeDef())
	}
	return list
}

// unknownOps lists the types of operations that are neither known nor
// functions of the graph, sorted.
func unknownOps(def *graphpb.GraphDef, known map[string]*opdefpb.OpDef) []string {
	functions := map[string]bool{}
	for _, f := range def.GetLibrary().GetFunction() {
		functions[f.GetSignature().GetName()] = true
	}
	unknown := map[string]bool{}
	for _, nodes := range bodies(def) {
		for _, n := range nodes {
			if known[n.GetOp()] == nil && !functions[n.GetOp()] {
				unknown[n.GetOp()] = true
			}
		}
	}
	return sortedKeys(unknown)
}

// sizes adds up what a graph claims.
type sizes struct{ bytes, ports int64 }

// checkSizes bounds the constants and the numbers of inputs and outputs of all
// nodes.
func checkSizes(def *graphpb.GraphDef, known map[string]*opdefpb.OpDef) error {
	var total sizes
	for _, nodes := range bodies(def) {
		for _, n := range nodes {
			for _, a := range n.GetAttr() {
				if err := total.addConstants(a); err != nil {
					return fmt.Errorf("node %s: %w", n.GetName(), err)
				}
			}
			if err := total.addPorts(n, known[n.GetOp()]); err != nil {
				return fmt.Errorf("node %s: %w", n.GetName(), err)
			}
		}
	}
	return nil
}

// addConstants adds the tensors in an attribute of a node.
func (s *sizes) addConstants(a *attrpb.AttrValue) error {
	if err := s.addConstant(a.GetTensor()); err != nil {
		return err
	}
	for _, t := range a.GetList().GetTensor() {
		if err := s.addConstant(t); err != nil {
			return err
		}
	}
	return nil
}

func (s *sizes) addConstant(t *tensorpb.TensorProto) error {
	if t == nil {
		return nil
	}
	dims := t.GetTensorShape().GetDim()
	if len(dims) > maxRank {
		return fmt.Errorf("a constant has %d dimensions, more than the %d that can be", len(dims), maxRank)
	}
	count := int64(1)
	for _, d := range dims {
		size := d.GetSize()
		if size < 0 {
			return fmt.Errorf("a constant has a dimension of size %d", size)
		}
		// Before a size of 0 that would make it empty: TensorFlow multiplies in
		// this order.
		if size > 0 && count > maxConstantBytes/size {
			return fmt.Errorf("a constant claims more than %d elements", int64(maxConstantBytes))
		}
		count *= size
	}
	s.bytes += min(count*elementBytes(tensorflow.DataType(t.GetDtype())), maxConstantBytes+1)
	if s.bytes > maxConstantBytes {
		return fmt.Errorf("with this one the constants claim more than %d bytes", int64(maxConstantBytes))
	}
	return nil
}

// elementBytes is at least the memory of an element of a tensor.
func elementBytes(t tensorflow.DataType) int64 {
	switch t {
	case tensorflow.Bool, tensorflow.Int8, tensorflow.Uint8:
		return 1
	case tensorflow.Half, tensorflow.Bfloat16, tensorflow.Int16, tensorflow.Uint16:
		return 2
	case tensorflow.Float, tensorflow.Int32, tensorflow.Uint32:
		return 4
	case tensorflow.Double, tensorflow.Int64, tensorflow.Uint64:
		return 8
	}
	return 24 // a string's; resources and variants have more
}

// addPorts adds the inputs and outputs of a node that an attribute counts.
func (s *sizes) addPorts(n *nodepb.NodeDef, op *opdefpb.OpDef) error {
	for _, args := range [][]*opdefpb.OpDef_ArgDef{op.GetInputArg(), op.GetOutputArg()} {
		for _, a := range args {
			if a.GetNumberAttr() == "" {
				continue
			}
			count := n.GetAttr()[a.GetNumberAttr()].GetI()
			s.ports += max(min(count, maxPorts+1), 0) // negative ones TensorFlow reports
			if s.ports > maxPorts {
				return fmt.Errorf("%s is %d; no graph has so many inputs and outputs", a.GetNumberAttr(), count)
			}
		}
	}
	return nil
}

// calls walks the functions of a graph.
type calls struct {
	functions map[string][]*nodepb.NodeDef
	seen      map[string]*extent // nil while it is being measured
}

// extent is the size of a body with all calls written out.
type extent struct {
	nodes  int64
	height int // of calls in it
}

// checkCalls refuses functions that call themselves, and calls that grow beyond
// bounds when they are written out, as TensorFlow does.
func checkCalls(def *graphpb.GraphDef) error {
	c := &calls{functions: map[string][]*nodepb.NodeDef{}, seen: map[string]*extent{}}
	for _, f := range def.GetLibrary().GetFunction() {
		c.functions[f.GetSignature().GetName()] = f.GetNodeDef()
	}
	if _, err := c.measure(def.GetNode(), 0); err != nil {
		return err
	}
	// One that nothing calls is registered, too.
	for _, name := range sortedKeys(c.functions) {
		if _, err := c.function(name, 0); err != nil {
			return err
		}
	}
	return nil
}

// measure measures nodes that are called through depth functions.
func (c *calls) measure(nodes []*nodepb.NodeDef, depth int) (*extent, error) {
	e := &extent{nodes: int64(len(nodes))}
	for _, n := range nodes {
		for _, name := range called(n) {
			if c.functions[name] == nil {
				continue // an operation, or a function that is not there: TensorFlow reports it
			}
			inside, err := c.function(name, depth+1)
			if err != nil {
				return nil, err
			}
			e.nodes += inside.nodes
			e.height = max(e.height, inside.height+1)
			if e.nodes > maxExpandedNodes {
				return nil, fmt.Errorf("its functions, written out, have more than %d nodes", maxExpandedNodes)
			}
		}
	}
	return e, nil
}

func (c *calls) function(name string, depth int) (*extent, error) {
	e, seen := c.seen[name]
	if seen && e == nil {
		return nil, fmt.Errorf("function %s calls itself", name)
	}
	if !seen && depth <= maxCallDepth {
		c.seen[name] = nil
		var err error
		if e, err = c.measure(c.functions[name], depth); err != nil {
			return nil, err
		}
		c.seen[name] = e
	}
	if e == nil || depth+e.height > maxCallDepth {
		return nil, fmt.Errorf("functions call functions more than %d deep, %s among them", maxCallDepth, name)
	}
	return e, nil
}
