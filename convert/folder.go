package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/golang/glog"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// openFolder reads a checkpoint of ours.
func openFolder(o Options) (Job, error) {
	switch {
	case !o.toFile():
		return nil, fmt.Errorf("%s is a folder, as our checkpoints are: give `out`=FILE.safetensors to carry one elsewhere, or `checkpoint`=FILE to bring one in", o.Checkpoint)
	case o.ConfigFile != "" || o.Preset != "" || o.Variant != "" || len(o.Sets) > 0:
		return nil, fmt.Errorf("%s carries its configuration: leave `config`, `preset`, `variant` and `set` out", o.Checkpoint)
	}
	stored, err := openCheckpoint(o.Checkpoint)
	if err != nil {
		return nil, err
	}
	defer stored.Close()
	c, err := readFolder(stored, o)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", stored.Dir, err)
	}
	return &job{runState: c, options: o}, nil
}

// openCheckpoint opens the newest checkpoint of a run or of a folder of
// checkpoints, or the checkpoint that the folder is.
func openCheckpoint(dir string) (*checkpoint.Checkpoint, error) {
	if rundir.Dir(dir).Is() {
		dir = rundir.Dir(dir).Checkpoints()
	}
	c, damaged, err := checkpoint.OpenStore(dir).Latest()
	for _, d := range damaged {
		glog.Warningf("checkpoint of step %d is damaged and passed over: %v", d.Step, d.Err)
	}
	if errors.Is(err, checkpoint.ErrNone) && len(damaged) == 0 {
		if _, missing := os.Stat(filepath.Join(dir, "manifest.json")); missing != nil {
			return nil, fmt.Errorf("%s is neither a run nor a checkpoint of ours", dir)
		}
		return checkpoint.Open(dir)
	}
	return c, err
}

// readFolder reads the variables of a checkpoint by its own configuration.
func readFolder(stored *checkpoint.Checkpoint, o Options) (*runState, error) {
	c := &runState{from: stored.Dir, values: map[*graph.Variable]*tensorflow.Tensor{}}
	if _, err := rundir.DecodeMeta(stored.Meta); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(stored.Meta, &c.notes); err != nil {
		return nil, fmt.Errorf("its notes: %w", err)
	}
	var err error
	if c.config, err = config.Unmarshal([]byte(c.notes.Config), "its configuration"); err != nil {
		return nil, err
	}
	if c.nets, err = newNetworks(c.config); err != nil {
		return nil, err
	}
	groups := map[graph.Kind]string{graph.Trainable: rundir.Weights, graph.State: rundir.State}
	if !o.WeightsOnly && slices.Contains(stored.Groups(), rundir.Optimizer) {
		groups[graph.Slot] = rundir.Optimizer
	}
	for kind, group := range groups {
		if err := c.readGroup(stored, kind, group); err != nil {
			return nil, err
		}
	}
	return c, c.completeSlots()
}

// readGroup reads the variables of one kind. All must be there but an
// optimiser's.
func (c *runState) readGroup(stored *checkpoint.Checkpoint, kind graph.Kind, group string) error {
	list, err := stored.Tensors(group)
	if err != nil {
		return err
	}
	byName := map[string]*tensorflow.Tensor{}
	for _, t := range list {
		byName[t.Name] = t.Tensor
	}
	var wrong []string
	for _, v := range c.nets.scope.Variables(kind) {
		t, ok := byName[v.Name]
		switch {
		case !ok && kind == graph.Slot:
		case !ok:
			wrong = append(wrong, v.Name+" is missing")
		case t.DataType() != v.DType || !slices.Equal(t.Shape(), v.Dims):
			wrong = append(wrong, fmt.Sprintf("%s has shape %v, not %v", v.Name, t.Shape(), v.Dims))
		default:
			c.values[v] = t
		}
		delete(byName, v.Name)
	}
	for name := range byName {
		wrong = append(wrong, name+" is not part of the model")
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fmt.Errorf("its group %s does not fit its configuration: %s", group, strings.Join(wrong[:min(len(wrong), 8)], "; "))
	}
	return nil
}

// completeSlots drops optimisers whose state is not there as a whole.
func (c *runState) completeSlots() error {
	for _, p := range c.nets.players {
		slots, known := p.slots(), 0
		for _, v := range slots {
			if c.values[v] != nil {
				known++
			}
		}
		if known == len(slots) || known == 0 {
			continue
		}
		return fmt.Errorf("the optimiser of %s has %d of %d tensors; `weights_only` converts without optimisers", p.Name, known, len(slots))
	}
	return nil
}

// writeRun writes the folder of a run with this one checkpoint: everything, or
// nothing under that name.
func (c *runState) writeRun(dir string) error {
	dir = filepath.Clean(dir)
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	temp, err := durable.NewFolder(parent, "."+filepath.Base(dir)+".tmp-")
	if err != nil {
		return err
	}
	defer temp.Remove()
	if err := c.fillRun(rundir.Dir(temp.Path)); err != nil {
		return err
	}
	if err := checkVacant(dir); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) { // an empty folder
		return err
	}
	return temp.Publish(dir)
}

func (c *runState) fillRun(dir rundir.Dir) error {
	meta, err := json.Marshal(c.notes)
	if err != nil {
		return err
	}
	var groups []checkpoint.Group
	for _, g := range []struct {
		name string
		kind graph.Kind
	}{{rundir.Weights, graph.Trainable}, {rundir.State, graph.State}, {rundir.Optimizer, graph.Slot}} {
		groups = append(groups, checkpoint.Group{Name: g.name, Tensors: c.valuesOf(g.kind)})
	}
	if err := checkpoint.OpenStore(dir.Checkpoints()).Save(c.notes.Step, meta, groups...); err != nil {
		return err
	}
	if err := durable.WriteFile(dir.Readme(), []byte(readme)); err != nil {
		return err
	}
	return durable.WriteFile(dir.Config(), []byte(c.notes.Config))
}

// readme explains the folder to whoever finds it.
const readme = `This folder holds weights that PriorityCut's convert read from a file of
another program (format_version 1).

  config.yaml    the configuration of the networks, with its documentation
  checkpoints/   the weights, as a training run keeps them: a folder of
                 safetensors files with a manifest

A training that is given this folder for init_from begins with them;
evaluating, exporting and animating take it as they take a run's.
`
