package weights

import "fmt"

// stateReader reads what optimizer.state_dict() gave, of optimisers whose settings
// are an S.
type stateReader[S comparable] struct {
	// settings reads those of a parameter group.
	settings func(group *Dict) (S, error)
	// parameter takes the state of the next parameter, nil where it has had no
	// gradient yet.
	parameter func(state Value) error
}

// read goes through the groups and their parameters in order. Groups must agree
// in their settings. States that are keyed by arbitrary numbers, as PyTorch
// before 1.6 has them, are put in the order of the groups too.
func (o stateReader[S]) read(v Value) (all S, err error) {
	d, ok := v.(*Dict)
	if !ok {
		return all, fmt.Errorf("an optimiser's state is a dict, not %s", aKind(v))
	}
	states, err := child[*Dict](d, "state")
	if err != nil {
		return all, err
	}
	groups, err := child[*List](d, "param_groups")
	if err != nil {
		return all, err
	}
	if groups.Len() == 0 {
		return all, fmt.Errorf("the optimiser has no parameter groups")
	}
	seen := map[Value]bool{}
	for i := 0; i < groups.Len(); i++ {
		group, ok := groups.At(i).(*Dict)
		if !ok {
			return all, fmt.Errorf("parameter group %d is %s", i, aKind(groups.At(i)))
		}
		settings, err := o.settings(group)
		if err != nil {
			return all, fmt.Errorf("parameter group %d: %w", i, err)
		}
		if i > 0 && settings != all {
			return all, fmt.Errorf("parameter group %d has settings of its own; only one rate for all is supported", i)
		}
		all = settings
		if err := o.parameters(group, states, seen); err != nil {
			return all, fmt.Errorf("parameter group %d: %w", i, err)
		}
	}
	for i := 0; i < states.Len(); i++ {
		if key, _ := states.At(i); !seen[key] {
			return all, fmt.Errorf("the optimiser has a state for a parameter of no group")
		}
	}
	return all, nil
}

// parameters goes through those of a group; seen are those of the groups before.
func (o stateReader[S]) parameters(group, states *Dict, seen map[Value]bool) error {
	params, err := child[*List](group, "params")
	if err != nil {
		return err
	}
	for i := 0; i < params.Len(); i++ {
		key := params.At(i)
		if !hashable(key) || seen[key] {
			return fmt.Errorf("parameter %d occurs twice or is named by %s", i, aKind(key))
		}
		at := len(seen)
		seen[key] = true
		state, there := states.Get(key)
		if there && state == nil {
			return fmt.Errorf("parameter %d: its state is %s", at, aKind(state))
		}
		if err := o.parameter(state); err != nil {
			return fmt.Errorf("parameter %d: %w", at, err)
		}
	}
	return nil
}

// child returns an entry of a certain kind.
func child[T Value](d *Dict, key string) (T, error) {
	v, ok := d.Get(key)
	t, isT := v.(T)
	if !ok {
		return t, fmt.Errorf("%q is missing", key)
	}
	if !isT {
		return t, fmt.Errorf("%q is %s", key, aKind(v))
	}
	return t, nil
}

// setting returns a number, which PyTorch may keep as a tensor of one element.
func setting(d *Dict, key string) (float64, error) {
	v, ok := d.Get(key)
	if !ok {
		return 0, fmt.Errorf("%q is missing", key)
	}
	if t, isTensor := v.(*Tensor); isTensor && t.Len() == 1 {
		numbers, err := t.Float64s()
		if err != nil {
			return 0, fmt.Errorf("%q: %w", key, err)
		}
		return numbers[0], nil
	}
	f, ok := number(v)
	if !ok {
		return 0, fmt.Errorf("%q is %s", key, aKind(v))
	}
	return f, nil
}
