package graph

import (
	"errors"
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
)

// UseKernels lets the layers of the whole graph compute with kernels of our own
// where they serve: float32 on the CPU (tf.OwnKernels), and Warp on a GPU, too
// (tf.OwnSampler). Device is that of the
// session to come. Without this call a graph holds TensorFlow's operations
// only, as one that is exported must. Values differ by rounding alone; weights
// and their names are the same.
func (s *Scope) UseKernels(device string) {
	own, err := tf.OwnKernels(device)
	sampler, errSampler := tf.OwnSampler(device)
	if err := errors.Join(err, errSampler); err != nil {
		s.Fail(err)
		return
	}
	if !sampler || s.b.dtype != tensorflow.Float {
		return
	}
	if err := tf.LoadOps(); err != nil {
		s.Fail(err)
		return
	}
	s.b.own, s.b.ownSampler = own, sampler
}

// OwnKernels reports whether layers may compute with kernels of our own.
func (s *Scope) OwnKernels() bool { return s.b.own }

// ownConv is the convolution by our own kernel, with the pixels of x repeated
// first where up is set. Kernels that rest are transformed once, not at each
// call.
func (c *Conv2D) ownConv(s *Scope, x tensorflow.Output, up bool) tensorflow.Output {
	rests := c.sn == nil && c.groups == 1 && (!s.b.trains || c.Kernel.Kind == Frozen)
	return s.Op("PriorityCutConv2D", c.attrs(s, up, rests, !s.b.trains), x, c.kernel(s), c.shift(s))
}

// shift is the bias, zeros where there is none.
func (c *Conv2D) shift(s *Scope) tensorflow.Output {
	if c.Bias != nil {
		return c.Bias.Value
	}
	return s.zeros(c.out)
}

// zeros are n of them.
func (s *Scope) zeros(n int) tensorflow.Output {
	return s.matrix(fmt.Sprintf("zeros %d", n), func() tensorflow.Output {
		return s.Values(make([]float64, n), int64(n))
	})
}

func (c *Conv2D) attrs(s *Scope, up, rests, inference bool) Attrs {
	attrs := Attrs{"pad_before": int64(c.before), "pad_after": int64(c.after), "upsample": up, "keep_kernel": rests, "inference": inference}
	if r := s.b.replicas; r.several() {
		attrs["parts"] = int64(r.Size) // a sample gets the bits that it would get in one process
	}
	return attrs
}

// servesInBlocks reports whether ownInBlocks can: in training, where a kernel and
// padded maps consist of whole blocks as large as the stride.
func (c *Conv2D) servesInBlocks(s *Scope, x tensorflow.Output) bool {
	d := s.Shape(x)
	whole := func(n int) bool { return n > 0 && n%c.stride == 0 }
	return s.b.own && s.b.trains && c.groups == 1 && c.stride > 1 && whole(c.size) && len(d) == 4 &&
		whole(d[1]+c.before+c.after) && whole(d[2]+c.before+c.after)
}

// ownInBlocks is a convolution with a stride by our own kernel, which has none: as
// one without over blocks of stride x stride pixels, whose pixels are channels.
// TensorFlow's takes as long, and where a processor has AVX2 alone adds up a
// sample in another order when it is by itself.
func (c *Conv2D) ownInBlocks(s *Scope, x tensorflow.Output) tensorflow.Output {
	b := c.stride
	x = s.Op("SpaceToDepth", Attrs{"block_size": int64(b)}, s.Pad(x, c.before, c.after))
	k := s.Reshape(c.kernel(s), c.size/b, b, c.size/b, b, c.in, c.out)
	k = s.Reshape(s.Transpose(k, 0, 2, 1, 3, 4, 5), c.size/b, c.size/b, b*b*c.in, c.out)
	unpadded := &Conv2D{}
	return s.Op("PriorityCutConv2D", unpadded.attrs(s, false, false, false), x, k, c.shift(s))
}

// serves reports whether our own kernel can stand for the layer. Groups, whose
// kernel is made whole at each step, it has in training alone: there a sample is
// to have the same bits whatever is beside it.
func (c *Conv2D) serves(s *Scope) bool {
	return s.b.own && c.stride == 1 && (c.groups == 1 || s.b.trains) && c.before < c.size && c.after < c.size
}

// ownNormed is convolution, batch norm by running averages and ReLU in one
// pass, for graphs that do not train.
func (c *Conv2D) ownNormed(s *Scope, n *BatchNorm, x tensorflow.Output, up bool) tensorflow.Output {
	s = s.At(lastPart(c.path))
	if !s.Want("input", x, -1, -1, -1, c.in) {
		return tensorflow.Output{}
	}
	scale, shift := n.line(s, c.shift(s))
	attrs := c.attrs(s, up, true, true)
	attrs["relu"] = true
	return s.Op("PriorityCutConv2DFused", attrs, x, c.Kernel.Value, scale, shift)
}

// line is what the norm by running averages does to x + before, as x * scale +
// shift.
func (n *BatchNorm) line(s *Scope, before tensorflow.Output) (scale, shift tensorflow.Output) {
	scale = s.Mul(s.Rsqrt(s.Shift(n.RunningVar.Value, normEpsilon)), n.Weight.Value)
	return scale, s.Add(s.Mul(s.Minus(before, n.RunningMean.Value), scale), n.Bias.Value)
}

// ownResidual is residual + convolution, and with a norm also that behind the
// norm by running averages and ReLU, in one pass, for graphs that do not train.
func (c *Conv2D) ownResidual(s *Scope, x, residual tensorflow.Output, n *BatchNorm) (sum, normed tensorflow.Output) {
	s = s.At(lastPart(c.path))
	if !s.Want("input", x, -1, -1, -1, c.in) {
		return
	}
	var scale, shift tensorflow.OutputList
	if n != nil {
		a, b := n.line(s, s.zeros(c.out))
		scale, shift = append(scale, a), append(shift, b)
	}
	op := s.AddOp("PriorityCutConv2DResidual", c.attrs(s, false, true, true), nil, x, c.Kernel.Value, c.shift(s), residual, scale, shift)
	if op == nil {
		return
	}
	if n != nil {
		normed = op.Output(1)
	}
	return op.Output(0), normed
}

// fuses reports whether convolution, norm and ReLU may be one pass: it has no
// gradient.
func (c *Conv2D) fuses(s *Scope) bool { return c.serves(s) && !s.b.trains && c.sn == nil }
