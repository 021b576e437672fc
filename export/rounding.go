package export

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
)

const (
	// nudges is how often the answer to rounding is measured.
	nudges = 3
	// nudge is the largest change of an input in proportion to its value: some
	// units in the last place, as a few layers of rounding make them.
	nudge = 1.0 / (1 << 20)
	// responses is how much further than the answer to nudges an export may be:
	// rounding happens in every layer, nudges at the inputs alone.
	responses = 10
)

// rounding tells how far a model's own answers move when inputs change by no
// more than rounding. Networks that were hardly trained can amplify it by 10^5.
type rounding struct {
	plan    *Plan
	session *tf.Session
	calls   []Call
	// moved is the largest difference by signature and output, measured when it is
	// first asked for: most exports never come near a bound.
	moved map[string]map[string]float64
}

// bound is the largest difference of an output that rounding explains, at least
// refused.
func (r *rounding) bound(c Call, key string) (float64, error) {
	signature := c.Signature
	if signature == infer.SigBytes { // files cannot change by a little
		signature = infer.SigDefault
	}
	if r.moved[signature] == nil {
		if err := r.measure(signature); err != nil {
			return 0, err
		}
	}
	return max(refused, responses*r.moved[signature][key]), nil
}

func (r *rounding) measure(signature string) error {
	if r.moved == nil {
		r.moved = map[string]map[string]float64{}
	}
	moved := map[string]float64{}
	r.moved[signature] = moved
	for _, c := range r.calls {
		if c.Signature != signature {
			continue
		}
		for i := range int64(nudges) {
			inputs, err := nudged(c.Inputs, i)
			if err != nil {
				return err
			}
			outputs, err := r.plan.graph.Call(r.session, c.Signature, inputs)
			if err != nil {
				return err
			}
			for key, want := range c.Outputs {
				d, err := difference(outputs[key], want)
				if err != nil {
					return fmt.Errorf("signature %s: %s: %w", c.Signature, key, err)
				}
				moved[key] = max(moved[key], d)
			}
		}
	}
	return nil
}

// nudged are inputs with every number changed by at most nudge of its value.
func nudged(inputs map[string]*tensorflow.Tensor, seed int64) (map[string]*tensorflow.Tensor, error) {
	changed := map[string]*tensorflow.Tensor{}
	for key, t := range inputs {
		changed[key] = t
		if t.DataType() != tensorflow.Float {
			continue
		}
		values, err := tf.Values[float32](t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		r, moved := random.New(seed, random.Label(key)), make([]float32, len(values))
		for i, v := range values {
			moved[i] = v * float32(1+nudge*(2*r.Float64()-1))
		}
		if changed[key], err = tf.NewTensor(moved, t.Shape()...); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return changed, nil
}
