package export

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/golang/glog"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/npz"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

const (
	// expected is what rounding makes between a checkpoint and its export.
	expected = 1e-5
	// refused is more than that: something is wrong, unless the model itself
	// amplifies rounding so far.
	refused = 1e-3
)

// compare loads what was written and calls every signature on the same inputs
// as in our own session. It returns the largest difference.
func (p *Plan) compare(ctx context.Context, session *tf.Session, dir string) (float64, error) {
	saved, err := savedmodel.Open(dir, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		return 0, err
	}
	defer saved.Close()
	calls, err := p.calls(ctx, session)
	if err != nil {
		return 0, err
	}
	worst, explained := 0.0, &rounding{plan: p, session: session, calls: calls}
	for _, c := range calls {
		for _, name := range p.chosen.written(c.Signature) {
			d, err := callAndCompare(saved, name, c, explained)
			if err != nil {
				return 0, err
			}
			worst = max(worst, d)
		}
	}
	if worst > expected {
		glog.Warningf("outputs differ from the checkpoint's by up to %.2g", worst)
	}
	return worst, nil
}

// Call is a call of a signature with N = 1 on random pictures, and what the
// checkpoint answers.
type Call struct {
	Signature       string
	Inputs, Outputs map[string]*tensorflow.Tensor
}

// Calls computes one call of each signature of the model, those that are not
// written too, with the checkpoint's weights in a session of ours.
func (p *Plan) Calls(ctx context.Context) ([]Call, error) {
	session, err := tf.NewSession(p.graph.Scope.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		return nil, err
	}
	defer session.Close()
	if err := p.model.Assign(session, p.graph.Scope); err != nil {
		return nil, err
	}
	return p.calls(ctx, session)
}

// WriteCalls writes calls as an npz file of arrays in/SIGNATURE/INPUT and
// out/SIGNATURE/OUTPUT, for programs of others to repeat. The signature that
// takes encoded files is left out.
func WriteCalls(path string, calls []Call) (err error) {
	var arrays []npz.Array
	add := func(side, signature string, tensors map[string]*tensorflow.Tensor) error {
		for key, t := range tensors {
			values, err := tf.Values[float32](t)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", signature, key, err)
			}
			arrays = append(arrays, npz.FromFloat32s(side+"/"+signature+"/"+key, t.Shape(), values))
		}
		return nil
	}
	for _, c := range calls {
		if c.Signature == infer.SigBytes {
			continue
		}
		if err := errors.Join(add("in", c.Signature, c.Inputs), add("out", c.Signature, c.Outputs)); err != nil {
			return err
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return npz.Write(f, arrays, false)
}

func (p *Plan) calls(ctx context.Context, session *tf.Session) ([]Call, error) {
	known := map[string]*tensorflow.Tensor{} // outputs so far, by name
	var calls []Call
	for _, s := range p.graph.List {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		inputs, err := probes(s, known)
		if err != nil {
			return nil, fmt.Errorf("signature %s: %w", s.Name, err)
		}
		outputs, err := p.graph.Call(session, s.Name, inputs)
		if err != nil {
			return nil, err
		}
		for key, v := range outputs {
			known[key] = v
		}
		calls = append(calls, Call{s.Name, inputs, outputs})
	}
	return calls, nil
}

// callAndCompare calls a signature of what was written and returns the largest
// difference to what it should give.
func callAndCompare(saved *savedmodel.Model, name string, c Call, explained *rounding) (float64, error) {
	got, err := saved.Call(name, c.Inputs)
	if err != nil {
		return 0, err
	}
	worst := 0.0
	for key, v := range c.Outputs {
		d, err := difference(got[key], v)
		if err != nil {
			return 0, fmt.Errorf("signature %s: %s: %w", name, key, err)
		}
		if d > refused {
			most, err := explained.bound(c, key)
			if err != nil {
				return 0, err
			}
			if !(d <= most) {
				return 0, fmt.Errorf("signature %s: %s differs from the checkpoint's by %.2g, which rounding does not explain (up to %.2g would be): this model was not written", name, key, d, most)
			}
			glog.Warningf("signature %s: %s differs from the checkpoint's by %.2g; the checkpoint itself differs as much when its inputs change by a millionth", name, key, d)
		}
		worst = max(worst, d)
	}
	return worst, nil
}

// probes are inputs with N = 1: random pictures, a small file, and for an
// encoded source what the signatures before have given.
func probes(s savedmodel.SignatureDef, known map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
	inputs := map[string]*tensorflow.Tensor{}
	for key, spec := range s.Inputs {
		var err error
		part, drives := infer.PartOf(key)
		switch {
		case infer.IsBytes(key):
			var file []byte
			if file, err = smallPNG(); err == nil {
				inputs[key], err = tensorflow.NewTensor([]string{string(file)})
			}
		case drives:
			inputs[key] = known[part]
		case known[key] != nil:
			inputs[key] = known[key]
		default:
			inputs[key], err = randomPicture(key, spec)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return inputs, nil
}

func randomPicture(key string, spec savedmodel.TensorSpec) (*tensorflow.Tensor, error) {
	r := random.New(1, random.Label(key))
	h, w, c := spec.Shape[1], spec.Shape[2], spec.Shape[3]
	values := make([]float32, h*w*c)
	for i := range values {
		values[i] = float32(r.Float64())
	}
	return tf.NewTensor(values, 1, h, w, c)
}

// difference is the largest between two tensors, in proportion to the largest
// value where that is beyond 1. Values that are no numbers must be so in both.
func difference(got, want *tensorflow.Tensor) (float64, error) {
	a, err := tf.Values[float32](got)
	if err != nil {
		return 0, err
	}
	b, err := tf.Values[float32](want)
	if err != nil {
		return 0, err
	}
	if len(a) != len(b) {
		return 0, fmt.Errorf("%v and %v are not of one shape", got.Shape(), want.Shape())
	}
	far, size := 0.0, 1.0
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		if math.IsNaN(x) && math.IsNaN(y) || x == y {
			continue
		}
		d := math.Abs(x - y)
		if math.IsNaN(d) {
			return math.Inf(1), nil
		}
		far = max(far, d)
		size = max(size, math.Abs(y))
	}
	return far / size, nil
}
