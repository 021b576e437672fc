package graph

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// ownScope is a graph that computes with our own kernels, in its best set of
// instructions.
func ownScope(t *testing.T) *Scope {
	t.Helper()
	s := New(tensorflow.Float)
	s.UseKernels("cpu")
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if !s.OwnKernels() {
		t.Skip("this processor has no kernels of our own")
	}
	return s
}

// wideCases have channels and maps enough for each method of the kernels.
func wideCases() []gradientCase {
	conv := func(name string, dims []int, out, size int, o ConvOptions) gradientCase {
		return gradientCase{name: name, inputs: [][]int{dims},
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
				return NewConv2D(s.Sub("conv"), dims[3], out, size, o).Apply(s.WithTraining(true), x[0])
			}}
	}
	up := gradientCase{name: "up", inputs: [][]int{{4, 13, 11, 64}},
		build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
			return NewUpBlock(s.Sub("block"), 64, 66).Apply(s.WithTraining(true), x[0])
		}}
	return []gradientCase{
		conv("3x3", []int{2, 17, 19, 65}, 68, 3, SamePadding(3)),
		conv("3x3 to one pixel", []int{1, 3, 3, 24}, 40, 3, ConvOptions{}),
		conv("3x3 of small maps", []int{3, 4, 2, 24}, 40, 3, SamePadding(3)),
		conv("4x4", []int{1, 23, 21, 64}, 65, 4, ConvOptions{}),
		conv("7x7 to few", []int{1, 15, 14, 20}, 3, 7, SamePadding(7)),
		conv("3x3 without bias", []int{1, 12, 13, 18}, 17, 3, ConvOptions{NoBias: true}),
		conv("1x1", []int{2, 7, 9, 33}, 18, 1, ConvOptions{}),
		conv("1x1 in groups", []int{2, 7, 9, 24}, 36, 1, ConvOptions{Groups: 6}),
		conv("3x3 in groups", []int{1, 9, 7, 16}, 24, 3, ConvOptions{PadBefore: 1, PadAfter: 1, Groups: 4}),
		conv("4x4 by twos", []int{2, 22, 18, 5}, 17, 4, ConvOptions{PadBefore: 1, PadAfter: 1, Stride: 2, NoBias: true}),
		conv("4x4 by twos to one pixel", []int{3, 2, 2, 24}, 40, 4, ConvOptions{PadBefore: 1, PadAfter: 1, Stride: 2}),
		conv("3x3 by threes", []int{1, 7, 10, 3}, 4, 3, ConvOptions{PadAfter: 2, Stride: 3}),
		up,
	}
}

func TestOwnConvolutions(t *testing.T) {
	own := ownScope(t)
	names, exact := valuesAndGradients(t, New(tensorflow.Double), wideCases())
	_, got := valuesAndGradients(t, own, wideCases())
	for _, op := range own.Graph().Operations() {
		if strings.HasPrefix(op.Type(), "Conv2D") {
			t.Errorf("%s is TensorFlow's %s", op.Name(), op.Type())
		}
	}
	for i := range exact {
		// Of gradients that are zero, of biases in front of a norm, rounding is
		// left.
		nearOrBelow(t, names[i], got[i], exact[i], 1e-5, 2)
	}
}

