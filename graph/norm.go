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
	if s.training && s.b.own {
		return n.own(s, x, 1, false)
	}
	if s.training && s.b.replicas.several() || s.b.dtype != tensorflow.Float {
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

// ApplyRelu is Apply with a ReLU behind it and, with pool, the averages of 2x2
// squares behind that. In training our own kernel does it all in one pass, and
// its gradient keeps x and no other map.
func (n *BatchNorm) ApplyRelu(s *Scope, x tensorflow.Output, pool bool) tensorflow.Output {
	if s.b.own && s.training {
		at := s.At(lastPart(n.path))
		if !at.Want("input", x, -1, -1, -1, n.channels) {
			return tensorflow.Output{}
		}
		return n.own(at, x, 0, pool)
	}
	y := s.Relu(n.Apply(s, x))
	if pool {
		y = s.AvgPool2(y)
	}
	return y
}

// own is batch norm in training by our own kernel, with a leaky ReLU of the given
// slope (1: none) and, with pool, 2x2 averages behind it. One process and several
// give a sample the same bits.
func (n *BatchNorm) own(s *Scope, x tensorflow.Output, slope float64, pool bool) tensorflow.Output {
	if s.b.replicas.several() {
		return n.shared(s, x, slope, pool)
	}
	y, mean, unbiased := s.ownNorm(x, n.Weight, n.Bias, false, slope, pool)
	n.move(s, mean, unbiased)
	return y
}

// ownNorm is our own kernel: batch norm or, with eachSample, instance norm by
// the statistics of x, then a leaky ReLU and, with pool, 2x2 averages.
func (s *Scope) ownNorm(x tensorflow.Output, weight, bias *Variable, eachSample bool, slope float64, pool bool) (y, mean, unbiased tensorflow.Output) {
	if pool && !s.poolable("average", x) {
		return
	}
	op := s.AddOp("PriorityCutNorm", Attrs{
		"each_sample": eachSample, "pool": pool, "slope": float32(slope), "epsilon": float32(normEpsilon),
	}, nil, x, weight.Value, bias.Value)
	if op == nil {
		return
	}
	return op.Output(0), op.Output(1), op.Output(3)
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

// compose is the same from single operations, for doubles and for statistics
// over the batches of several replicas.
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
		if r := s.b.replicas; r.several() {
			count *= r.Size
			mean, variance = s.pooled(mean, variance)
		}
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

// Apply normalises x [N, H, W, C].
func (n *InstanceNorm) Apply(s *Scope, x tensorflow.Output) tensorflow.Output {
	return n.ApplyLeaky(s, x, 1, false)
}

// ApplyLeaky normalises x [N, H, W, C], with a leaky ReLU of the given slope
// behind it (1: none) and, with pool, the averages of 2x2 squares behind that.
// Time and memory grow with N, in the gradient too.
func (n *InstanceNorm) ApplyLeaky(s *Scope, x tensorflow.Output, slope float64, pool bool) tensorflow.Output {
	at := s.At(lastPart(n.path))
	if !at.Want("input", x, -1, -1, -1, n.channels) {
		return tensorflow.Output{}
	}
	if s.b.own {
		y, _, _ := at.ownNorm(x, n.Weight, n.Bias, true, slope, pool)
		return y
	}
	y := n.normalise(at, x)
	if slope != 1 {
		y = s.LeakyRelu(y, slope)
	}
	if pool {
		y = s.AvgPool2(y)
	}
	return y
}

// normalise is composed of TensorFlow's operations. With float32 and a known N
// it is batch norm whose channels are those of all samples, [1, H, W, N*C]: one
// fused kernel and gradient, which are faster than single operations.
func (n *InstanceNorm) normalise(s *Scope, x tensorflow.Output) tensorflow.Output {
	samples, h, w, c, ok := s.maps("input of instance norm", x)
	if !ok {
		return tensorflow.Output{}
	}
	if s.b.dtype != tensorflow.Float || samples < 1 {
		mean := s.MeanKeep(x, 1, 2)
		variance := s.MeanKeep(s.Square(s.Minus(x, mean)), 1, 2)
		return s.affine(x, mean, variance, n.Weight.Value, n.Bias.Value)
	}
	weight, bias := n.Weight.Value, n.Bias.Value
	if samples > 1 {
		x = s.Reshape(s.Transpose(x, 1, 2, 0, 3), 1, h, w, samples*c)
		weight, bias = s.Op("Tile", nil, weight, s.ints(samples)), s.Op("Tile", nil, bias, s.ints(samples))
	}
	empty := s.Const([]float32{})
	y, _, _ := s.fusedNorm(x, weight, bias, empty, empty, true)
	if samples > 1 {
		y = s.Transpose(s.Reshape(y, h, w, samples, c), 2, 0, 1, 3)
	}
	return y
}
