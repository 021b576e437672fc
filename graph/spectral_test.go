package graph

import (
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// power is one iteration of the power method on W [out][in], by the book:
// first v, then u.
func power(w [][]float64, u []float64) (nextU, v []float64) {
	v = make([]float64, len(w[0]))
	for i, row := range w {
		for j, x := range row {
			v[j] += x * u[i]
		}
	}
	unit(v)
	nextU = make([]float64, len(w))
	for i, row := range w {
		nextU[i] = dot(row, v)
	}
	unit(nextU)
	return nextU, v
}

func unit(x []float64) {
	length := math.Sqrt(dot(x, x))
	for i := range x {
		x[i] /= length
	}
}

func sigma(w [][]float64, u, v []float64) float64 {
	sum := 0.0
	for i, row := range w {
		sum += u[i] * dot(row, v)
	}
	return sum
}

// asMatrix is a kernel [h, w, in, out] as W [out][in*h*w].
func asMatrix(kernel []float64, h, w, in, out int) [][]float64 {
	m := zeros(out, in*h*w)
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			for i := 0; i < in; i++ {
				for o := 0; o < out; o++ {
					m[o][(i*h+y)*w+x] = kernel[((y*w+x)*in+i)*out+o]
				}
			}
		}
	}
	return m
}

// TestSpectralNorm applies a layer twice in training, with both ways to refine
// the vectors, and outside of training.
func TestSpectralNorm(t *testing.T) {
	const size, in, out = 2, 3, 4
	r := random.New(11)
	kernel, u, v := normals(r, size*size*in*out), normals(r, out), normals(r, size*size*in)
	unit(u)
	unit(v)
	w := asMatrix(kernel, size, size, in, out)
	u1, v1 := power(w, u)
	u2, v2 := power(w, u1)
	scaled := func(u, v []float64) []float64 {
		s := sigma(w, u, v)
		list := make([]float64, len(kernel))
		for i := range list {
			list[i] = kernel[i] / s
		}
		return list
	}
	for _, c := range []struct {
		name         string
		refinement   Refinement
		second       []float64
		lastU, lastV []float64
	}{
		{"refined once a step", RefineShared, scaled(u1, v1), u1, v1},
		{"refined at each call", RefineEachCall, scaled(u2, v2), u2, v2},
	} {
		s := New(tensorflow.Double)
		s.SetRefinement(c.refinement)
		layer := NewConv2D(s.Sub("conv"), in, out, size, ConvOptions{SpectralNorm: true})
		outside := layer.EffectiveKernel(s)
		training := s.WithTraining(true)
		first, second := layer.sn.Apply(training), layer.sn.Apply(training)
		gradient := s.GradientsOf(s.Sum(s.Mul(first, s.Values(normals(random.New(12), len(kernel)), size, size, in, out))), []tensorflow.Output{layer.Kernel.Value})
		got := tftest.Run(t, tftest.NewSession(t, s), map[tensorflow.Output]*tensorflow.Tensor{
			layer.Kernel.Value: tftest.Tensor(t, tensorflow.Double, kernel, size, size, in, out),
			layer.sn.U.Value:   tftest.Tensor(t, tensorflow.Double, u, out),
			layer.sn.V.Value:   tftest.Tensor(t, tensorflow.Double, v, size*size*in),
		}, outside, first, second, s.Pending(layer.sn.U), s.Pending(layer.sn.V), gradient[0])
		near(t, c.name+": outside of training", got[0], scaled(u, v), 1e-13)
		near(t, c.name+": first call", got[1], scaled(u1, v1), 1e-13)
		near(t, c.name+": second call", got[2], c.second, 1e-13)
		near(t, c.name+": u", got[3], c.lastU, 1e-13)
		near(t, c.name+": v", got[4], c.lastV, 1e-13)

		// d(sum g*W/sigma) = g/sigma - sum(g*W)/sigma^2 * u v', u and v fixed.
		g := normals(random.New(12), len(kernel))
		sg := sigma(w, u1, v1)
		want := make([]float64, len(kernel))
		for o := range w {
			for j := range w[o] {
				i, y, x := j/(size*size), j/size%size, j%size
				at := ((y*size+x)*in+i)*out + o
				want[at] = g[at]/sg - dot(g, kernel)/(sg*sg)*u1[o]*v1[j]
			}
		}
		near(t, c.name+": gradient", got[5], want, 1e-12)
	}
}

// TestSpectralNormConverges: after many steps the largest singular value of
// the normalised kernel is 1.
func TestSpectralNormConverges(t *testing.T) {
	s := New(tensorflow.Double)
	layer := NewConv2D(s.Sub("conv"), 3, 4, 2, ConvOptions{SpectralNorm: true})
	normalised := layer.sn.Apply(s.WithTraining(true))
	done := s.AddOp("NoOp", nil, s.Commit(s.Barrier(append(s.PendingUpdates(), normalised)...)))
	session := tftest.NewSession(t, s)
	if err := Initialize(session, s.Variables(), 1); err != nil {
		t.Fatal(err)
	}
	var kernel []float64
	for i := 0; i < 200; i++ {
		out, err := session.Run(nil, []tensorflow.Output{normalised}, []*tensorflow.Operation{done})
		if err != nil {
			t.Fatal(err)
		}
		kernel = tftest.Values(t, out[0])
	}
	w := asMatrix(kernel, 2, 2, 3, 4)
	u, v := []float64{1, 1, 1, 1}, []float64(nil)
	for i := 0; i < 500; i++ {
		u, v = power(w, u)
	}
	if got := sigma(w, u, v); math.Abs(got-1) > 1e-9 {
		t.Errorf("the largest singular value is %v, want 1", got)
	}
}
