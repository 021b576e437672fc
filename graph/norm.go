package graph

import (
	tensorflow "github.com/wamuir/graft/tensorflow"
)

const (
	normEpsilon  = 1e-5
	normMomentum = 0.1 // of the new batch, in PyTorch's sense
)

// BatchNorm normalises each channel over the batch and both sides. In training
// it uses the batch's biased variance and moves its running averages, the
// variance's by the unbiased one; outside it uses the averages.
type BatchNorm struct {
	// Weight and Bias are the affine map, RunningMean and RunningVar the
	// averages; all [C].
	Weight, Bias, RunningMean, RunningVar *Variable

	path     string
	channels int
}

// NewBatchNorm makes the variables weight, bias, running_mean and running_var.
func NewBatchNorm(s *Scope, channels int) *BatchNorm { return NewBatchNormFrom(s, channels, Ones) }

// NewBatchNormFrom is NewBatchNorm whose weight starts with other values than 1.
func NewBatchNormFrom(s *Scope, channels int, weight Initializer) *BatchNorm {
	return &BatchNorm{
		Weight:      s.Variable("weight", Trainable, weight, channels),
		Bias:        s.Variable("bias", Trainable, Zeros, channels),
		RunningMean: s.Variable("running_mean", State, Zeros, channels),
		RunningVar:  s.Variable("running_var", State, Ones, channels),
		path:        s.path,
		channels:    channels,
	}
}

// Apply normalises x [N, H, W, C].
func (n *BatchNorm) Apply(s *Scope, x tensorflow.Output) tensorflow.Output {
	s = s.At(lastPart(n.path))
	if !s.Want("input", x, -1, -1, -1, n.channels) {
		return tensorflow.Output{}
	}
	if s.b.dtype != tensorflow.Float {
		return n.compose(s, x)
	}
	mean, variance := n.RunningMean.Value, n.RunningVar.Value
	if s.training {
		empty := s.Const([]float32{})
		mean, variance = empty, empty
	}
	y, batchMean, batchVar := s.fusedNorm(x, n.Weight.Value, n.Bias.Value, mean, variance, s.training)
	if s.training {
		n.move(s, batchMean, batchVar)
	}
	return y
}

// fusedNorm is TensorFlow's fused kernel, for float32. Its variance output is
// the unbiased one; gradients through the statistics' outputs are wrong.
func (s *Scope) fusedNorm(x, weight, bias, mean, variance tensorflow.Output, training bool) (y, batchMean, batchVar tensorflow.Output) {
	op := s.AddOp("FusedBatchNormV3", Attrs{"epsilon": float32(normEpsilon), "is_training": training}, nil,
		x, weight, bias, mean, variance)
	if op == nil {
		return
	}
	return op.Output(0), op.Output(1), op.Output(2)
}

// compose is the same from single operations, for doubles.
func (n *BatchNorm) compose(s *Scope, x tensorflow.Output) tensorflow.Output {
	mean, variance := n.RunningMean.Value, n.RunningVar.Value
	if s.training {
		d := s.Shape(x)
		if s.b.err != nil {
			return tensorflow.Output{}
		}
		count := d[0] * d[1] * d[2]
		if d[0] < 1 || count < 2 {
			s.Failf("batch norm in training of %v: more than one value a channel is needed", d)
			return tensorflow.Output{}
		}
		mean = s.Mean(x, 0, 1, 2)
		variance = s.Mean(s.Square(s.Minus(x, mean)), 0, 1, 2)
		n.move(s, mean, s.Scale(variance, float64(count)/float64(count-1)))
	}
	return s.affine(x, mean, variance, n.Weight.Value, n.Bias.Value)
}

// affine is (x - mean) / sqrt(variance + epsilon) * weight + bias.
func (s *Scope) affine(x, mean, variance, weight, bias tensorflow.Output) tensorflow.Output {
	scale := s.Mul(s.Rsqrt(s.Shift(variance, normEpsilon)), weight)
	return s.Add(s.Mul(s.Minus(x, mean), scale), bias)
}

// move advances the running averages; calls of one step follow each other in
// the order in which they are built.
func (n *BatchNorm) move(s *Scope, mean, unbiased tensorflow.Output) {
	blend := func(v *Variable, batch tensorflow.Output) {
		kept := s.Scale(s.Pending(v), 1-normMomentum)
		s.Update(v, s.Add(kept, s.Scale(s.StopGradient(batch), normMomentum)))
	}
	blend(n.RunningMean, mean)
	blend(n.RunningVar, unbiased)
}

// InstanceNorm normalises each channel of each sample over both sides, with
// the sample's biased variance.
type InstanceNorm struct {
	// Weight and Bias are the affine map [C].
	Weight, Bias *Variable

	path     string
	channels int
}

// NewInstanceNorm makes the variables weight and bias.
func NewInstanceNorm(s *Scope, channels int) *InstanceNorm {
	return &InstanceNorm{
		Weight:   s.Variable("weight", Trainable, Ones, channels),
		Bias:     s.Variable("bias", Trainable, Zeros, channels),
		path:     s.path,
		channels: channels,
	}
}

// Apply normalises x [N, H, W, C]. With float32 and a known N it is batch norm
// of one sample at a time, whose fused kernel and gradient are faster than
// single operations.
func (n *InstanceNorm) Apply(s *Scope, x tensorflow.Output) tensorflow.Output {
	s = s.At(lastPart(n.path))
	if !s.Want("input", x, -1, -1, -1, n.channels) {
		return tensorflow.Output{}
	}
	samples := s.Shape(x)[0]
	if s.b.dtype != tensorflow.Float || samples < 1 {
		mean := s.MeanKeep(x, 1, 2)
		variance := s.MeanKeep(s.Square(s.Minus(x, mean)), 1, 2)
		return s.affine(x, mean, variance, n.Weight.Value, n.Bias.Value)
	}
	empty := s.Const([]float32{})
	list := make([]tensorflow.Output, samples)
	for i := range list {
		one := s.Slice(x, []int{i, 0, 0, 0}, []int{1, -1, -1, -1})
		list[i], _, _ = s.fusedNorm(one, n.Weight.Value, n.Bias.Value, empty, empty, true)
	}
	return s.Concat(0, list...)
}
