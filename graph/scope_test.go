package graph

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

func TestScopeNames(t *testing.T) {
	s := New(tensorflow.Float)
	net := s.Sub("net")
	x := net.Placeholder("x", tensorflow.Float, 2)
	first, second, third := net.Relu(x), net.Relu(x), s.At("net").Relu(x)
	named := net.Identity("Relu_1", first)
	for i, c := range []struct {
		got  tensorflow.Output
		want string
	}{{x, "net/x"}, {first, "net/Relu"}, {second, "net/Relu_1"}, {third, "net/Relu_2"}, {named, "net/Relu_1_1"}} {
		if c.got.Op == nil {
			t.Fatalf("operation %d does not exist: %v", i, s.Err())
		}
		if got := c.got.Op.Name(); got != c.want {
			t.Errorf("operation %d is called %s, want %s", i, got, c.want)
		}
	}
	if net.Path() != "net" || net.Sub("deep").Path() != "net/deep" || s.Path() != "" {
		t.Error("paths are not the names joined by /")
	}
	if s.DType() != tensorflow.Float || s.Training() || !s.WithTraining(true).Sub("b").Training() {
		t.Error("dtype or training is not handed down")
	}
	if s.Scalar(2) != net.Scalar(2) || s.Scalar(2) == s.Scalar(3) {
		t.Error("a scalar is made more than once, or shared by mistake")
	}
}

// TestStickyError: the first error stands, names its scope, and everything
// after it does nothing.
func TestStickyError(t *testing.T) {
	s := New(tensorflow.Float)
	x := s.Placeholder("x", tensorflow.Float, 2, 8, 8, 3)
	block := NewDownBlock(s.Sub("generator").Sub("down_blocks.0"), 4, 8)
	if y := block.Apply(s.At("generator_forward"), x); y.Op != nil {
		t.Error("a block takes the wrong number of channels")
	}
	first := s.Err()
	if first == nil || !strings.HasPrefix(first.Error(), "generator_forward/down_blocks.0/conv: ") {
		t.Fatalf("error is %v, want one that begins with generator_forward/down_blocks.0/conv", first)
	}
	for _, part := range []string{"[2 8 8 3]", "[-1 -1 -1 4]"} {
		if !strings.Contains(first.Error(), part) {
			t.Errorf("error %q lacks %s", first, part)
		}
	}
	s.Failf("another")
	s.Fail(nil)
	if s.Err() != first || s.Sub("other").Err() != first {
		t.Errorf("error became %v", s.Err())
	}
	useEverything(s)
	if s.Err() != first {
		t.Errorf("error became %v", s.Err())
	}
}

