package train

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// values are tensors for variables.
type values map[*graph.Variable]*tensorflow.Tensor

// checkpointGroups says which kinds of variables lie in which file of a
// checkpoint.
var checkpointGroups = []struct {
	name string
	kind graph.Kind
}{
	{rundir.Weights, graph.Trainable}, {rundir.State, graph.State}, {rundir.Optimizer, graph.Slot},
}

// snapshot reads all that a checkpoint keeps out of a session.
func snapshot(run graph.Runner, s *graph.Scope) ([]checkpoint.Group, error) {
	all, err := graph.Fetch(run, s.Variables(graph.Trainable, graph.State, graph.Slot))
	if err != nil {
		return nil, err
	}
	var groups []checkpoint.Group
	for _, g := range checkpointGroups {
		group := checkpoint.Group{Name: g.name}
		for _, v := range s.Variables(g.kind) {
			group.Tensors = append(group.Tensors, checkpoint.NamedTensor{Name: v.Name, Tensor: all[v]})
		}
		groups = append(groups, group)
	}
	return groups, nil
}

// restore reads a checkpoint of this very run: every variable must be there
// with its shape, and nothing else.
func restore(c *checkpoint.Checkpoint, s *graph.Scope) (values, error) {
	all := values{}
	var wrong []string
	for _, g := range checkpointGroups {
		stored, err := infer.Stored(c, g.name)
		if err != nil {
			return nil, err
		}
		vars := slices.DeleteFunc(s.Variables(g.kind), func(v *graph.Variable) bool {
			return ofScale(v.Name) && stored[v.Name] == nil // it begins anew
		})
		found, unfit := infer.Match(vars, stored)
		for v, t := range found {
			all[v] = t
		}
		wrong = append(wrong, unfit...)
		for _, v := range vars {
			delete(stored, v.Name)
		}
		for name := range stored {
			if !ofScale(name) {
				wrong = append(wrong, name+" is not part of this model")
			}
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("checkpoint %s does not fit this model: %s", c.Dir, infer.Some(wrong))
	}
	return all, nil
}

// ofScale reports whether a variable is the scale's of the losses, which a run may
// have at one time and not at another: how a run computes may change when it goes on.
func ofScale(name string) bool { return strings.HasPrefix(name, scaleScope+".") }

// metaOf reads the notes of a checkpoint.
func metaOf(c *checkpoint.Checkpoint) (rundir.Meta, error) {
	meta, err := rundir.DecodeMeta(c.Meta)
	if err == nil && meta.Step != c.Step {
		err = errors.New("its notes and its manifest name different steps")
	}
	if err != nil {
		return meta, fmt.Errorf("checkpoint %s: %w", c.Dir, err)
	}
	return meta, nil
}
