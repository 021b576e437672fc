package detectors

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/detectors/tfjs"
)

// builder adds operations and networks to one graph. The first error sticks to
// its scope; finish tells it.
type builder struct {
	graph   *tensorflow.Graph
	scope   *op.Scope
	archive *Archive
	// steps and networks are how many were added: they make names their own.
	steps, networks int
}

func newBuilder(a *Archive) *builder {
	g := tensorflow.NewGraph()
	return &builder{graph: g, scope: op.NewScopeWithGraph(g).SubScope("detector"), archive: a}
}

// next is the scope of the next operation: the binding gives operations of one
// type and scope the same name.
func (b *builder) next() *op.Scope {
	b.steps++
	return b.scope.SubScope(fmt.Sprintf("step_%d", b.steps))
}

func (b *builder) finish() error { return b.scope.Err() }

// failed keeps the first error and returns a tensor that no operation takes.
func (b *builder) failed(what string, err error) tensorflow.Output {
	b.scope.UpdateErr(what, err)
	return tensorflow.Output{}
}

// network adds a network that reads x and returns one of its outputs.
func (b *builder) network(n Network, x tensorflow.Output, output string) tensorflow.Output {
	if b.scope.Err() != nil {
		return tensorflow.Output{}
	}
	m, err := tfjs.Read(b.archive.Read, n.File)
	if err != nil {
		return b.failed(n.File, err)
	}
	out, ok := m.Outputs[output]
	if !ok || len(m.Inputs) != 1 {
		return b.failed(n.File, fmt.Errorf("it has %d inputs and no output %s", len(m.Inputs), output))
	}
	data, err := proto.Marshal(m.Graph)
	if err != nil {
		return b.failed(n.File, err)
	}
	b.networks++
	prefix := fmt.Sprintf("network_%d", b.networks)
	o := tensorflow.GraphImportOptions{Prefix: prefix}
	for _, in := range m.Inputs {
		o.AddInputMapping(node(in.Name), 0, x)
	}
	if err := b.graph.ImportWithOptions(data, o); err != nil {
		return b.failed(n.File, err)
	}
	found := b.graph.Operation(prefix + "/" + node(out.Name))
	if found == nil {
		return b.failed(n.File, fmt.Errorf("its output %s is gone", out.Name))
	}
	return found.Output(0)
}

// node is the node of a tensor's name; networks here have one output a node.
func node(tensor string) string {
	for i, c := range tensor {
		if c == ':' {
			return tensor[:i]
		}
	}
	return tensor
}

// The arithmetic of float32 tensors.

func (b *builder) num(v float32) tensorflow.Output              { return op.Const(b.next(), v) }
func (b *builder) add(x, y tensorflow.Output) tensorflow.Output { return op.AddV2(b.next(), x, y) }
func (b *builder) sub(x, y tensorflow.Output) tensorflow.Output { return op.Sub(b.next(), x, y) }
func (b *builder) mul(x, y tensorflow.Output) tensorflow.Output { return op.Mul(b.next(), x, y) }
func (b *builder) times(x tensorflow.Output, v float32) tensorflow.Output {
	return b.mul(x, b.num(v))
}
func (b *builder) plus(x tensorflow.Output, v float32) tensorflow.Output { return b.add(x, b.num(v)) }

// column is column i of x [N, C] -> [N].
func (b *builder) column(x tensorflow.Output, i int32) tensorflow.Output {
	return op.GatherV2(b.next(), x, op.Const(b.next(), i), op.Const(b.next(), int32(1)))
}

// columns joins vectors [N] into [N, C].
func (b *builder) columns(x ...tensorflow.Output) tensorflow.Output {
	return op.Pack(b.next(), x, op.PackAxis(1))
}

// reshape gives x another shape; one size may be -1.
func (b *builder) reshape(x tensorflow.Output, shape ...int32) tensorflow.Output {
	return op.Reshape(b.next(), x, op.Const(b.next(), shape))
}
