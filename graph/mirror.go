package graph

import (
	"fmt"
	"slices"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// Mirrored runs in all replicas of a session what it is asked to run in the first: an
// operation that reduces over the replicas waits until all of them have come to it.
// Fetches are the first replica's; feeds are those of all, each to its own graph.
type Mirrored struct {
	// Session runs the graphs of all replicas.
	Session Runner
	// Others are the replicas but the first, by rank.
	Others []*Scope
}

// Run implements Runner.
func (m Mirrored) Run(feeds map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output, targets []*tensorflow.Operation) ([]*tensorflow.Tensor, error) {
	asked := map[string]bool{}
	all := slices.Clone(targets)
	ask := func(op *tensorflow.Operation) error {
		if op == nil || asked[op.Name()] {
			return nil // the session says what it is to make of none
		}
		asked[op.Name()] = true
		for _, other := range m.Others {
			twin, err := other.twin(op)
			if err != nil {
				return err
			}
			all = append(all, twin)
		}
		return nil
	}
	for _, op := range targets {
		if err := ask(op); err != nil {
			return nil, err
		}
	}
	for _, o := range fetches {
		if err := ask(o.Op); err != nil {
			return nil, err
		}
	}
	return m.Session.Run(feeds, fetches, all)
}

// twin is the operation of s that is op in the first replica.
func (s *Scope) twin(op *tensorflow.Operation) (*tensorflow.Operation, error) {
	name := s.b.replicas.prefix() + op.Name()
	if found := s.b.graph.Operation(name); found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("running the graph: replica %d has no operation %s", s.b.replicas.Rank, name)
}
