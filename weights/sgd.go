package weights

import "fmt"

// SGD is the state of a PyTorch SGD optimiser with momentum.
type SGD struct {
	LR, Momentum float64
	// Buffers are by position, as Adam's moments; nil when the parameter has had
	// no gradient yet.
	Buffers []*Tensor
}

// ReadSGD reads the value that optimizer.state_dict() gave, as at "optimizer" in
// X2Face's checkpoints. Parameter groups must agree in their settings; weight
// decay, dampening and Nesterov's form are refused. States that are keyed by
// arbitrary numbers are put in the order of the groups.
func ReadSGD(v Value) (*SGD, error) {
	d, ok := v.(*Dict)
	if !ok {
		return nil, fmt.Errorf("an optimiser's state is a dict, not a %s", kindOf(v))
	}
	states, err := child[*Dict](d, "state")
	if err != nil {
		return nil, err
	}
	groups, err := child[*List](d, "param_groups")
	if err != nil {
		return nil, err
	}
	if groups.Len() == 0 {
		return nil, fmt.Errorf("the optimiser has no parameter groups")
	}
	var sgd SGD
	seen := map[Value]bool{}
	for i := 0; i < groups.Len(); i++ {
		group, ok := groups.At(i).(*Dict)
		if !ok {
			return nil, fmt.Errorf("parameter group %d is a %s", i, kindOf(groups.At(i)))
		}
		settings, err := sgdSettings(group)
		if err != nil {
			return nil, fmt.Errorf("parameter group %d: %w", i, err)
		}
		if i > 0 && (settings.LR != sgd.LR || settings.Momentum != sgd.Momentum) {
			return nil, fmt.Errorf("parameter group %d has settings of its own; only one rate for all is supported", i)
		}
		sgd.LR, sgd.Momentum = settings.LR, settings.Momentum
		if err := sgd.addGroup(group, states, seen); err != nil {
			return nil, fmt.Errorf("parameter group %d: %w", i, err)
		}
	}
	for i := 0; i < states.Len(); i++ {
		if key, _ := states.At(i); !seen[key] {
			return nil, fmt.Errorf("the optimiser has a state for a parameter of no group")
		}
	}
	return &sgd, nil
}

func sgdSettings(group *Dict) (SGD, error) {
	var s SGD
	var err error
	if s.LR, err = setting(group, "lr"); err != nil {
		return s, err
	}
	if s.Momentum, err = setting(group, "momentum"); err != nil {
		return s, err
	}
	for _, key := range []string{"weight_decay", "dampening"} {
		if _, there := group.Get(key); !there {
			continue
		}
		if x, err := setting(group, key); err != nil || x != 0 {
			return s, fmt.Errorf("%s is %v: only 0 is supported", key, x)
		}
	}
	if nesterov, _ := group.Get("nesterov"); nesterov == true {
		return s, fmt.Errorf("nesterov is not supported")
	}
	return s, nil
}

func (s *SGD) addGroup(group, states *Dict, seen map[Value]bool) error {
	params, err := child[*List](group, "params")
	if err != nil {
		return err
	}
	for i := 0; i < params.Len(); i++ {
		key := params.At(i)
		if !hashable(key) || seen[key] {
			return fmt.Errorf("parameter %d occurs twice or is named by a %s", i, kindOf(key))
		}
		seen[key] = true
		var buffer *Tensor
		if state, ok := states.Get(key); ok {
			d, ok := state.(*Dict)
			if !ok {
				return fmt.Errorf("parameter %d: its state is a %s", len(s.Buffers), kindOf(state))
			}
			// PyTorch keeps None before the first step.
			if b, there := d.Get("momentum_buffer"); there && b != nil {
				if buffer, ok = b.(*Tensor); !ok {
					return fmt.Errorf("parameter %d: momentum_buffer is a %s", len(s.Buffers), kindOf(b))
				}
			}
		}
		s.Buffers = append(s.Buffers, buffer)
	}
	return nil
}
