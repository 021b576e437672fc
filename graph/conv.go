package graph

import (
	tensorflow "github.com/wamuir/graft/tensorflow"
)

// Conv2D is a convolution, with bias and stride 1 unless its options say
// otherwise.
type Conv2D struct {
	// Kernel is [height, width, in per group, out], Bias [out] or nil.
	Kernel, Bias *Variable

	path           string
	size, in, out  int
	before, after  int // zero padding
	stride, groups int
	sn             *SpectralNorm
}

// ConvOptions are what not every convolution needs.
type ConvOptions struct {
	// PadBefore and PadAfter are the zeros on both axes.
	PadBefore, PadAfter int
	// SpectralNorm divides the kernel by an estimate of its largest singular
	// value.
	SpectralNorm bool
	// KernelInit and BiasInit replace PyTorch's default where they are set.
	KernelInit, BiasInit *Initializer
	// Frozen keeps the weights out of training and checkpoints.
	Frozen bool
	// NoBias leaves the bias out.
	NoBias bool
	// Stride is the distance of outputs in pixels; 0 is 1.
	Stride int
	// Groups divide the channels, so that each sees its own only; 0 is 1. Both
	// numbers of channels must be multiples of it.
	Groups int
}

// SamePadding are the options of an odd kernel that keeps the size of a map.
func SamePadding(kernel int) ConvOptions {
	return ConvOptions{PadBefore: kernel / 2, PadAfter: kernel / 2}
}

// NewConv2D makes the weights of a kernel x kernel convolution from in to out
// channels in scope s: weight and bias, or weight_orig, weight_u, weight_v and
// bias with spectral normalisation.
func NewConv2D(s *Scope, in, out, kernel int, o ConvOptions) *Conv2D {
	c := &Conv2D{
		path: s.path, size: kernel, in: in, out: out, before: o.PadBefore, after: o.PadAfter,
		stride: max(o.Stride, 1), groups: max(o.Groups, 1),
	}
	if in%c.groups != 0 || out%c.groups != 0 {
		s.Failf("a convolution from %d to %d channels cannot have %d groups", in, out, c.groups)
		return c
	}
	kind := Trainable
	if o.Frozen {
		kind = Frozen
	}
	perGroup := in / c.groups
	kernelInit, biasInit := UniformFanIn(perGroup*kernel*kernel), UniformFanIn(perGroup*kernel*kernel)
	if o.KernelInit != nil {
		kernelInit = *o.KernelInit
	}
	if o.BiasInit != nil {
		biasInit = *o.BiasInit
	}
	name := "weight"
	if o.SpectralNorm {
		name = "weight_orig"
	}
	c.Kernel = s.Variable(name, kind, kernelInit, kernel, kernel, perGroup, out)
	if o.SpectralNorm {
		c.sn = newSpectralNorm(s, c.Kernel)
	}
	if !o.NoBias {
		c.Bias = s.Variable("bias", kind, biasInit, out)
	}
	return c
}

// Apply convolves x [N, H, W, in] to
// [N, (H + before + after - k) / stride + 1, ..., out].
func (c *Conv2D) Apply(s *Scope, x tensorflow.Output) tensorflow.Output {
	s = s.At(lastPart(c.path))
	if !s.Want("input", x, -1, -1, -1, c.in) {
		return tensorflow.Output{}
	}
	if d := s.Shape(x); d[1] > 0 && d[2] > 0 && min(d[1], d[2])+c.before+c.after < c.size {
		s.Failf("maps of %dx%d are smaller than a kernel of %d pixels; use fewer blocks or larger pictures", d[1], d[2], c.size)
		return tensorflow.Output{}
	}
	if c.serves(s) {
		return c.ownConv(s, x, false)
	}
	if c.servesInBlocks(s, x) {
		return c.ownInBlocks(s, x)
	}
	// Explicit padding has no gradient on CPU, so uneven padding is an
	// operation of its own.
	padding := "VALID"
	if c.isSame(s.Shape(x)) {
		padding = "SAME"
	} else {
		x = s.Pad(x, c.before, c.after)
	}
	step := int64(c.stride)
	y := s.Op("Conv2D", Attrs{"strides": []int64{1, step, step, 1}, "padding": padding}, x, c.kernel(s))
	if c.Bias == nil {
		return y
	}
	return s.Op("BiasAdd", nil, y, c.Bias.Value)
}

