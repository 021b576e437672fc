// Package memory estimates what a graph needs while it runs, before anything is
// allocated.
package memory

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"
	framework "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/graph"
)

// Need is what a graph needs while it runs, in bytes.
type Need struct {
	// Variables live all the time: weights, slots, averages.
	Variables int64
	// Temporaries are the most that is alive at one moment of a run.
	Temporaries int64
}

// Total is the sum of the parts.
func (n Need) Total() int64 { return n.Variables + n.Temporaries }

// Estimate walks through one run of target in the order in which
// TensorFlow's executor starts operations, and adds up the outputs that are
// alive. Views (a Reshape, a read of a variable) cost nothing; kernels that
// write over an input that nobody else needs do so here too. Scratch space
// inside kernels is not counted.
func Estimate(s *graph.Scope, target *tensorflow.Operation, fetches ...tensorflow.Output) (Need, error) {
	if err := s.Err(); err != nil {
		return Need{}, err
	}
	var m Need
	for _, v := range s.Variables() {
		m.Variables += int64(v.Size()) * elementSize(v.DType)
	}
	walk, err := newWalk(s.Graph())
	if err != nil {
		return Need{}, err
	}
	roots := []string{target.Name()}
	for _, f := range fetches {
		roots = append(roots, f.Op.Name())
	}
	m.Temporaries = walk.run(roots)
	return m, nil
}

// walk simulates the executor on the nodes of a graph.
type walk struct {
	graph *tensorflow.Graph
	nodes map[string]*node
}

type node struct {
	name, op string
	inputs   []input // data
	control  []string
	outputs  []*buffer

	waiting   int // inputs that have not run
	needed    bool
	consumers []*node
}

type input struct {
	node  string
	index int
}

// buffer is memory that one or more outputs share.
type buffer struct {
	bytes int64
	users int // consumers that have not run
}

func newWalk(g *tensorflow.Graph) (*walk, error) {
	var text bytes.Buffer
	if _, err := g.WriteTo(&text); err != nil {
		return nil, fmt.Errorf("memory estimate: %w", err)
	}
	var def framework.GraphDef
	if err := proto.Unmarshal(text.Bytes(), &def); err != nil {
		return nil, fmt.Errorf("memory estimate: %w", err)
	}
	w := &walk{graph: g, nodes: make(map[string]*node, len(def.Node))}
	for _, n := range def.Node {
		node := &node{name: n.Name, op: n.Op}
		for _, in := range n.Input {
			if from, ok := strings.CutPrefix(in, "^"); ok {
				node.control = append(node.control, from)
				continue
			}
			from, index := in, 0
			if i := strings.LastIndexByte(in, ':'); i >= 0 {
				from = in[:i]
				var err error
				if index, err = strconv.Atoi(in[i+1:]); err != nil {
					return nil, fmt.Errorf("memory estimate: input %q of %s", in, n.Name)
				}
			}
			node.inputs = append(node.inputs, input{from, index})
		}
		w.nodes[n.Name] = node
	}
	return w, nil
}

// run returns the peak of what is alive while the roots are computed.
func (w *walk) run(roots []string) int64 {
	ready := w.prepare(roots)
	var alive, peak int64
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		alive += w.start(n)
		peak = max(peak, alive)
		alive -= w.finish(n)
		for _, c := range n.consumers {
			if c.waiting--; c.waiting == 0 {
				ready = append(ready, c)
			}
		}
	}
	return peak
}

// prepare marks what the roots need and returns the nodes without inputs.
func (w *walk) prepare(roots []string) []*node {
	var order []*node
	stack := roots
	for len(stack) > 0 {
		n := w.nodes[stack[len(stack)-1]]
		stack = stack[:len(stack)-1]
		if n == nil || n.needed {
			continue
		}
		n.needed = true
		order = append(order, n)
		for _, in := range n.inputs {
			stack = append(stack, in.node)
		}
		stack = append(stack, n.control...)
	}
	var ready []*node
	for _, n := range order {
		from := append([]string(nil), n.control...)
		for _, in := range n.inputs {
			from = append(from, in.node)
		}
		n.waiting = len(from)
		for _, name := range from {
			if producer := w.nodes[name]; producer != nil {
				producer.consumers = append(producer.consumers, n)
			}
		}
		if n.waiting == 0 {
			ready = append(ready, n)
		}
	}
	return ready
}