// TestFusedBlocks: outside training a block is one pass.
func TestFusedBlocks(t *testing.T) {
	build := func(s *Scope) (tensorflow.Output, tensorflow.Output, map[tensorflow.Output]*tensorflow.Tensor) {
		x := s.Placeholder("x", s.DType(), -1, 10, 8, 5)
		up := NewUpBlock(s.Sub("up"), 5, 6).Apply(s, x)
		residual := NewResBlock(s.Sub("residual"), 6).Apply(s, up)
		down := NewDownBlock(s.Sub("down"), 6, 3).Apply(s, residual)
		in := map[tensorflow.Output]*tensorflow.Tensor{x: tftest.Tensor(t, s.DType(), normals(random.New(4), 3*10*8*5), 3, 10, 8, 5)}
		for _, v := range s.Variables() {
			in[v.Value] = tftest.Tensor(t, s.DType(), variableValues(random.New(5, random.Label(v.Name)), v), v.Dims...)
		}
		return residual, down, in
	}
	own := ownScope(t)
	r, d, in := build(own)
	got := tftest.Run(t, tftest.NewSession(t, own), in, r, d)
	exact := New(tensorflow.Double)
	r, d, in = build(exact)
	want := tftest.Run(t, tftest.NewSession(t, exact), in, r, d)
	near(t, "residual block", got[0], want[0], 1e-5)
	near(t, "down block", got[1], want[1], 1e-5)
	for _, op := range own.Graph().Operations() {
		if op.Type() == "FusedBatchNormV3" && !strings.Contains(op.Name(), "norm1") {
			t.Errorf("%s is left over", op.Name())
		}
	}
}

// TestResidualBlocks: outside training residual blocks one behind the other are
// two operations each, whatever computes the convolutions.
func TestResidualBlocks(t *testing.T) {
	for _, channels := range []int64{5, 65} { // direct products, Winograd's algorithm
		build := func(s *Scope) (blocks []tensorflow.Output, in map[tensorflow.Output]*tensorflow.Tensor) {
			x := s.Placeholder("x", s.DType(), -1, 14, 13, channels)
			var list []*ResBlock
			for i := range 3 {
				list = append(list, NewResBlock(s.Sub(Numbered("r", i)), int(channels)))
			}
			blocks = ApplyResBlocks(s, list, x)
			in = map[tensorflow.Output]*tensorflow.Tensor{x: tftest.Tensor(t, s.DType(), normals(random.New(7), 2*14*13*int(channels)), 2, 14, 13, channels)}
			for _, v := range s.Variables() {
				in[v.Value] = tftest.Tensor(t, s.DType(), variableValues(random.New(8, random.Label(v.Name)), v), v.Dims...)
			}
			return blocks, in
		}
		own := ownScope(t)
		blocks, in := build(own)
		got := tftest.Run(t, tftest.NewSession(t, own), in, blocks...)
		exact := New(tensorflow.Double)
		blocks, in = build(exact)
		want := tftest.Run(t, tftest.NewSession(t, exact), in, blocks...)
		for i := range want {
			near(t, fmt.Sprintf("%d channels, block %d", channels, i), got[i], want[i], 1e-5)
		}
		counts := map[string]int{}
		for _, op := range own.Graph().Operations() {
			counts[op.Type()]++
			if strings.HasPrefix(op.Type(), "PriorityCutConv2D") {
				if allowed, err := op.Attr("inference"); err != nil || allowed != true {
					t.Errorf("%s: large tiles allowed: %v, %v", op.Name(), allowed, err)
				}
			}
		}
		if counts["PriorityCutConv2DFused"] != 3 || counts["PriorityCutConv2DResidual"] != 3 || counts["FusedBatchNormV3"] != 1 || counts["Relu"] != 1 {
			t.Errorf("%d channels: operations %v", channels, counts)
		}
	}
}

// TestLargeTiles: maps of a generator's middle take large tiles, and only
// outside training.
func TestLargeTiles(t *testing.T) {
	const side, channels = 44, 256
	values := normals(random.New(7), side*side*channels)
	run := func(s *Scope, trains bool) []float64 {
		x := s.Placeholder("x", s.DType(), 1, side, side, channels)
		c := NewConv2D(s.Sub("conv"), channels, channels, 3, SamePadding(3))
		y := c.Apply(s.WithTraining(trains), x)
		in := map[tensorflow.Output]*tensorflow.Tensor{x: tftest.Tensor(t, s.DType(), values, 1, side, side, channels)}
		for _, v := range s.Variables() {
			in[v.Value] = tftest.Tensor(t, s.DType(), variableValues(random.New(5, random.Label(v.Name)), v), v.Dims...)
		}
		return tftest.Run(t, tftest.NewSession(t, s), in, y)[0]
	}
	large, small := run(ownScope(t), false), run(ownScope(t), true)
	exact := run(New(tensorflow.Double), false)
	near(t, "large tiles", large, exact, 1e-4)
	if r := relativeRMS(large, exact); !(r <= 2.5e-5) {
		t.Errorf("large tiles: differences are %.2g of the outputs by their root mean square", r)
	}
	near(t, "small tiles", small, exact, 1e-5)
	if slices.Equal(large, small) {
		t.Error("large tiles were not taken")
	}
}