// ApplyUp doubles the sides of x [N, H, W, in] by repeating pixels and convolves
// with a 3x3 kernel and one zero on each side, to [N, 2H, 2W, out]. Our own kernel
// never makes the doubled maps.
func (c *Conv2D) ApplyUp(s *Scope, x tensorflow.Output) tensorflow.Output {
	if !c.serves(s) || c.size != 3 || c.before != 1 || c.after != 1 {
		return c.Apply(s, s.UpNearest2(x))
	}
	s = s.At(lastPart(c.path))
	if !s.Want("input", x, -1, -1, -1, c.in) {
		return tensorflow.Output{}
	}
	return c.ownConv(s, x, true)
}

// isSame reports whether the padding of maps of these sizes is what TensorFlow
// calls SAME: as much on both sides as makes one output for each stride.
func (c *Conv2D) isSame(dims []int) bool {
	return len(dims) == 4 && c.before == c.after && 2*c.before == c.size-c.stride &&
		dims[1]%c.stride == 0 && dims[2]%c.stride == 0
}

// kernel is [k, k, in, out] as TensorFlow applies it. Its CPU kernels know no
// groups: there each group's weights become a block of the diagonal of a
// kernel that is zero elsewhere.
func (c *Conv2D) kernel(s *Scope) tensorflow.Output {
	kernel := c.Kernel.Value
	if c.sn != nil {
		kernel = c.sn.Apply(s)
	}
	if c.groups == 1 {
		return kernel
	}
	own := make([]float64, c.groups*c.out)
	for o := 0; o < c.out; o++ {
		own[o/(c.out/c.groups)*c.out+o] = 1
	}
	mask := s.Values(own, int64(c.groups), 1, int64(c.out))
	repeated := s.Reshape(kernel, c.size, c.size, 1, c.in/c.groups, c.out)
	return s.Reshape(s.Mul(repeated, mask), c.size, c.size, c.in, c.out)
}

// EffectiveKernel is the kernel that the layer applies outside training.
func (c *Conv2D) EffectiveKernel(s *Scope) tensorflow.Output {
	if c.sn == nil {
		return c.Kernel.Value
	}
	return c.sn.Apply(s.WithTraining(false))
}

// lastPart is the name of the innermost scope of a path.
func lastPart(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}

// AvgPool2 averages 2x2 squares: [N, H/2, W/2, C], sides rounded down.
func (s *Scope) AvgPool2(x tensorflow.Output) tensorflow.Output { return s.pool("AvgPool", x) }

// MaxPool2 takes the largest of 2x2 squares: [N, H/2, W/2, C].
func (s *Scope) MaxPool2(x tensorflow.Output) tensorflow.Output { return s.pool("MaxPool", x) }

func (s *Scope) pool(op string, x tensorflow.Output) tensorflow.Output {
	if !s.poolable(op, x) {
		return tensorflow.Output{}
	}
	square := []int64{1, 2, 2, 1}
	return s.Op(op, Attrs{"ksize": square, "strides": square, "padding": "VALID"}, x)
}

// poolable reports whether maps have 2x2 squares.
func (s *Scope) poolable(op string, x tensorflow.Output) bool {
	_, h, w, _, ok := s.maps("input of "+op, x)
	if ok && (h < 2 || w < 2) {
		s.Failf("%s of maps of %dx%d: nothing is left; use fewer blocks or larger pictures", op, h, w)
		return false
	}
	return ok
}

// UpNearest2 doubles both sides by repeating pixels.
func (s *Scope) UpNearest2(x tensorflow.Output) tensorflow.Output {
	_, h, w, _, ok := s.maps("input of up-sampling", x)
	if !ok {
		return tensorflow.Output{}
	}
	return s.Op("ResizeNearestNeighbor", nil, x, s.ints(2*h, 2*w))
}