// views return their first input's memory under another shape or name.
var views = map[string]bool{
	"Identity": true, "StopGradient": true, "Reshape": true, "ExpandDims": true, "Squeeze": true,
	"PreventGradient": true, "Assert": true,
}

// inPlace are kernels that may write over an input nobody else needs.
var inPlace = map[string]bool{
	"AddV2": true, "Add": true, "Sub": true, "Mul": true, "RealDiv": true, "Neg": true, "Abs": true, "Square": true,
	"Sqrt": true, "Rsqrt": true, "Exp": true, "Log": true, "Sign": true, "Relu": true, "ReluGrad": true,
	"LeakyRelu": true, "LeakyReluGrad": true, "Sigmoid": true, "SigmoidGrad": true, "Softmax": true,
	"Maximum": true, "Minimum": true, "AddN": true, "BiasAdd": true, "PriorityCutNorm": true, "PriorityCutNormGrad": true,
}

// start makes the outputs of n and returns how much memory that takes.
func (w *walk) start(n *node) (taken int64) {
	op := w.graph.Operation(n.name)
	n.outputs = make([]*buffer, op.NumOutputs())
	users := make([]int, len(n.outputs))
	seen := map[*node]bool{} // a consumer stands once for each of its edges
	for _, c := range n.consumers {
		if seen[c] {
			continue
		}
		seen[c] = true
		for _, in := range c.inputs {
			if in.node == n.name && in.index < len(users) {
				users[in.index]++
			}
		}
	}
	for i := range n.outputs {
		var shared *buffer
		size := w.size(op.Output(i), n)
		switch {
		case n.op == "ReadVariableOp" || n.op == "VarHandleOp" || n.op == "Const" || n.op == "Placeholder":
			shared = &buffer{} // counted elsewhere, or made once
		case views[n.op] && i == 0:
			shared = w.input(n, 0)
		case inPlace[n.op] && i == 0:
			shared = w.reusable(n, size)
		}
		if shared == nil {
			shared = &buffer{bytes: size}
			taken += size
		}
		shared.users += users[i]
		n.outputs[i] = shared
	}
	return taken
}

func (w *walk) input(n *node, i int) *buffer {
	if i >= len(n.inputs) {
		return nil
	}
	from := w.nodes[n.inputs[i].node]
	if from == nil || n.inputs[i].index >= len(from.outputs) {
		return nil
	}
	return from.outputs[n.inputs[i].index]
}

// reusable is an input of the output's size that n is the last to use.
func (w *walk) reusable(n *node, size int64) *buffer {
	for i := range n.inputs {
		if b := w.input(n, i); b != nil && b.bytes == size && b.users == 1 {
			return b
		}
	}
	return nil
}

// finish drops what n was the last to use and returns how much that frees.
func (w *walk) finish(n *node) (freed int64) {
	for i := range n.inputs {
		if b := w.input(n, i); b != nil {
			if b.users--; b.users == 0 {
				freed += b.bytes
			}
		}
	}
	for _, b := range n.outputs {
		if b.users == 0 {
			freed += b.bytes
			b.bytes = 0
		}
	}
	return freed
}

// size of an output; where its shape is not known while the graph is built, it
// is taken to be as large as the largest input.
func (w *walk) size(o tensorflow.Output, n *node) int64 {
	shape := o.Shape()
	if shape.NumDimensions() < 0 {
		return w.largestInput(n)
	}
	size := elementSize(o.DataType())
	for i := 0; i < shape.NumDimensions(); i++ {
		if shape.Size(i) < 0 {
			return w.largestInput(n)
		}
		size *= shape.Size(i)
	}
	return size
}

func (w *walk) largestInput(n *node) (largest int64) {
	for i := range n.inputs {
		if b := w.input(n, i); b != nil {
			largest = max(largest, b.bytes)
		}
	}
	return largest
}

// elementSize is the number of bytes of one value; 0 for handles and strings.
func elementSize(dtype tensorflow.DataType) int64 {
	switch dtype {
	case tensorflow.Float, tensorflow.Int32:
		return 4
	case tensorflow.Double, tensorflow.Int64:
		return 8
	case tensorflow.Uint8, tensorflow.Bool, tensorflow.Int8:
		return 1
	case tensorflow.Half, tensorflow.Bfloat16, tensorflow.Int16:
		return 2
	}
	return 0
}
