package graph

import (
	"math"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// Elementwise arithmetic; shapes broadcast.

// Add is a + b.
func (s *Scope) Add(a, b tensorflow.Output) tensorflow.Output { return s.Op("AddV2", nil, a, b) }

// Minus is a - b.
func (s *Scope) Minus(a, b tensorflow.Output) tensorflow.Output { return s.Op("Sub", nil, a, b) }

// Mul is a * b.
func (s *Scope) Mul(a, b tensorflow.Output) tensorflow.Output { return s.Op("Mul", nil, a, b) }

// Div is a / b.
func (s *Scope) Div(a, b tensorflow.Output) tensorflow.Output { return s.Op("RealDiv", nil, a, b) }

// Scale is c * a.
func (s *Scope) Scale(a tensorflow.Output, c float64) tensorflow.Output {
	if c == 1 {
		return a
	}
	return s.Mul(a, s.scalarLike(a, c))
}

// Shift is a + c.
func (s *Scope) Shift(a tensorflow.Output, c float64) tensorflow.Output {
	if c == 0 {
		return a
	}
	return s.Add(a, s.scalarLike(a, c))
}

// scalarLike is the constant c in the dtype of a.
func (s *Scope) scalarLike(a tensorflow.Output, c float64) tensorflow.Output {
	if s.b.err != nil || a.Op == nil {
		return tensorflow.Output{}
	}
	return s.ScalarOf(a.DataType(), c)
}

// OneMinus is 1 - a.
func (s *Scope) OneMinus(a tensorflow.Output) tensorflow.Output {
	return s.Minus(s.scalarLike(a, 1), a)
}

// Neg is -a.
func (s *Scope) Neg(a tensorflow.Output) tensorflow.Output { return s.Op("Neg", nil, a) }

// Abs is |a|.
func (s *Scope) Abs(a tensorflow.Output) tensorflow.Output { return s.Op("Abs", nil, a) }

// Square is a squared.
func (s *Scope) Square(a tensorflow.Output) tensorflow.Output { return s.Op("Square", nil, a) }

// Sqrt is the square root of a.
func (s *Scope) Sqrt(a tensorflow.Output) tensorflow.Output { return s.Op("Sqrt", nil, a) }

// Rsqrt is 1 / sqrt(a).
func (s *Scope) Rsqrt(a tensorflow.Output) tensorflow.Output { return s.Op("Rsqrt", nil, a) }

// Exp is e to the power of a.
func (s *Scope) Exp(a tensorflow.Output) tensorflow.Output { return s.Op("Exp", nil, a) }

// Log is the natural logarithm of a.
func (s *Scope) Log(a tensorflow.Output) tensorflow.Output { return s.Op("Log", nil, a) }

// Sign is -1, 0 or 1.
func (s *Scope) Sign(a tensorflow.Output) tensorflow.Output { return s.Op("Sign", nil, a) }

// Floor rounds down. It cuts the gradient.
func (s *Scope) Floor(a tensorflow.Output) tensorflow.Output {
	return s.StopGradient(s.Op("Floor", nil, a))
}

// Clip limits a to [lo, hi].
func (s *Scope) Clip(a tensorflow.Output, lo, hi float64) tensorflow.Output {
	return s.Op("Maximum", nil, s.Op("Minimum", nil, a, s.scalarLike(a, hi)), s.scalarLike(a, lo))
}

// Relu is max(a, 0).
func (s *Scope) Relu(a tensorflow.Output) tensorflow.Output { return s.Op("Relu", nil, a) }

// LeakyRelu is a where positive, slope*a elsewhere. TensorFlow keeps the slope
// as float32, so graphs of doubles compose it.
func (s *Scope) LeakyRelu(a tensorflow.Output, slope float64) tensorflow.Output {
	if s.b.dtype == tensorflow.Float {
		return s.Op("LeakyRelu", Attrs{"alpha": float32(slope)}, a)
	}
	return s.Minus(s.Relu(a), s.Scale(s.Relu(s.Neg(a)), slope))
}

// Sigmoid is 1 / (1 + e^-a).
func (s *Scope) Sigmoid(a tensorflow.Output) tensorflow.Output { return s.Op("Sigmoid", nil, a) }

// Softmax normalises along the last axis.
func (s *Scope) Softmax(a tensorflow.Output) tensorflow.Output { return s.Op("Softmax", nil, a) }

// Heatmaps turns logits [N, h, w, C] into C distributions over positions,
// [N, C, h*w]: the softmax of logits / temperature.
func (s *Scope) Heatmaps(logits tensorflow.Output, temperature float64) tensorflow.Output {
	dims := s.Shape(logits)
	if s.Err() != nil {
		return tensorflow.Output{}
	}
	byChannel := s.Transpose(s.Reshape(logits, -1, dims[1]*dims[2], dims[3]), 0, 2, 1)
	return s.Softmax(s.Scale(byChannel, 1/temperature))
}

// Cast converts a to dtype.
func (s *Scope) Cast(a tensorflow.Output, dtype tensorflow.DataType) tensorflow.Output {
	if s.b.err == nil && a.Op != nil && a.DataType() == dtype {
		return a
	}
	return s.Op("Cast", Attrs{"DstT": dtype}, a)
}

// StopGradient passes a on and no gradient back.
func (s *Scope) StopGradient(a tensorflow.Output) tensorflow.Output {
	return s.Op("StopGradient", nil, a)
}

// Identity gives a name of its own, path/name, to a.
func (s *Scope) Identity(name string, a tensorflow.Output) tensorflow.Output {
	op := s.addNamed(name, "Identity", nil, nil, a)
	if op == nil {
		return tensorflow.Output{}
	}
	return op.Output(0)
}

// Mean averages over the given axes (all when none is named), which vanish.
func (s *Scope) Mean(a tensorflow.Output, axes ...int) tensorflow.Output {
	return s.reduce("Mean", a, false, axes)
}

// MeanKeep averages over the given axes, which stay with size 1.
func (s *Scope) MeanKeep(a tensorflow.Output, axes ...int) tensorflow.Output {
	return s.reduce("Mean", a, true, axes)
}

// Sum adds over the given axes (all when none is named), which vanish.
func (s *Scope) Sum(a tensorflow.Output, axes ...int) tensorflow.Output {
	return s.reduce("Sum", a, false, axes)
}

func (s *Scope) reduce(op string, a tensorflow.Output, keep bool, axes []int) tensorflow.Output {
	if len(axes) == 0 {
		for i := range s.Shape(a) {
			axes = append(axes, i)
		}
	}
	return s.Op(op, Attrs{"keep_dims": keep}, a, s.ints(axes...))
}

// L1 is the mean absolute difference of a and b over all elements: a scalar.
func (s *Scope) L1(a, b tensorflow.Output) tensorflow.Output { return s.Mean(s.Abs(s.Minus(a, b))) }

// Shapes.

// Reshape gives a the sizes dims, one of which may be -1.
func (s *Scope) Reshape(a tensorflow.Output, dims ...int) tensorflow.Output {
	return s.Op("Reshape", nil, a, s.ints(dims...))
}

// Transpose reorders the axes of a.
func (s *Scope) Transpose(a tensorflow.Output, axes ...int) tensorflow.Output {
	return s.Op("Transpose", nil, a, s.ints(axes...))
}

// ExpandDims adds an axis of size 1.
func (s *Scope) ExpandDims(a tensorflow.Output, axis int) tensorflow.Output {
	return s.Op("ExpandDims", nil, a, s.ScalarOf(tensorflow.Int32, float64(axis)))
}

// Slice takes size elements from begin on; size -1 takes all that is left.
func (s *Scope) Slice(a tensorflow.Output, begin, size []int) tensorflow.Output {
	return s.Op("Slice", nil, a, s.ints(begin...), s.ints(size...))
}

// Channels takes channels [from, to) of maps [N, H, W, C].
func (s *Scope) Channels(a tensorflow.Output, from, to int) tensorflow.Output {
	return s.Slice(a, []int{0, 0, 0, from}, []int{-1, -1, -1, to - from})
}

// Pad adds zeros around maps [N, H, W, C]: before and after on both axes.
func (s *Scope) Pad(a tensorflow.Output, before, after int) tensorflow.Output {
	if before == 0 && after == 0 {
		return a
	}
	t, err := tensorflow.NewTensor([][]int32{{0, 0}, {int32(before), int32(after)}, {int32(before), int32(after)}, {0, 0}})
	if err != nil {
		s.Fail(err)
		return tensorflow.Output{}
	}
	return s.Op("Pad", nil, a, s.Const(t))
}

// MatMul is the matrix product over the last two axes; leading axes broadcast. In
// training a sample's bits do not hang on how many there are beside it.
func (s *Scope) MatMul(a, b tensorflow.Output) tensorflow.Output {
	if s.b.replicas.several() && s.single(a) && s.single(b) {
		return s.accompanied(a, b)
	}
	if s.training {
		a, b = s.repeated(a, b), s.repeated(b, a)
	}
	return s.Op("BatchMatMulV2", nil, a, b)
}

// accompanied is the product of the single matrix that a replica may have of a
// batch. TensorFlow's CPU kernel of the gradient adds up in another order there:
// the matrix gets company, so that its bits are those that it has beside others.
func (s *Scope) accompanied(a, b tensorflow.Output) tensorflow.Output {
	rank := max(len(s.Shape(a)), len(s.Shape(b)))
	first := make([]int, rank)
	size := make([]int, rank)
	for i := range size {
		size[i] = -1
	}
	size[0] = 1
	return s.Slice(s.MatMul(s.twice(a, rank), s.twice(b, rank)), first, size)
}

// repeated is a matrix x once for each sample of y [N, ..., rows, columns], else
// x. TensorFlow multiplies all samples by one matrix as a single tall product,
// and the order in which it sums a row depends on where in that the row lies.
func (s *Scope) repeated(x, y tensorflow.Output) tensorflow.Output {
	of, d := s.Shape(x), s.Shape(y)
	if !s.single(x) || len(d) < max(len(of), 3) || d[0] < 2 {
		return x
	}
	var each []int
	for range d[:len(d)-2] {
		each = append(each, 1)
	}
	x = s.Reshape(x, append(each, of[len(of)-2:]...)...)
	copies := make([]tensorflow.Output, d[0])
	for i := range copies {
		copies[i] = x
	}
	return s.Concat(0, copies...)
}

// single reports whether x [1, ..., 1, rows, columns] is one matrix of a batch.
func (s *Scope) single(x tensorflow.Output) bool {
	d := s.Shape(x)
	for _, n := range d[:max(len(d)-2, 0)] {
		if n != 1 {
			return false
		}
	}
	return len(d) > 1
}

// twice stacks x with itself if it has the given rank.
func (s *Scope) twice(x tensorflow.Output, rank int) tensorflow.Output {
	if rank < 3 || len(s.Shape(x)) < rank {
		return x
	}
	return s.Concat(0, x, x)
}

// Inverse2x2 inverts matrices [..., 2, 2] in closed form; TensorFlow's own
// inverse has no gradient in its C API. Singular matrices give infinities.
func (s *Scope) Inverse2x2(m tensorflow.Output) tensorflow.Output {
	d := s.Shape(m)
	if s.b.err != nil {
		return tensorflow.Output{}
	}
	r := len(d)
	if r < 2 || d[r-1] != 2 || d[r-2] != 2 {
		s.Failf("inverse of %v: want [..., 2, 2]", d)
		return tensorflow.Output{}
	}
	element := func(i, j int) tensorflow.Output {
		begin, size := make([]int, r), make([]int, r)
		for k := range size {
			size[k] = -1
		}
		begin[r-2], begin[r-1], size[r-2], size[r-1] = i, j, 1, 1
		return s.Slice(m, begin, size) // [..., 1, 1]
	}
	a, b, c, e := element(0, 0), element(0, 1), element(1, 0), element(1, 1)
	det := s.Minus(s.Mul(a, e), s.Mul(b, c))
	top := s.Concat(r-1, e, s.Neg(b))
	bottom := s.Concat(r-1, s.Neg(c), a)
	return s.Div(s.Concat(r-2, top, bottom), det)
}

// isPowerOfTwoFraction reports whether f is 1, 1/2, 1/4, ... and returns 1/f.
func isPowerOfTwoFraction(f float64) (int, bool) {
	if !(f > 0 && f <= 1) {
		return 0, false
	}
	n := math.Round(1 / f)
	if n*f != 1 || n > 1<<16 || int(n)&(int(n)-1) != 0 {
		return 0, false
	}
	return int(n), true
}
