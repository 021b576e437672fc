package weights

import (
	"fmt"
)

// Adam is the state of a PyTorch Adam optimiser.
type Adam struct {
	LR, Beta1, Beta2, Epsilon float64
	// InitialLR is the rate before a schedule lowered it; LR where the file
	// has none.
	InitialLR float64
	// Moments are by position: PyTorch numbers the parameters in the order in
	// which the optimiser got them, a model's in that of its state dict
	// without buffers.
	Moments []AdamMoment
}

// AdamMoment is one parameter's state. Average and Square are nil when the
// parameter has had no gradient yet.
type AdamMoment struct {
	Step    int64
	Average *Tensor // exp_avg
	Square  *Tensor // exp_avg_sq
}

// ReadAdam reads the value that optimizer.state_dict() gave, as at
// "optimizer_generator" in first-order-model's checkpoints. Parameter groups
// must agree in their settings. States of PyTorch before 1.6, which are
// keyed by arbitrary numbers, are put in the order of the groups too.
func ReadAdam(v Value) (*Adam, error) {
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
	var adam Adam
	seen := map[Value]bool{}
	for i := 0; i < groups.Len(); i++ {
		group, ok := groups.At(i).(*Dict)
		if !ok {
			return nil, fmt.Errorf("parameter group %d is a %s", i, kindOf(groups.At(i)))
		}
		settings, err := adamSettings(group)
		if err != nil {
			return nil, fmt.Errorf("parameter group %d: %w", i, err)
		}
		if i > 0 && (settings.LR != adam.LR || settings.Beta1 != adam.Beta1 || settings.Beta2 != adam.Beta2 ||
			settings.Epsilon != adam.Epsilon || settings.InitialLR != adam.InitialLR) {
			return nil, fmt.Errorf("parameter group %d has settings of its own; only one rate for all is supported", i)
		}
		settings.Moments = adam.Moments
		adam = settings
		if err := adam.addGroup(group, states, seen); err != nil {
			return nil, fmt.Errorf("parameter group %d: %w", i, err)
		}
	}
	for i := 0; i < states.Len(); i++ {
		if key, _ := states.At(i); !seen[key] {
			return nil, fmt.Errorf("the optimiser has a state for a parameter of no group")
		}
	}
	return &adam, nil
}

func adamSettings(group *Dict) (Adam, error) {
	var a Adam
	var err error
	if a.LR, err = setting(group, "lr"); err != nil {
		return a, err
	}
	if a.Epsilon, err = setting(group, "eps"); err != nil {
		return a, err
	}
	betas, err := child[Tuple](group, "betas")
	if err != nil {
		return a, err
	}
	ok := len(betas) == 2
	if ok {
		a.Beta1, ok = number(betas[0])
	}
	if ok {
		a.Beta2, ok = number(betas[1])
	}
	if !ok {
		return a, fmt.Errorf("betas are not two numbers")
	}
	if amsgrad, _ := group.Get("amsgrad"); amsgrad == true {
		return a, fmt.Errorf("amsgrad is not supported")
	}
	a.InitialLR = a.LR
	if _, scheduled := group.Get("initial_lr"); scheduled {
		a.InitialLR, err = setting(group, "initial_lr")
	}
	return a, err
}

func (a *Adam) addGroup(group, states *Dict, seen map[Value]bool) error {
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
		var moment AdamMoment
		if state, ok := states.Get(key); ok {
			if moment, err = adamMoment(state); err != nil {
				return fmt.Errorf("parameter %d: %w", len(a.Moments), err)
			}
		}
		a.Moments = append(a.Moments, moment)
	}
	return nil
}

func adamMoment(v Value) (AdamMoment, error) {
	var m AdamMoment
	d, ok := v.(*Dict)
	if !ok {
		return m, fmt.Errorf("its state is a %s", kindOf(v))
	}
	step, err := setting(d, "step")
	if err != nil {
		return m, err
	}
	if m.Step = int64(step); step < 0 || float64(m.Step) != step {
		return m, fmt.Errorf("its step is %v", step)
	}
	if m.Average, err = child[*Tensor](d, "exp_avg"); err != nil {
		return m, err
	}
	m.Square, err = child[*Tensor](d, "exp_avg_sq")
	if err == nil && m.Average.Len() != m.Square.Len() {
		err = fmt.Errorf("exp_avg and exp_avg_sq differ in size")
	}
	return m, err
}

// child returns an entry of a certain kind.
func child[T Value](d *Dict, key string) (T, error) {
	v, ok := d.Get(key)
	t, isT := v.(T)
	if !ok {
		return t, fmt.Errorf("%q is missing", key)
	}
	if !isT {
		return t, fmt.Errorf("%q is a %s", key, kindOf(v))
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
		return 0, fmt.Errorf("%q is a %s", key, kindOf(v))
	}
	return f, nil
}