// relativeRMS is the root mean square of differences as a part of that of want.
func relativeRMS(got, want []float64) float64 {
	var differences, all float64
	for i, w := range want {
		differences += (got[i] - w) * (got[i] - w)
		all += w * w
	}
	return math.Sqrt(differences / all)
}

// TestKeptKernel: a kernel that is transformed once is transformed again when
// it changes.
func TestKeptKernel(t *testing.T) {
	s := ownScope(t)
	c := NewConv2D(s.Sub("conv"), 65, 64, 3, SamePadding(3))
	x := s.Placeholder("x", s.DType(), 1, 20, 16, 65)
	y := c.Apply(s, x)
	session := tftest.NewSession(t, s)
	values := normals(random.New(6), 20*16*65)
	in := map[tensorflow.Output]*tensorflow.Tensor{x: tftest.Tensor(t, s.DType(), values, 1, 20, 16, 65)}
	for round := 0; round < 3; round++ {
		kernel := make([]float64, c.Kernel.Size())
		kernel[(1*3+1)*65*64] = float64(round + 1) // of the middle, from 0 to 0
		weights := map[*Variable]*tensorflow.Tensor{
			c.Kernel: tftest.Tensor(t, s.DType(), kernel, c.Kernel.Dims...),
			c.Bias:   tftest.Tensor(t, s.DType(), make([]float64, 64), 64),
		}
		if err := Assign(session, weights); err != nil {
			t.Fatal(err)
		}
		for call := 0; call < 2; call++ {
			got := tftest.Run(t, session, in, y)[0]
			for p := 0; p < 20*16; p++ {
				want := float64(round+1) * values[p*65]
				if diff := got[p*64] - want; diff > 1e-5 || diff < -1e-5 {
					t.Fatalf("round %d, call %d: pixel %d is %v, want %v", round, call, p, got[p*64], want)
				}
			}
		}
	}
}

// TestOwnKernelsAreAsked: a graph has operations of our own only where they
// were asked for, and none in double or where the environment says no.
func TestOwnKernelsAreAsked(t *testing.T) {
	count := func(s *Scope) (n int) {
		c := NewConv2D(s.Sub("conv"), 3, 4, 3, SamePadding(3))
		c.Apply(s, s.Placeholder("x", s.DType(), 1, 8, 8, 3))
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		for _, op := range s.Graph().Operations() {
			if strings.HasPrefix(op.Type(), "PriorityCut") {
				n++
			}
		}
		return n
	}
	double := New(tensorflow.Double)
	double.UseKernels("cpu")
	t.Setenv("PRIORITYCUT_KERNELS", "off")
	off := New(tensorflow.Float)
	off.UseKernels("cpu")
	for name, s := range map[string]*Scope{"not asked for": New(tensorflow.Float), "double": double, "off": off} {
		if n := count(s); n != 0 {
			t.Errorf("%s: %d operations of our own", name, n)
		}
	}
	for _, name := range []string{"fast", "AVX2"} {
		t.Setenv("PRIORITYCUT_KERNELS", name)
		s := New(tensorflow.Float)
		if s.UseKernels("cpu"); s.Err() == nil || !strings.Contains(s.Err().Error(), fmt.Sprintf("%q", name)) {
			t.Errorf("%s: error is %v", name, s.Err())
		}
	}
}
