package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/weights"
)

// takeOptimisers takes the states of the networks' optimisers, where the file
// has them.
func (c *runState) takeOptimisers(s *input) error {
	for _, p := range c.nets.players {
		err := c.takeOptimiserOf(p, s)
		if err != nil {
			return fmt.Errorf("the optimiser of %s: %w; `weights_only` converts without optimisers", p.Name, err)
		}
	}
	return nil
}

func (c *runState) takeOptimiserOf(p *player, s *input) error {
	if s.adam[p.Name] != nil && p.Optimiser.Kind == model.Muon {
		c.remark("the file has Adam's state for %s, which Muon (muon_scale) does not go on from: it starts anew", p.Name)
		return nil
	}
	if state := s.adam[p.Name]; state != nil && p.step == nil {
		return c.takeMomentum(p, s, state)
	}
	if state := s.adam[p.Name]; state != nil {
		return c.takeNumbered(p, s, state)
	}
	if hasNamedSlots(s, p) {
		return c.takeNamed(p, s)
	}
	c.remark("the file has no optimiser's state for %s: a run that begins from it starts %s anew", p.Name, p.optimiser())
	return nil
}

// optimiser names the player's optimiser.
func (p *player) optimiser() string {
	switch {
	case p.step == nil:
		return "momentum"
	case p.Optimiser.Kind == model.Muon:
		return "Muon and Adam"
	}
	return "Adam"
}

// takeMomentum is takeNumbered for buffers of momentum.
func (c *runState) takeMomentum(p *player, s *input, state *weights.Dict) error {
	sgd, err := weights.ReadSGD(state)
	if err != nil {
		return err
	}
	params := c.inFileOrder(p, s)
	if len(params) != len(sgd.Buffers) {
		return fmt.Errorf("it has states for %d parameters, the networks have %d", len(sgd.Buffers), len(params))
	}
	known := 0
	for i, buffer := range sgd.Buffers {
		slot := p.moments[params[i]][0]
		if buffer == nil {
			if err := c.zero(slot); err != nil {
				return err
			}
			continue
		}
		known++
		if err := c.takeSlot(slot, buffer, i, params[i]); err != nil {
			return err
		}
	}
	if known < len(sgd.Buffers) {
		c.remark("the optimiser of %s: %d of %d parameters have had no gradient", p.Name, len(sgd.Buffers)-known, len(sgd.Buffers))
	}
	if sgd.Momentum != p.Optimiser.Momentum {
		c.remark("the optimiser of %s had a momentum of %v; the configuration says %v", p.Name, sgd.Momentum, p.Optimiser.Momentum)
	}
	return nil
}

// takeSlot takes what an optimiser keeps of its i-th parameter.
func (c *runState) takeSlot(slot *graph.Variable, t *weights.Tensor, i int, parameter *graph.Variable) error {
	if want := c.nets.fileShape(parameter); !slices.Equal(t.Shape(), want) {
		return fmt.Errorf("the state of parameter %d has shape %v, %s has %v", i, t.Shape(), parameter.Name, want)
	}
	return c.take(slot, t)
}

// zero gives a slot the value that it starts with.
func (c *runState) zero(slot *graph.Variable) error {
	zero, err := tf.NewTensor(make([]float32, slot.Size()), slot.Dims...)
	c.values[slot] = zero
	return err
}

// neverStepped reports whether the file says that a network's optimiser exists
// and has not taken a step.
func neverStepped(s *input, name string) bool {
	state := s.adam[name]
	if state == nil {
		return false
	}
	v, _ := state.Get("state")
	moments, ok := v.(*weights.Dict)
	return ok && moments.Len() == 0
}

// hasNamedSlots reports whether a file has the state of a player's optimiser by
// names.
func hasNamedSlots(s *input, p *player) bool {
	return slices.ContainsFunc(s.Names(), func(n string) bool {
		slot, ok := strings.CutPrefix(n, optimizerPrefix)
		return ok && p.Keeps(slot)
	})
}

