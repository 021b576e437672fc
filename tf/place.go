package tf

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// placement is a copy of one or more graphs whose operations name the device that
// computes them. TensorFlow puts operations without a name on its first GPU, and its
// list of visible GPUs is the process's: a session of its own GPU, or of several,
// needs neither then. The copy is made at the first run, when the graphs are complete;
// the session is made with the copy, and everything of the graphs, whose operations
// have different names, is found there by its name.
type placement struct {
	graphs  []*tensorflow.Graph
	devices []string // of each, as GPU:1
	copied  *tensorflow.Graph
	once    sync.Once
	err     error
}

func newPlacement(graphs ...*tensorflow.Graph) *placement {
	return &placement{graphs: graphs, copied: tensorflow.NewGraph()}
}

// complete copies the graphs, once.
func (p *placement) complete() error {
	p.once.Do(func() {
		for i, graph := range p.graphs {
			var def bytes.Buffer
			if _, p.err = graph.WriteTo(&def); p.err == nil {
				p.err = p.copied.ImportWithOptions(def.Bytes(), tensorflow.GraphImportOptions{Device: "/device:" + p.devices[i]})
			}
			if p.err != nil {
				p.err = fmt.Errorf("placing the graph on %s: %w", p.devices[i], p.err)
				return
			}
		}
	})
	return p.err
}

func (p *placement) operation(op *tensorflow.Operation) (*tensorflow.Operation, error) {
	if found := p.copied.Operation(op.Name()); found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("running the graph: %s was added after the first run of a session on %s", op.Name(), strings.Join(p.devices, ", "))
}

// outputs are those of the copy.
func (p *placement) outputs(list []tensorflow.Output) ([]tensorflow.Output, error) {
	placed := make([]tensorflow.Output, len(list))
	for i, o := range list {
		op, err := p.operation(o.Op)
		if err != nil {
			return nil, err
		}
		placed[i] = op.Output(o.Index)
	}
	return placed, nil
}

// run is what a session without devices of its own would be asked.
func (p *placement) run(s *tensorflow.Session, feeds map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output, targets []*tensorflow.Operation) ([]*tensorflow.Tensor, error) {
	if err := p.complete(); err != nil {
		return nil, err
	}
	fed := make(map[tensorflow.Output]*tensorflow.Tensor, len(feeds))
	for o, t := range feeds {
		to, err := p.outputs([]tensorflow.Output{o})
		if err != nil {
			return nil, err
		}
		fed[to[0]] = t
	}
	fetched, err := p.outputs(fetches)
	if err != nil {
		return nil, err
	}
	ops := make([]*tensorflow.Operation, len(targets))
	for i, op := range targets {
		if ops[i], err = p.operation(op); err != nil {
			return nil, err
		}
	}
	return s.Run(fed, fetched, ops)
}
