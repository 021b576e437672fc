package convert

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/weights"
)

// openFile reads a file of weights: a checkpoint of the reference, or VGG-19.
func openFile(o Options) (Job, error) {
	s, err := weights.Open(o.Checkpoint)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: the file may be cut short, compare its size with the publisher's", err)
	}
	if err != nil {
		return nil, err
	}
	in, err := newInput(s)
	if first, ok := weights.FirstOfVGG19(s); ok && err == nil && !in.hasNetworks() {
		return newRepacking(s, first, o) // keeps s open
	}
	defer s.Close()
	var c *runState
	if err == nil {
		c, err = readStateDict(in, o)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Checkpoint, err)
	}
	return &job{runState: c, options: o}, nil
}

// readStateDict reads what a file has of the configuration's networks.
func readStateDict(s *input, o Options) (*runState, error) {
	if err := recognise(s); err != nil {
		return nil, err
	}
	c := &runState{from: o.Checkpoint, values: map[*graph.Variable]*tensorflow.Tensor{}, remarks: s.notes, ignored: s.aside}
	var err error
	if err = c.settle(s, o); err != nil {
		return nil, err
	}
	if c.nets, err = newNetworks(c.config); err != nil {
		return nil, err
	}
	if err := c.check(s, o); err != nil {
		return nil, err
	}
	for _, p := range c.nets.players {
		for _, v := range p.vars {
			t, ok := s.Tensor(fileName(v))
			if !ok {
				return nil, fmt.Errorf("%s is missing", fileName(v)) // check has seen it
			}
			if err := c.take(v, t); err != nil {
				return nil, err
			}
		}
	}
	if !o.WeightsOnly {
		if err := c.takeOptimisers(s); err != nil {
			return nil, err
		}
	}
	c.noteOrigin(s)
	return c, c.finish()
}

// recognise refuses files that hold no animator at all, and says what they may
// be.
func recognise(s *input) error {
	if s.hasNetworks() {
		return nil
	}
	names := s.Names()
	if len(names) == 0 {
		return errors.New("it holds no tensors")
	}
	some := strings.Join(names[:min(len(names), 3)], ", ")
	for _, name := range names {
		for _, known := range []string{"first.conv.weight", "predictor.encoder.down_blocks.0.conv.weight"} {
			if name == known || strings.HasSuffix(name, "."+known) {
				return fmt.Errorf("it is the state dict of one network alone (%s ...): save generator and kp_detector in one dictionary, as first-order-model's checkpoints do", some)
			}
		}
	}
	return fmt.Errorf("it is no checkpoint of first-order-model, monkey-net or X2Face: none of its %d tensors belongs to a generator, a kp_detector or a pix2pix network (%s ...)", len(names), some)
}

// check compares the file's names and shapes with those of the networks.
func (c *runState) check(s *input, o Options) error {
	var want []weights.Spec
	for _, p := range c.nets.players {
		for _, v := range p.vars {
			want = append(want, weights.Spec{Name: fileName(v), Shape: c.nets.fileShape(v)})
		}
		if s.adam[p.Name] != nil || o.WeightsOnly || !hasNamedSlots(s, p) {
			continue
		}
		for _, v := range p.slots() {
			if v != p.step { // a count may have any type and is looked at when it is read
				want = append(want, weights.Spec{Name: fileName(v), Shape: c.nets.fileShape(v)})
			}
		}
	}
	expected := map[string]bool{}
	for _, w := range want {
		expected[w.Name] = true
	}
	err := s.Check(want, func(name string) bool { return c.ignores(name, s, o) })
	for _, name := range s.Names() {
		if !expected[name] && !strings.HasPrefix(name, optimizerPrefix) && c.ignores(name, s, o) {
			c.ignored = append(c.ignored, name)
		}
	}
	var mismatch *weights.MismatchError
	if errors.As(err, &mismatch) && onlyBeside(mismatch) {
		// The networks are whole: what somebody's training kept beside them is its own.
		c.remark("%s", leftOut(mismatch.Extra, nil))
		c.ignored = append(c.ignored, mismatch.Extra...)
		return nil
	}
	if errors.As(err, &mismatch) {
		return &MismatchError{Tensors: mismatch, Hint: c.hint(mismatch, s, o)}
	}
	return err
}

// ignores reports whether a tensor of the file is left out on purpose.
func (c *runState) ignores(name string, s *input, o Options) bool {
	slot, optimizer := strings.CutPrefix(name, optimizerPrefix)
	owner, rest, _ := strings.Cut(slot, ".")
	p := c.nets.ownerOf(slot)
	switch {
	case p == nil: // the discriminator of a variant that has none
		return slices.Contains(players, owner)
	case optimizer:
		return s.adam[p.Name] != nil || o.WeightsOnly || rest == "step"
	}
	return rest == "num_batches_tracked" || strings.HasSuffix(rest, ".num_batches_tracked") ||
		rest == "down.weight" || strings.HasSuffix(rest, ".down.weight")
}

// noteOrigin keeps where the weights come from.
func (c *runState) noteOrigin(s *input) {
	if c.notes.Config != "" {
		return // our own notes say it already
	}
	c.notes.Converted = &Origin{File: filepath.Base(c.from), Format: s.Format()}
	if root, ok := s.Root().(*weights.Dict); ok {
		if epoch, ok := root.Get("epoch"); ok {
			if n, ok := epoch.(int64); ok {
				c.notes.Converted.Epoch = &n
			}
		}
	}
	if p := c.nets.player(generator); p != nil && p.step != nil {
		c.notes.Step = c.count(p.step)
	}
	c.notes.Attempt = c.notes.Step
}
