package convert

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/folderlock"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// job is the conversion of a checkpoint.
type job struct {
	*runState
	options Options
}

// Close implements Job.
func (j *job) Close() error { return nil } // everything has been read

// Write implements Job.
func (j *job) Write(w io.Writer) (err error) {
	out, write := j.options.Out, j.writeRun
	lock, err := folderlock.AcquireFor(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Discard()) }()
	if j.options.toFile() {
		write = func(path string) error { return j.writeStateDict(path, j.options.Parametrizations) }
	}
	if err := write(out); err != nil {
		return fmt.Errorf("writing %s: %w", out, err)
	}
	if err := j.summary(w); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "written: %s\n", out)
	return err
}

// Made implements Job. What comes of FOMM's weights is trained as PriorityCut,
// what comes of another family's as what it is.
func (j *job) Made() Made {
	switch {
	case j.options.toFile():
		return Made{}
	case j.config.FamilyName() != model.FOMMFamily:
		return Made{Variant: j.config.Variant}
	}
	return Made{Variant: model.PriorityCut, Features: true}
}

// summary says in a few lines what a checkpoint is.
func (j *job) summary(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v, align_corners %t", j.from, j.config, j.config.Model.AlignCorners)
	if o := j.notes.Converted; o != nil {
		fmt.Fprintf(&b, ", from %s (%s)", o.File, o.Format)
		if o.Epoch != nil {
			fmt.Fprintf(&b, " after epoch %d", *o.Epoch)
		}
	}
	b.WriteByte('\n')
	for _, p := range j.nets.players {
		numbers := 0
		for _, v := range p.vars {
			numbers += v.Size()
		}
		fmt.Fprintf(&b, "  %s: %d tensors, %d numbers; ", p.Name, len(p.vars), numbers)
		switch {
		case j.hasOptimiser(p) && p.step == nil:
			b.WriteString("with momentum\n")
		case j.hasOptimiser(p):
			fmt.Fprintf(&b, "%s after %d steps\n", p.optimiser(), j.count(p.step))
		default:
			b.WriteString("no optimiser\n")
		}
	}
	for _, r := range j.remarks {
		fmt.Fprintf(&b, "note: %s\n", r)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// groupNames are the files of our checkpoints.
var groupNames = map[graph.Kind]string{graph.Trainable: rundir.Weights, graph.State: rundir.State, graph.Slot: rundir.Optimizer}

// List implements Job.
func (j *job) List(w io.Writer) error {
	if err := j.summary(w); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "name\treference's shape\tour group\tour shape")
	for _, p := range j.nets.players {
		list := p.vars
		if j.hasOptimiser(p) {
			list = append(append([]*graph.Variable{}, list...), p.slots()...)
		}
		for _, v := range list {
			fmt.Fprintf(table, "%s\t%v\t%s\t%v\n", fileName(v), j.nets.fileShape(v), groupNames[v.Kind], v.Dims)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, name := range j.ignored {
		if _, err := fmt.Fprintf(w, "not taken: %s\n", name); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "nothing is written (`dry_run`); without it: %s\n", j.options.Out)
	return err
}

// valuesOf lists the variables of a kind that have values.
func (c *runState) valuesOf(kind graph.Kind) []checkpoint.NamedTensor {
	var list []checkpoint.NamedTensor
	for _, v := range c.nets.scope.Variables(kind) {
		if t := c.values[v]; t != nil {
			list = append(list, checkpoint.NamedTensor{Name: v.Name, Tensor: t})
		}
	}
	return list
}
