package graph

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
)

// mathCases are the operations of math.go that have a gradient.
func mathCases() []gradientCase {
	unary := map[string]func(s *Scope, a tensorflow.Output) tensorflow.Output{
		"scale":       func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Scale(a, -1.5) },
		"scale by 1":  func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Square(s.Scale(a, 1)) },
		"shift":       func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Square(s.Shift(a, 0.5)) },
		"one minus":   (*Scope).OneMinus,
		"neg":         (*Scope).Neg,
		"abs":         (*Scope).Abs,
		"square":      (*Scope).Square,
		"exp":         (*Scope).Exp,
		"relu":        (*Scope).Relu,
		"leaky relu":  func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.LeakyRelu(a, 0.2) },
		"sigmoid":     (*Scope).Sigmoid,
		"softmax":     (*Scope).Softmax,
		"heatmaps":    func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Heatmaps(a, 0.3) },
		"clip":        func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Clip(a, -0.5, 0.75) },
		"identity":    func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Identity("same", a) },
		"mean":        func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Square(s.Mean(a)) },
		"mean 1 2":    func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Square(s.Mean(a, 1, 2)) },
		"mean keep":   func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Minus(a, s.MeanKeep(a, 1, 2)) },
		"sum":         func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Square(s.Sum(a, 0, 3)) },
		"reshape":     func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Reshape(a, 6, -1) },
		"transpose":   func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Transpose(a, 3, 1, 0, 2) },
		"expand dims": func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.ExpandDims(a, 2) },
		"slice": func(s *Scope, a tensorflow.Output) tensorflow.Output {
			return s.Slice(a, []int{0, 1, 0, 0}, []int{-1, 2, 1, -1})
		},
		"channels": func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Channels(a, 1, 2) },
		"pad":      func(s *Scope, a tensorflow.Output) tensorflow.Output { return s.Pad(a, 1, 2) },
	}
	positive := map[string]func(s *Scope, a tensorflow.Output) tensorflow.Output{
		"sqrt": (*Scope).Sqrt, "rsqrt": (*Scope).Rsqrt, "log": (*Scope).Log,
	}
	binary := map[string]func(s *Scope, a, b tensorflow.Output) tensorflow.Output{
		"add": (*Scope).Add, "minus": (*Scope).Minus, "mul": (*Scope).Mul, "l1": (*Scope).L1,
		"add n":  func(s *Scope, a, b tensorflow.Output) tensorflow.Output { return s.AddN(a, b, a) },
		"concat": func(s *Scope, a, b tensorflow.Output) tensorflow.Output { return s.Concat(2, a, b) },
		"stack":  func(s *Scope, a, b tensorflow.Output) tensorflow.Output { return s.Stack(1, a, b) },
	}
	var cases []gradientCase
	for name, f := range unary {
		cases = append(cases, unaryCase(name, nil, f))
	}
	for name, f := range positive {
		cases = append(cases, unaryCase(name, aboveZero, f))
	}
	for name, f := range binary {
		cases = append(cases, binaryCase(name, []int{2, 3, 4, 2}, []int{2, 3, 4, 2}, nil, f))
	}
	return append(cases,
		binaryCase("div", []int{2, 3, 4, 2}, []int{2, 3, 4, 2}, aboveZero, (*Scope).Div),
		binaryCase("mul broadcast", []int{2, 3, 4, 2}, []int{4, 1}, nil, (*Scope).Mul),
		binaryCase("mat mul", []int{2, 3, 4, 5}, []int{2, 3, 5, 2}, nil, (*Scope).MatMul),
		binaryCase("mat mul broadcast", []int{2, 3, 4, 5}, []int{1, 5, 2}, nil, (*Scope).MatMul),
		gradientCase{name: "inverse", inputs: [][]int{{2, 5, 2, 2}}, draw: regular,
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output { return s.Inverse2x2(x[0]) }},
	)
}

func unaryCase(name string, draw func(*random.Rand, int, int) []float64, f func(s *Scope, a tensorflow.Output) tensorflow.Output) gradientCase {
	return gradientCase{name: name, inputs: [][]int{{2, 3, 4, 2}}, draw: draw,
		build: func(s *Scope, x []tensorflow.Output) tensorflow.Output { return f(s, x[0]) }}
}

func binaryCase(name string, a, b []int, draw func(*random.Rand, int, int) []float64, f func(s *Scope, a, b tensorflow.Output) tensorflow.Output) gradientCase {
	return gradientCase{name: name, inputs: [][]int{a, b}, draw: draw,
		build: func(s *Scope, x []tensorflow.Output) tensorflow.Output { return f(s, x[0], x[1]) }}
}

func aboveZero(r *random.Rand, _, n int) []float64 { return uniforms(r, n, 0.3, 2) }

// regular draws 2x2 matrices not far from the identity.
func regular(r *random.Rand, _, n int) []float64 {
	values := uniforms(r, n, -0.4, 0.4)
	for i := range values {
		if i%4 == 0 || i%4 == 3 {
			values[i]++
		}
	}
	return values
}
