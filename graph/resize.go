package graph

import (
	"math"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// ResizeNearest resizes maps [N, H, W, C] to [N, h, w, C]: output i takes input
// floor(i * from / to) of a side.
func (s *Scope) ResizeNearest(x tensorflow.Output, h, w int) tensorflow.Output {
	return s.resize(x, h, w, func() tensorflow.Output {
		return s.Op("ResizeNearestNeighbor", nil, x, s.ints(h, w))
	})
}

// ResizeBilinear resizes maps [N, H, W, C] with half-pixel centres to [N, h, w,
// C]. It does not smooth what it shrinks. TensorFlow's kernel returns float32,
// so graphs of doubles multiply with the matrix of weights of each side.
func (s *Scope) ResizeBilinear(x tensorflow.Output, h, w int) tensorflow.Output {
	return s.resize(x, h, w, func() tensorflow.Output {
		if s.b.dtype == tensorflow.Float {
			return s.Op("ResizeBilinear", Attrs{"half_pixel_centers": true}, x, s.ints(h, w))
		}
		d := s.Shape(x)
		return s.separable(x, "bilinear", bilinearWeights(h, d[1]), bilinearWeights(w, d[2]))
	})
}

// ResizeCorners is ResizeBilinear with the centres of the border pixels on each
// other, as PyTorch up to 0.3 resized.
func (s *Scope) ResizeCorners(x tensorflow.Output, h, w int) tensorflow.Output {
	return s.resize(x, h, w, func() tensorflow.Output {
		if s.b.dtype == tensorflow.Float {
			return s.Op("ResizeBilinear", Attrs{"align_corners": true}, x, s.ints(h, w))
		}
		d := s.Shape(x)
		return s.separable(x, "corners", cornerWeights(h, d[1]), cornerWeights(w, d[2]))
	})
}

// resize checks the sizes; maps that have them already are handed back.
func (s *Scope) resize(x tensorflow.Output, h, w int, build func() tensorflow.Output) tensorflow.Output {
	_, fromH, fromW, _, ok := s.maps("maps to resize", x)
	if !ok || (fromH == h && fromW == w) {
		return x
	}
	if h < 1 || w < 1 {
		s.Failf("resize to %dx%d", h, w)
		return x
	}
	return build()
}

// bilinearWeights is the [to][from] matrix of one side, half-pixel centres.
func bilinearWeights(to, from int) [][]float64 {
	return linearWeights(to, from, func(i int) float64 {
		return math.Max((float64(i)+0.5)*float64(from)/float64(to)-0.5, 0)
	})
}

// cornerWeights is the [to][from] matrix of one side, corner to corner.
func cornerWeights(to, from int) [][]float64 {
	return linearWeights(to, from, func(i int) float64 {
		return float64(i) * float64(from-1) / math.Max(float64(to-1), 1)
	})
}

// linearWeights is the [to][from] matrix that takes output i from place at(i).
func linearWeights(to, from int, at func(i int) float64) [][]float64 {
	m := zeros(to, from)
	for i := range m {
		x := at(i)
		j := int(math.Min(math.Floor(x), float64(from-1)))
		next := min(j+1, from-1)
		m[i][j] += 1 - (x - float64(j))
		m[i][next] += x - float64(j)
	}
	return m
}
