package weights

import "fmt"

// Adam is the state of a PyTorch Adam optimiser.
type Adam struct {
	AdamSettings
	// Moments are by position: PyTorch numbers the parameters in the order in
	// which the optimiser got them, a model's in that of its state dict
	// without buffers.
	Moments []AdamMoment
}

// AdamSettings are those of all parameters.
type AdamSettings struct {
	LR, Beta1, Beta2, Epsilon float64
	// InitialLR is the rate before a schedule lowered it; LR where the file
	// has none.
	InitialLR float64
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
// must agree in their settings.
func ReadAdam(v Value) (*Adam, error) {
	adam := &Adam{}
	settings, err := stateReader[AdamSettings]{adamSettings, func(state Value) error {
		m, err := adamMoment(state)
		adam.Moments = append(adam.Moments, m)
		return err
	}}.read(v)
	if err != nil {
		return nil, err
	}
	adam.AdamSettings = settings
	return adam, nil
}

func adamSettings(group *Dict) (AdamSettings, error) {
	var a AdamSettings
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

func adamMoment(v Value) (AdamMoment, error) {
	var m AdamMoment
	if v == nil {
		return m, nil
	}
	d, ok := v.(*Dict)
	if !ok {
		return m, fmt.Errorf("its state is %s", aKind(v))
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
