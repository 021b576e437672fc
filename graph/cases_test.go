package graph

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
)

// layerCases are the layers that own variables.
func layerCases() []gradientCase {
	return append(convolutionCases(), append(normCases(), blockCases()...)...)
}

func convolutionCases() []gradientCase {
	conv := func(name string, size int, o ConvOptions) gradientCase {
		return gradientCase{name: name, inputs: [][]int{{2, 8, 9, 3}},
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
				c := NewConv2D(s.Sub("conv"), 3, 4, size, o)
				return c.Apply(s, x[0])
			}}
	}
	normed := gradientCase{name: "spectral norm, stored vectors", inputs: [][]int{{2, 5, 5, 3}},
		build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
			c := NewConv2D(s.Sub("conv"), 3, 4, 3, ConvOptions{SpectralNorm: true, PadBefore: 1, PadAfter: 1})
			return c.Apply(s, x[0])
		}}
	return []gradientCase{
		conv("conv 3 same", 3, SamePadding(3)),
		conv("conv 7 same", 7, SamePadding(7)),
		conv("conv 7 valid", 7, ConvOptions{}),
		conv("conv 1", 1, ConvOptions{}),
		conv("conv 4 valid", 4, ConvOptions{}),
		conv("conv 4 padded 1 and 2", 4, ConvOptions{PadBefore: 1, PadAfter: 2}),
		conv("conv 3 padded 2", 3, ConvOptions{PadBefore: 2, PadAfter: 2}),
		conv("conv 4 of every second pixel", 4, ConvOptions{PadBefore: 1, PadAfter: 1, Stride: 2}),
		conv("conv 3 of every second pixel, no bias", 3, ConvOptions{Stride: 2, NoBias: true}),
		{name: "conv 3 of two groups", inputs: [][]int{{2, 5, 6, 4}},
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
				o := SamePadding(3)
				o.Groups = 2
				return NewConv2D(s.Sub("conv"), 4, 6, 3, o).Apply(s, x[0])
			}},
		normed,
	}
}

func normCases() []gradientCase {
	batch := func(name string, training bool) gradientCase {
		return gradientCase{name: name, inputs: [][]int{{2, 3, 4, 3}},
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
				n := NewBatchNorm(s.Sub("norm"), 3)
				return n.Apply(s.WithTraining(training), x[0])
			}}
	}
	return []gradientCase{
		batch("batch norm, training", true),
		batch("batch norm, averages", false),
		{name: "instance norm", inputs: [][]int{{2, 3, 4, 3}},
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
				n := NewInstanceNorm(s.Sub("norm"), 3)
				return n.Apply(s, x[0])
			}},
	}
}

func blockCases() []gradientCase {
	block := func(name string, make func(s *Scope) *Block) gradientCase {
		return gradientCase{name: name, inputs: [][]int{{2, 4, 6, 3}},
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
				b := make(s.Sub("block"))
				return b.Apply(s.WithTraining(true), x[0])
			}}
	}
	return []gradientCase{
		block("same block", func(s *Scope) *Block { return NewSameBlock(s, 3, 4, 7) }),
		block("down block", func(s *Scope) *Block { return NewDownBlock(s, 3, 4) }),
		block("up block", func(s *Scope) *Block { return NewUpBlock(s, 3, 4) }),
		{name: "residual block", inputs: [][]int{{2, 4, 5, 3}},
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
				b := NewResBlock(s.Sub("block"), 3)
				return b.Apply(s.WithTraining(true), x[0])
			}},
		{name: "hourglass", inputs: [][]int{{2, 8, 12, 2}},
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
				h := NewHourglass(s.Sub("hourglass"), 2, 3, 7, 2)
				y, _ := h.Apply(s.WithTraining(true), x[0])
				return y
			}},
	}
}

// samplingCases are the computations of sample.go and pooling.
func samplingCases() []gradientCase {
	one := func(name string, dims []int, f func(s *Scope, x tensorflow.Output) tensorflow.Output) gradientCase {
		return gradientCase{name: name, inputs: [][]int{dims},
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output { return f(s, x[0]) }}
	}
	resize := func(name string, h, w int) gradientCase {
		return one(name, []int{2, 4, 5, 3}, func(s *Scope, x tensorflow.Output) tensorflow.Output { return s.ResizeBilinear(x, h, w) })
	}
	corners := func(name string, h, w int) gradientCase {
		return one(name, []int{2, 4, 5, 3}, func(s *Scope, x tensorflow.Output) tensorflow.Output { return s.ResizeCorners(x, h, w) })
	}
	nearest := func(name string, h, w int) gradientCase {
		return one(name, []int{2, 4, 6, 3}, func(s *Scope, x tensorflow.Output) tensorflow.Output { return s.ResizeNearest(x, h, w) })
	}
	shrink := func(name string, scale float64) gradientCase {
		return one(name, []int{2, 9, 12, 3}, func(s *Scope, x tensorflow.Output) tensorflow.Output { return s.AntiAlias(x, scale) })
	}
	cases := []gradientCase{
		resize("resize to twice the size", 8, 10),
		resize("resize to less", 3, 2),
		resize("resize one side alone", 4, 7),
		resize("resize to one pixel", 1, 1),
		corners("resize corner to corner to more", 8, 9),
		corners("resize corner to corner to less", 1, 3),
		nearest("nearest to more", 12, 9),
		nearest("nearest to less", 1, 3),
		shrink("shrink by 2", 0.5),
		shrink("shrink by 4", 0.25),
		one("average pool of even sides", []int{2, 4, 6, 2}, (*Scope).AvgPool2),
		one("average pool of odd sides", []int{2, 5, 7, 2}, (*Scope).AvgPool2),
		one("max pool", []int{2, 5, 6, 2}, (*Scope).MaxPool2),
		one("nearest to twice the size", []int{2, 3, 4, 2}, (*Scope).UpNearest2),
	}
	for _, alignCorners := range []bool{false, true} {
		cases = append(cases,
			warpCase("warp with zeros", ZeroPadding, alignCorners), warpCase("warp with reflection", ReflectPadding, alignCorners))
	}
	return cases
}

// warpCase has points inside and, on every side, outside of the map.
func warpCase(name string, padding Padding, alignCorners bool) gradientCase {
	if alignCorners {
		name += ", corners aligned"
	}
	return gradientCase{name: name, inputs: [][]int{{2, 5, 7, 3}, {2, 3, 4, 5, 2}},
		draw: func(r *random.Rand, input, n int) []float64 {
			if input == 0 {
				return normals(r, n)
			}
			return uniforms(r, n, -1.7, 1.7)
		},
		build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
			return s.Warp(x[0], x[1], padding, alignCorners)
		}}
}
