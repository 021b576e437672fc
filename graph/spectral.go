package graph

import (
	tensorflow "github.com/wamuir/graft/tensorflow"
)

// SpectralNorm divides a kernel by an estimate of its largest singular value.
// The kernel counts as a matrix W [out, in*height*width]. A power iteration is
//
//	v = W'u / |W'u|,  u = Wv / |Wv|,  sigma = u'Wv,
//
// with u and v constants for the gradient. It runs in training, as often as
// the graph's Refinement says; outside training the stored vectors are used.
type SpectralNorm struct {
	// U [out] and V [in*height*width] are the current singular vectors.
	U, V *Variable

	kernel *Variable
}

func newSpectralNorm(s *Scope, kernel *Variable) *SpectralNorm {
	out := int(kernel.Dims[3])
	return &SpectralNorm{
		U:      s.Variable("weight_u", State, UnitNormal, out),
		V:      s.Variable("weight_v", State, UnitNormal, kernel.Size()/out),
		kernel: kernel,
	}
}

// Apply returns the normalised kernel [height, width, in, out].
func (n *SpectralNorm) Apply(s *Scope) tensorflow.Output {
	s = s.At("spectral_norm")
	shared := s.training && s.b.refine == RefineShared
	if w, ok := s.b.spectral[n]; ok && shared {
		return w
	}
	out := int(n.kernel.Dims[3])
	w := s.Reshape(s.Transpose(n.kernel.Value, 3, 2, 0, 1), out, -1) // [out, in*h*w]
	u := s.Reshape(s.Pending(n.U), out, 1)
	v := s.Reshape(s.Pending(n.V), -1, 1)
	if s.training {
		fixed := s.StopGradient(w)
		v = s.normalize(s.Op("MatMul", Attrs{"transpose_a": true}, fixed, u))
		u = s.normalize(s.Op("MatMul", nil, fixed, v))
		s.Update(n.U, s.Reshape(u, out))
		s.Update(n.V, s.Reshape(v, -1))
	}
	u, v = s.StopGradient(u), s.StopGradient(v)
	sigma := s.Sum(s.Mul(u, s.Op("MatMul", nil, w, v)))
	normalised := s.Div(n.kernel.Value, sigma)
	if shared {
		s.b.spectral[n] = normalised
	}
	return normalised
}

// normalize divides a vector by its length, at least 1e-12.
func (s *Scope) normalize(x tensorflow.Output) tensorflow.Output {
	length := s.Sqrt(s.Sum(s.Square(x)))
	return s.Div(x, s.Op("Maximum", nil, length, s.scalarLike(length, 1e-12)))
}
