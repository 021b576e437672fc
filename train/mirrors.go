package train

import (
	"errors"
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/tf"
)

// Mirror is another replica of a step, on another device of the same session: the
// same graph in a scope of its own. Its variables have always the values of the
// first's, since what moves them is reduced over all replicas.
type Mirror struct {
	Scope *graph.Scope
	Step  *Step
}

// devicesOf are so many devices of one session.
func devicesOf(r config.RunParams, n int) graph.Replicas {
	if n < 2 {
		return graph.Replicas{}
	}
	return graph.Replicas{Size: n, InSession: true, HalfWire: r.GradientWire == config.WireBFloat16}
}

// stepOptions are those of a run's step in this process, in its first replica where
// it has several.
func (o RunOptions) stepOptions() (StepOptions, error) {
	s := OptionsOf(o.Config)
	switch n := o.Replicas; {
	case n < 0 || n > tf.MaxReplicas:
		return s, usage.Wrap(fmt.Errorf("`replicas` is %d: it must be 1 to %d", n, tf.MaxReplicas))
	case n > 1 && o.Cluster != nil:
		return s, usage.Wrap(errors.New("a worker of a cluster computes on one device: name a worker for each GPU, or leave `replicas` out"))
	case o.Cluster != nil:
		s.Replicas = replicasOf(o.Config.Run, *o.Cluster)
		return s, nil // whether it can share is told when all workers have met
	default:
		s.Replicas = devicesOf(o.Config.Run, n)
		return s, usage.Wrap(s.checkShares())
	}
}

// BuildMirrors adds the other replicas to a step that was built in s as the first of
// several in one session; to others it adds nothing. Graphs are built side by side.
func (step *Step) BuildMirrors(s *graph.Scope, o StepOptions) error {
	if !o.Replicas.InSession {
		return nil
	}
	step.Mirrors = make([]Mirror, o.Replicas.Size-1)
	var group errgroup.Group
	for i := range step.Mirrors {
		m := &step.Mirrors[i]
		one := o
		one.Replicas.Rank = i + 1
		group.Go(func() (err error) {
			m.Scope = graph.New(s.DType())
			m.Step, err = BuildStep(m.Scope, one)
			return err
		})
	}
	return group.Wait()
}

// Graphs are those that the session of a step built in s runs.
func (step *Step) Graphs(s *graph.Scope) []*tensorflow.Graph {
	graphs := []*tensorflow.Graph{s.Graph()}
	for _, m := range step.Mirrors {
		graphs = append(graphs, m.Scope.Graph())
	}
	return graphs
}

// Over runs the step in a session, in all replicas that it has there.
func (step *Step) Over(session graph.Runner) graph.Runner {
	if len(step.Mirrors) == 0 {
		return session
	}
	all := graph.Mirrored{Session: session}
	for _, m := range step.Mirrors {
		all.Others = append(all.Others, m.Scope)
	}
	return all
}

// share adds to the graphs of a step built in s what gives every variable of all
// replicas the first one's value.
func (step *Step) share(s *graph.Scope, chief bool) (*tensorflow.Operation, error) {
	shared := share(s, chief)
	for _, m := range step.Mirrors {
		share(m.Scope, false)
		if err := m.Scope.Err(); err != nil {
			return nil, err
		}
	}
	return shared, s.Err()
}