// useEverything calls what there is with outputs that do not exist. It must
// not panic.
func useEverything(s *Scope) {
	var x tensorflow.Output
	s = s.WithTraining(true)
	for _, f := range []func(a, b tensorflow.Output) tensorflow.Output{s.Add, s.Minus, s.Mul, s.Div, s.MatMul, s.L1} {
		f(x, x)
	}
	for _, f := range []func(a tensorflow.Output) tensorflow.Output{
		s.OneMinus, s.Neg, s.Abs, s.Square, s.Sqrt, s.Rsqrt, s.Exp, s.Log, s.Sign, s.Floor, s.Relu, s.Sigmoid,
		s.Softmax, s.StopGradient, s.Inverse2x2, s.AvgPool2, s.MaxPool2, s.UpNearest2,
	} {
		f(x)
	}
	s.AddN()
	s.AddN(x, x)
	s.Scale(x, 2)
	s.Shift(x, 2)
	s.Clip(x, 0, 1)
	s.LeakyRelu(x, 0.2)
	s.Cast(x, tensorflow.Double)
	s.Identity("x", x)
	s.Mean(x)
	s.MeanKeep(x, 1)
	s.Sum(x)
	s.Reshape(x, 1)
	s.Transpose(x, 0)
	s.ExpandDims(x, 0)
	s.Concat(0)
	s.Concat(0, x, x)
	s.Stack(0, x)
	s.Slice(x, []int{0}, []int{1})
	s.Channels(x, 0, 1)
	s.Pad(x, 1, 1)
	s.Warp(x, x, ReflectPadding, true)
	s.ResizeBilinear(x, 2, 2)
	s.AntiAlias(x, 0.5)
	s.Grid(2, 2)
	s.Const(1)
	s.Scalar(17)
	s.Values([]float64{1}, 1)
	s.Placeholder("p", tensorflow.Float, 1)
	s.Shape(x)
	s.Want("x", x, 1)
	conv := NewConv2D(s.Sub("conv"), 3, 4, 3, ConvOptions{SpectralNorm: true})
	conv.Apply(s, x)
	conv.EffectiveKernel(s)
	norm := NewBatchNorm(s.Sub("batch"), 3)
	norm.Apply(s, x)
	NewInstanceNorm(s.Sub("instance"), 3).Apply(s, x)
	NewSameBlock(s.Sub("same"), 3, 3, 7).Apply(s, x)
	NewUpBlock(s.Sub("up"), 3, 3).Apply(s, x)
	NewResBlock(s.Sub("res"), 3).Apply(s, x)
	NewHourglass(s.Sub("hourglass"), 3, 4, 8, 2).Apply(s, x)
	s.Update(norm.RunningMean, x)
	s.Pending(norm.RunningMean)
	barrier := s.Barrier(x, x)
	s.After(barrier, x)
	s.Gradients(x, []*Variable{conv.Kernel})
	s.GradientsOf(x, []tensorflow.Output{x})
	adam := NewAdam(s.Sub("adam"), "net", []*Variable{conv.Kernel}, x, 0.5, 0.999, 1e-8)
	adam.Reads()
	adam.Apply(s, []tensorflow.Output{x}, barrier)
	s.Commit(barrier)
	s.PendingUpdates()
}

// TestOutputsThatDoNotExist is the same on a scope that is still well: errors,
// not panics.
func TestOutputsThatDoNotExist(t *testing.T) {
	s := New(tensorflow.Float)
	useEverything(s)
	if s.Err() == nil {
		t.Error("operations on nothing are accepted")
	}
}

