package tf

import (
	"bytes"
	"fmt"
	"sync"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// placement is a copy of a graph whose operations name the device that computes
// them. TensorFlow puts operations without a name on its first GPU, and its list of
// visible GPUs is the process's: a session of its own GPU needs neither then. The
// copy is made at the first run, when the graph is complete; the session is made with
// the copy, and everything of the graph is found there by its name.
type placement struct {
	graph, copied *tensorflow.Graph
	device        string
	once          sync.Once
	err           error
}

func newPlacement(graph *tensorflow.Graph, device string) *placement {
	return &placement{graph: graph, copied: tensorflow.NewGraph(), device: device}
}

// complete copies the graph, once.
func (p *placement) complete() error {
	p.once.Do(func() {
		var def bytes.Buffer
		if _, p.err = p.graph.WriteTo(&def); p.err == nil {
			p.err = p.copied.ImportWithOptions(def.Bytes(), tensorflow.GraphImportOptions{Device: p.device})
		}
		if p.err != nil {
			p.err = fmt.Errorf("placing the graph on %s: %w", p.device, p.err)
		}
	})
	return p.err
}

func (p *placement) operation(op *tensorflow.Operation) (*tensorflow.Operation, error) {
	if found := p.copied.Operation(op.Name()); found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("running the graph: %s was added after the first run of a session on %s", op.Name(), p.device)
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

// run is what a session without a device of its own would be asked.
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