// takeNumbered takes a state whose moments are numbered in the order of the
// state dict without buffers.
func (c *runState) takeNumbered(p *player, s *input, state *weights.Dict) error {
	adam, err := weights.ReadAdam(state)
	if err != nil {
		return err
	}
	params := c.inFileOrder(p, s)
	if len(params) != len(adam.Moments) {
		return fmt.Errorf("it has states for %d parameters, the network has %d", len(adam.Moments), len(params))
	}
	step, known := int64(0), 0
	for i, m := range adam.Moments {
		if m.Average == nil {
			continue
		}
		known++
		step = max(step, m.Step)
		for j, t := range []*weights.Tensor{m.Average, m.Square} {
			if err := c.takeSlot(p.moments[params[i]][j], t, i, params[i]); err != nil {
				return err
			}
		}
	}
	if known == 0 {
		c.remark("the optimiser of %s never took a step", p.Name)
		return nil
	}
	if err := c.fillMoments(p, adam, params, step); err != nil {
		return err
	}
	if ours := p.Optimiser; adam.Beta1 != ours.Beta1 || adam.Beta2 != ours.Beta2 || adam.Epsilon != ours.Epsilon {
		c.remark("Adam of %s had betas (%v, %v) and epsilon %v; training here has (%v, %v) and %v",
			p.Name, adam.Beta1, adam.Beta2, adam.Epsilon, ours.Beta1, ours.Beta2, ours.Epsilon)
	}
	return c.setCount(p.step, step)
}

// fillMoments completes what PyTorch counts by parameter and training here by
// network: parameters that have had no gradient yet have moments of zero.
func (c *runState) fillMoments(p *player, adam *weights.Adam, params []*graph.Variable, step int64) error {
	var fresh, behind int
	for i, m := range adam.Moments {
		switch {
		case m.Average == nil:
			fresh++
			for _, v := range p.moments[params[i]] {
				if err := c.zero(v); err != nil {
					return err
				}
			}
		case m.Step != step:
			behind++
		}
	}
	if fresh+behind > 0 {
		c.remark("the optimiser of %s: %d parameters have had no gradient and %d fewer steps than the rest; all count %d steps from here on",
			p.Name, fresh, behind, step)
	}
	return nil
}

// inFileOrder lists a network's weights in the order of the file.
func (c *runState) inFileOrder(p *player, s *input) []*graph.Variable {
	byName := map[string]*graph.Variable{}
	for _, v := range p.weights() {
		byName[v.Name] = v
	}
	var params []*graph.Variable
	for _, name := range s.Names() {
		if v := byName[name]; v != nil {
			params = append(params, v)
		}
	}
	return params
}

// takeNamed takes a state that is stored by name; shapes have been checked.
func (c *runState) takeNamed(p *player, s *input) error {
	for _, v := range p.slots() {
		t, ok := s.Tensor(fileName(v))
		if !ok {
			return fmt.Errorf("%s is missing", fileName(v))
		}
		if v != p.step {
			if err := c.take(v, t); err != nil {
				return err
			}
			continue
		}
		n, err := countOf(t)
		if err != nil {
			return fmt.Errorf("%s: %w", fileName(v), err)
		}
		if err := c.setCount(v, n); err != nil {
			return err
		}
	}
	return nil
}

// countOf reads a whole number that is stored as a tensor, of whatever type.
func countOf(t *weights.Tensor) (int64, error) {
	if t.Len() != 1 {
		return 0, fmt.Errorf("it has %d elements, a count has one", t.Len())
	}
	if !t.DType().IsFloat() {
		n, err := t.Int64s()
		if err != nil {
			return 0, err
		}
		return n[0], nil
	}
	f, err := t.Float64s()
	if err != nil {
		return 0, err
	}
	n := int64(f[0])
	if float64(n) != f[0] {
		return 0, fmt.Errorf("%v is no count", f[0])
	}
	return n, nil
}

// hasOptimiser reports whether the state of a network's optimiser is known.
func (c *runState) hasOptimiser(p *player) bool {
	slots := p.slots()
	return len(slots) > 0 && c.values[slots[0]] != nil
}