// TestBadShapes: what cannot be computed is an error that says what and where.
func TestBadShapes(t *testing.T) {
	maps := func(s *Scope, dims ...int64) tensorflow.Output { return s.Placeholder("x", tensorflow.Float, dims...) }
	for what, c := range map[string]struct {
		build func(s *Scope)
		want  string
	}{
		"rank":              {func(s *Scope) { s.AvgPool2(maps(s, 2, 3, 4)) }, "[2 3 4]"},
		"unknown sides":     {func(s *Scope) { s.AvgPool2(maps(s, 2, -1, 4, 1)) }, "must be known"},
		"unknown channels":  {func(s *Scope) { s.Warp(maps(s, 2, 4, 4, -1), maps(s, 2, 3, 2), ZeroPadding, true) }, "must be known"},
		"nothing to pool":   {func(s *Scope) { s.MaxPool2(maps(s, 2, 1, 4, 3)) }, "1x4"},
		"points":            {func(s *Scope) { s.Warp(maps(s, 2, 4, 4, 3), maps(s, 2, 5, 3), ZeroPadding, true) }, "[2 5 3]"},
		"open points":       {func(s *Scope) { s.Warp(maps(s, 2, 4, 4, 3), maps(s, 2, -1, 2), ZeroPadding, true) }, "[2 -1 2]"},
		"too few points":    {func(s *Scope) { s.Warp(maps(s, 2, 4, 4, 3), maps(s, 2, 2), ZeroPadding, true) }, "[2 2]"},
		"resize to nothing": {func(s *Scope) { s.ResizeBilinear(maps(s, 2, 4, 4, 3), 0, 4) }, "0x4"},
		"scale":             {func(s *Scope) { s.AntiAlias(maps(s, 2, 4, 4, 3), 0.3) }, "0.3"},
		"scale above 1":     {func(s *Scope) { s.AntiAlias(maps(s, 2, 4, 4, 3), 2) }, "scale 2"},
		"negative scale":    {func(s *Scope) { s.AntiAlias(maps(s, 2, 4, 4, 3), -0.5) }, "-0.5"},
		"inverse":           {func(s *Scope) { s.Inverse2x2(maps(s, 2, 3, 3)) }, "[2 3 3]"},
		"inverse of vector": {func(s *Scope) { s.Inverse2x2(maps(s, 2)) }, "[2]"},
		"sum of shapes":     {func(s *Scope) { s.Add(maps(s, 2, 3), maps(s, 2, 4)) }, "AddV2"},
		"sum of nothing":    {func(s *Scope) { s.AddN() }, "AddN"},
		"concat of nothing": {func(s *Scope) { s.Concat(0) }, "ConcatV2"},
		"concat":            {func(s *Scope) { s.Concat(0, maps(s, 2, 3), maps(s, 2, 4)) }, "ConcatV2"},
		"stack":             {func(s *Scope) { s.Stack(0, maps(s, 2, 3), maps(s, 2, 4)) }, "Pack"},
		"axis":              {func(s *Scope) { s.Mean(maps(s, 2, 3), 5) }, "Mean"},
		"reshape":           {func(s *Scope) { s.Reshape(maps(s, 2, 3), 4) }, "Reshape"},
		"transpose":         {func(s *Scope) { s.Transpose(maps(s, 2, 3), 0) }, "Transpose"},
		"slice":             {func(s *Scope) { s.Slice(maps(s, 2, 3), []int{0}, []int{2}) }, "Slice"},
		"product":           {func(s *Scope) { s.MatMul(maps(s, 2, 3), maps(s, 2, 3)) }, "BatchMatMulV2"},
		"dtypes":            {func(s *Scope) { s.Mul(maps(s, 2), s.Placeholder("d", tensorflow.Double, 2)) }, "Mul"},
		"no constant":       {func(s *Scope) { s.Const(make(chan int)) }, "constant"},
		"ragged constant":   {func(s *Scope) { s.Const([][]float32{{1}, {2, 3}}) }, "constant"},
		"number of values":  {func(s *Scope) { s.Values([]float64{1, 2, 3}, 2, 2) }, "3"},
		"scalar's dtype":    {func(s *Scope) { s.ScalarOf(tensorflow.String, 1) }, "no scalar constants"},
		"operation":         {func(s *Scope) { s.Op("NoSuchOp", nil) }, "NoSuchOp"},
		"attribute's type":  {func(s *Scope) { s.Op("Const", Attrs{"dtype": struct{}{}}) }, "Const"},
		"batch norm":        {func(s *Scope) { NewBatchNorm(s.Sub("norm"), 4).Apply(s, maps(s, 2, 4, 4, 3)) }, "norm: input is [2 4 4 3], want [-1 -1 -1 4]"},
		"instance norm":     {func(s *Scope) { NewInstanceNorm(s.Sub("norm"), 4).Apply(s, maps(s, 2, 4, 4, 3)) }, "norm: input is"},
		"hourglass":         {func(s *Scope) { NewHourglass(s.Sub("hg"), 3, 4, 8, 3).Apply(s, maps(s, 2, 12, 16, 3)) }, "multiples of 8"},
		"kernel too big":    {func(s *Scope) { NewConv2D(s.Sub("c"), 3, 4, 7, ConvOptions{}).Apply(s, maps(s, 2, 6, 9, 3)) }, "smaller than a kernel of 7"},
		"scope twice": {func(s *Scope) {
			s.Sub("net").Sub("a")
			s.At("net").Sub("a")
		}, `"here/net/a" is entered twice`},
		"no input": {func(s *Scope) {
			other := New(tensorflow.Float)
			s.Add(maps(s, 2), other.Scale(tensorflow.Output{}, 2))
		}, "does not exist"},
	} {
		s := New(tensorflow.Float)
		c.build(s.At("here"))
		err := s.Err()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "here") {
			t.Errorf("%s: error is %v, want one of here with %q", what, err, c.want)
		}
	}
	if err := New(tensorflow.Half).Err(); err == nil {
		t.Error("a graph of half precision is accepted")
	}
}

// TestBatchNormNeedsValues: an unbiased variance of one value does not exist.
func TestBatchNormNeedsValues(t *testing.T) {
	s := New(tensorflow.Double)
	n := NewBatchNorm(s.Sub("norm"), 3)
	n.Apply(s.WithTraining(true), s.Placeholder("x", tensorflow.Double, 1, 1, 1, 3))
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "more than one value") {
		t.Errorf("error is %v", err)
	}
}
