package graph

import (
	tensorflow "github.com/wamuir/graft/tensorflow"
)

// Conv2D is a convolution with bias and stride 1.
type Conv2D struct {
	// Kernel is [height, width, in, out], Bias [out].
	Kernel, Bias *Variable

	path          string
	size, in, out int
	before, after int // zero padding
	sn            *SpectralNorm
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
}

// SamePadding are the options of an odd kernel that keeps the size of a map.
func SamePadding(kernel int) ConvOptions {
	return ConvOptions{PadBefore: kernel / 2, PadAfter: kernel / 2}
}

// NewConv2D makes the weights of a kernel x kernel convolution from in to out
// channels in scope s: weight and bias, or weight_orig, weight_u, weight_v and
// bias with spectral normalisation.
func NewConv2D(s *Scope, in, out, kernel int, o ConvOptions) *Conv2D {
	c := &Conv2D{path: s.path, size: kernel, in: in, out: out, before: o.PadBefore, after: o.PadAfter}
	kind := Trainable
	if o.Frozen {
		kind = Frozen
	}
	kernelInit, biasInit := UniformFanIn(in*kernel*kernel), UniformFanIn(in*kernel*kernel)
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
	c.Kernel = s.Variable(name, kind, kernelInit, kernel, kernel, in, out)
	if o.SpectralNorm {
		c.sn = newSpectralNorm(s, c.Kernel)
	}
	c.Bias = s.Variable("bias", kind, biasInit, out)
	return c
}

// Apply convolves x [N, H, W, in] to [N, H + before + after - k + 1, ..., out].
func (c *Conv2D) Apply(s *Scope, x tensorflow.Output) tensorflow.Output {
	s = s.At(lastPart(c.path))
	if !s.Want("input", x, -1, -1, -1, c.in) {
		return tensorflow.Output{}
	}
	if d := s.Shape(x); d[1] > 0 && d[2] > 0 && min(d[1], d[2])+c.before+c.after < c.size {
		s.Failf("maps of %dx%d are smaller than a kernel of %d pixels; use fewer blocks or larger pictures", d[1], d[2], c.size)
		return tensorflow.Output{}
	}
	kernel := c.Kernel.Value
	if c.sn != nil {
		kernel = c.sn.Apply(s)
	}
	// Explicit padding has no gradient on CPU, so uneven padding is an
	// operation of its own.
	padding := "VALID"
	if c.before == c.after && 2*c.before == c.size-1 {
		padding = "SAME"
	} else {
		x = s.Pad(x, c.before, c.after)
	}
	y := s.Op("Conv2D", Attrs{"strides": []int64{1, 1, 1, 1}, "padding": padding}, x, kernel)
	return s.Op("BiasAdd", nil, y, c.Bias.Value)
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
	_, h, w, _, ok := s.maps("input of "+op, x)
	if !ok {
		return tensorflow.Output{}
	}
	if h < 2 || w < 2 {
		s.Failf("%s of maps of %dx%d: nothing is left; use fewer blocks or larger pictures", op, h, w)
		return tensorflow.Output{}
	}
	square := []int64{1, 2, 2, 1}
	return s.Op(op, Attrs{"ksize": square, "strides": square, "padding": "VALID"}, x)
}

// UpNearest2 doubles both sides by repeating pixels.
func (s *Scope) UpNearest2(x tensorflow.Output) tensorflow.Output {
	_, h, w, _, ok := s.maps("input of up-sampling", x)
	if !ok {
		return tensorflow.Output{}
	}
	return s.Op("ResizeNearestNeighbor", nil, x, s.ints(2*h, 2*w))
}
