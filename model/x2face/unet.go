package x2face

import (
	"math"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
)

const leakySlope = 0.2

// unet is a network of levels inside each other, down to one pixel.
type unet struct {
	levels []*level
	skips  bool
	// corners doubles maps corner to corner, else with half-pixel centres.
	corners bool
}

// level halves the resolution on the way down and doubles it on the way up.
// Norms are nil where there are none.
type level struct {
	down, up         *graph.Conv2D
	downNorm, upNorm *graph.BatchNorm
}

// newUNet makes the variables in scope s, in the public code's order: a level's
// way up, its way down, then the level inside it. inner are the channels of the
// innermost level, out those of the result; with skips what a level gave on the
// way down joins what it gets on the way up.
func newUNet(s *graph.Scope, p Params, inner, out int, skips bool) *unet {
	u := &unet{skips: skips, corners: p.AlignCorners && p.UpSampling == AsSampling}
	at := s.Sub("netG").Sub("model")
	width := func(i int) int {
		if i == p.NumLevels-1 {
			return inner
		}
		return graph.Width(p.BlockExpansion, p.MaxFeatures, i)
	}
	last := p.NumLevels - 1
	for i := 0; i <= last; i++ {
		outer := 3
		up := out
		if i > 0 {
			outer, up = width(i-1), width(i-1)
		}
		joined := width(i)
		if skips && i < last {
			joined *= 2
		}
		l := &level{up: conv(at.Sub("up.2"), joined, up, 3, 1)}
		if i > 0 {
			l.upNorm = norm(at.Sub("up.3"), up)
		}
		name := "down.1"
		if i == 0 {
			name = "down.0"
		}
		l.down = conv(at.Sub(name), outer, width(i), 4, 2)
		if i > 0 && i < last {
			l.downNorm = norm(at.Sub("down.2"), width(i))
		}
		u.levels = append(u.levels, l)
		if i < last {
			at = at.Sub("submodule")
		}
	}
	return u
}

// apply returns the outputs of the levels on the way down and up, outermost
// first, and the innermost one behind its ReLU. x is [N, S, S, 3] with S =
// 2^levels.
func (u *unet) apply(s *graph.Scope, x tensorflow.Output) (down, up []tensorflow.Output, code tensorflow.Output) {
	size := 1 << len(u.levels)
	if !s.Want("pictures", x, -1, size, size, 3) {
		return
	}
	for i, l := range u.levels {
		if i > 0 {
			x = s.LeakyRelu(x, leakySlope)
		}
		x = l.down.Apply(s, x)
		if l.downNorm != nil {
			x = l.downNorm.Apply(s, x)
		}
		down = append(down, x)
	}
	last := len(u.levels) - 1
	code = s.Relu(down[last])
	up = make([]tensorflow.Output, len(u.levels))
	for i := last; i >= 0; i-- {
		l := u.levels[i]
		if u.skips && i < last {
			x = s.Concat(3, x, down[i])
		}
		x = l.up.Apply(s, u.double(s, s.Relu(x), size>>i))
		if l.upNorm != nil {
			x = l.upNorm.Apply(s, x)
		}
		if i == 0 && !u.skips {
			x = s.Op("Tanh", nil, x)
		}
		up[i] = x
	}
	return down, up, code
}

// double resizes maps to the given side.
func (u *unet) double(s *graph.Scope, x tensorflow.Output, side int) tensorflow.Output {
	if u.corners {
		return s.ResizeCorners(x, side, side)
	}
	return s.ResizeBilinear(x, side, side)
}

// conv has no bias and starts with Xavier's normal draws.
func conv(s *graph.Scope, in, out, kernel, stride int) *graph.Conv2D {
	deviation := math.Sqrt(2 / float64((in+out)*kernel*kernel))
	start := graph.Drawn(func(r *random.Rand, values []float64) {
		for i := range values {
			values[i] = deviation * r.Normal()
		}
	})
	return graph.NewConv2D(s, in, out, kernel, graph.ConvOptions{
		PadBefore: 1, PadAfter: 1, Stride: stride, NoBias: true, KernelInit: &start,
	})
}

// norm starts with weights between 0.02 and 1.
func norm(s *graph.Scope, channels int) *graph.BatchNorm {
	return graph.NewBatchNormFrom(s, channels, graph.Drawn(func(r *random.Rand, values []float64) {
		for i := range values {
			values[i] = r.Uniform(0.02, 1)
		}
	}))
}
