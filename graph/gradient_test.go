package graph

import (
	"fmt"
	"math"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// gradientCase is a computation whose gradient is checked. Inputs are drawn
// from the standard normal unless draw says otherwise.
type gradientCase struct {
	name   string
	inputs [][]int
	draw   func(r *random.Rand, input, n int) []float64
	// build applies the computation to the inputs. Weights that it makes are
	// inputs too; averages and spectral vectors are values to start from.
	build func(s *Scope, x []tensorflow.Output) tensorflow.Output
}

// checked is a case in a graph: the value of a random linear functional of its
// output, sum(weights * y), and the gradient of that for each input.
type checked struct {
	gradientCase
	y, functional tensorflow.Output
	inputs        []tensorflow.Output
	values        [][]float64
	dims          [][]int64
	names         []string
	gradients     []tensorflow.Output
	state         []*Variable
}

// addCases builds all cases in one graph.
func addCases(s *Scope, cases []gradientCase) []*checked {
	list := make([]*checked, len(cases))
	for i, c := range cases {
		list[i] = addCase(s, c)
	}
	return list
}

func addCase(s *Scope, c gradientCase) *checked {
	at := s.Sub(strings.NewReplacer(" ", "_", ",", "").Replace(c.name))
	r := random.New(1, random.Label(c.name))
	k := &checked{gradientCase: c}
	for i, dims := range c.inputs {
		x := at.Placeholder(fmt.Sprintf("x%d", i), s.DType(), wide(dims)...)
		values := normals(r, product(dims))
		if c.draw != nil {
			values = c.draw(r, i, product(dims))
		}
		k.add(fmt.Sprintf("input %d", i), x, values, wide(dims))
	}
	before := len(s.Variables())
	y := c.build(at, k.inputs)
	for _, v := range s.Variables()[before:] {
		if v.Kind == Trainable {
			k.add(v.Name, v.Value, variableValues(r, v), v.Dims)
		} else {
			k.state = append(k.state, v)
		}
	}
	weights := at.Values(normals(r, product(at.Shape(y))), wide(at.Shape(y))...)
	k.y, k.functional = y, at.Sum(at.Mul(y, weights))
	k.gradients = at.GradientsOf(k.functional, k.inputs)
	return k
}

func (k *checked) add(name string, x tensorflow.Output, values []float64, dims []int64) {
	k.names = append(k.names, name)
	k.inputs = append(k.inputs, x)
	k.values = append(k.values, values)
	k.dims = append(k.dims, dims)
}

// variableValues draws values that a trained layer might have.
func variableValues(r *random.Rand, v *Variable) []float64 {
	if strings.HasSuffix(v.Name, "running_var") {
		return uniforms(r, v.Size(), 0.5, 2)
	}
	values := normals(r, v.Size())
	for i := range values {
		values[i] /= 2
	}
	return values
}

// feed adds the inputs of k; where direction is not nil, input moved goes h
// along it.
func (k *checked) feed(tb testing.TB, dtype tensorflow.DataType, in map[tensorflow.Output]*tensorflow.Tensor, moved int, direction []float64, h float64) {
	tb.Helper()
	for i, x := range k.inputs {
		values := k.values[i]
		if i == moved && direction != nil {
			values = append([]float64(nil), values...)
			for j := range values {
				values[j] += h * direction[j]
			}
		}
		in[x] = tftest.Tensor(tb, dtype, values, k.dims[i]...)
	}
	for _, v := range k.state {
		in[v.Value] = tftest.Tensor(tb, dtype, variableValues(random.New(3, random.Label(v.Name)), v), v.Dims...)
	}
}

// checkGradient compares the gradients of all cases with central differences
// along random directions, in float64. Cases do not depend on each other, so
// one run moves an input of each.
func checkGradient(t *testing.T, cases []gradientCase) {
	t.Helper()
	s := New(tensorflow.Double)
	list := addCases(s, cases)
	session := tftest.NewSession(t, s)
	analytic := analyticGradients(t, session, list)

	const directions, h = 3, 1e-6
	most := 0
	for _, k := range list {
		most = max(most, len(k.inputs))
	}
	for moved := 0; moved < most; moved++ {
		for d := 0; d < directions; d++ {
			along := make([][]float64, len(list))
			for i, k := range list {
				if moved < len(k.inputs) {
					r := random.New(2, random.Label(k.name), uint64(moved), uint64(d))
					along[i] = normals(r, len(k.values[moved]))
				}
			}
			up, down := functionals(t, session, list, moved, along, h), functionals(t, session, list, moved, along, -h)
			for i, k := range list {
				if along[i] == nil {
					continue
				}
				got, numeric := dot(analytic[i][moved], along[i]), (up[i]-down[i])/(2*h)
				// Rounding of the functional, of size 10, ends up as 1e-9.
				if scale := math.Max(math.Abs(numeric), 1e-2); !(math.Abs(got-numeric) <= 1e-6*scale) {
					t.Errorf("%s: the derivative by %s along direction %d is %v, by differences %v", k.name, k.names[moved], d, got, numeric)
				}
			}
		}
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// analyticGradients are those that TensorFlow computes, [case][input].
func analyticGradients(tb testing.TB, session *tf.Session, list []*checked) [][][]float64 {
	tb.Helper()
	in := map[tensorflow.Output]*tensorflow.Tensor{}
	var fetches []tensorflow.Output
	for _, k := range list {
		k.feed(tb, k.y.DataType(), in, 0, nil, 0)
		for i, g := range k.gradients {
			if g.Op == nil || g.Index < 0 {
				tb.Fatalf("%s: no gradient by %s", k.name, k.names[i])
			}
			fetches = append(fetches, g)
		}
	}
	out := tftest.Run(tb, session, in, fetches...)
	grads := make([][][]float64, len(list))
	for i, k := range list {
		grads[i], out = out[:len(k.gradients)], out[len(k.gradients):]
	}
	return grads
}

// functionals are the values of all cases with one input of each moved.
func functionals(tb testing.TB, session *tf.Session, list []*checked, moved int, along [][]float64, h float64) []float64 {
	tb.Helper()
	in := map[tensorflow.Output]*tensorflow.Tensor{}
	fetches := make([]tensorflow.Output, len(list))
	for i, k := range list {
		k.feed(tb, tensorflow.Double, in, moved, along[i], h)
		fetches[i] = k.functional
	}
	values := make([]float64, len(list))
	for i, v := range tftest.Run(tb, session, in, fetches...) {
		values[i] = v[0]
	}
	return values
}

// TestGradients checks every layer and operation.
func TestGradients(t *testing.T) {
	checkGradient(t, append(append(layerCases(), samplingCases()...), mathCases()...))
}

// TestSinglePrecision compares float32, with TensorFlow's fused kernels and with
// our own, with float64, composed of single operations: outputs and gradients
// of every layer.
func TestSinglePrecision(t *testing.T) {
	cases := append(append(layerCases(), samplingCases()...), mathCases()...)
	names, exact := valuesAndGradients(t, New(tensorflow.Double), cases)
	own := New(tensorflow.Float)
	own.UseKernels("cpu")
	for kind, s := range map[string]*Scope{"TensorFlow's": New(tensorflow.Float), "our own": own} {
		_, got := valuesAndGradients(t, s, cases)
		for i := range exact {
			// Gradients that are zero, of biases in front of a norm, are rounding.
			nearOrBelow(t, kind+", "+names[i], got[i], exact[i], 2e-5, 0.5)
		}
	}
}

// valuesAndGradients computes the output and all gradients of each case.
func valuesAndGradients(t *testing.T, s *Scope, cases []gradientCase) (names []string, values [][]float64) {
	t.Helper()
	in := map[tensorflow.Output]*tensorflow.Tensor{}
	var fetches []tensorflow.Output
	for _, k := range addCases(s, cases) {
		k.feed(t, s.DType(), in, 0, nil, 0)
		fetches = append(append(fetches, k.y), k.gradients...)
		names = append(names, k.name)
		for _, name := range k.names {
			names = append(names, k.name+": gradient by "+name)
		}
	}
	return names, tftest.Run(t, tftest.NewSession(t, s), in, fetches...)
}
