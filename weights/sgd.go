package weights

import "fmt"

// SGD is the state of a PyTorch SGD optimiser with momentum.
type SGD struct {
	SGDSettings
	// Buffers are by position, as Adam's moments; nil when the parameter has had
	// no gradient yet.
	Buffers []*Tensor
}

// SGDSettings are those of all parameters.
type SGDSettings struct{ LR, Momentum float64 }

// ReadSGD reads the value that optimizer.state_dict() gave, as at "optimizer" in
// X2Face's checkpoints. Parameter groups must agree in their settings; weight
// decay, dampening and Nesterov's form are refused.
func ReadSGD(v Value) (*SGD, error) {
	sgd := &SGD{}
	settings, err := stateReader[SGDSettings]{sgdSettings, func(state Value) error {
		buffer, err := momentumBuffer(state)
		sgd.Buffers = append(sgd.Buffers, buffer)
		return err
	}}.read(v)
	if err != nil {
		return nil, err
	}
	sgd.SGDSettings = settings
	return sgd, nil
}

func sgdSettings(group *Dict) (SGDSettings, error) {
	var s SGDSettings
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

// momentumBuffer is nil before the first step, for which PyTorch keeps None.
func momentumBuffer(v Value) (*Tensor, error) {
	if v == nil {
		return nil, nil
	}
	d, ok := v.(*Dict)
	if !ok {
		return nil, fmt.Errorf("its state is %s", aKind(v))
	}
	b, there := d.Get("momentum_buffer")
	if !there || b == nil {
		return nil, nil
	}
	buffer, ok := b.(*Tensor)
	if !ok {
		return nil, fmt.Errorf("momentum_buffer is %s", aKind(b))
	}
	return buffer, nil
}
