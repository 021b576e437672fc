package fomm

import (
	"fmt"
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// lossCase is a loss whose gradient by every input is checked.
type lossCase struct {
	name   string
	dims   [][]int64
	values [][]float64
	build  func(s *graph.Scope, x []tensorflow.Output) tensorflow.Output

	inputs, gradients []tensorflow.Output
	loss              tensorflow.Output
}

// input adds an input to the case.
func (c *lossCase) input(values []float64, dims ...int64) *lossCase {
	c.values, c.dims = append(c.values, values), append(c.dims, dims)
	return c
}

func newLossCase(name string, build func(s *graph.Scope, x []tensorflow.Output) tensorflow.Output) *lossCase {
	return &lossCase{name: name, build: build}
}

// lossCases are all losses that a step minimises.
func lossCases(vgg *model.VGG19) []*lossCase {
	score := func(x tensorflow.Output) Judgement {
		return Judgement{Scores: []tensorflow.Output{x}, Pixels: x, Features: [][]tensorflow.Output{{x}}}
	}
	kp := func(value, jacobian tensorflow.Output) Keypoints { return Keypoints{Value: value, Jacobian: jacobian} }
	picture := make([]float64, 32*32*3)
	for i, v := range drawn(60, len(picture)) {
		picture[i] = 1 / (1 + math.Exp(-v))
	}
	scores := func(label uint64) ([]float64, []int64) { return drawn(label, 18), []int64{2, 3, 3, 1} }
	a, dims := scores(61)
	b, _ := scores(62)
	return []*lossCase{
		newLossCase("generator GAN", func(s *graph.Scope, x []tensorflow.Output) tensorflow.Output {
			return GeneratorGAN(s, score(x[0]))
		}).input(a, dims...),
		newLossCase("discriminator GAN", func(s *graph.Scope, x []tensorflow.Output) tensorflow.Output {
			return DiscriminatorGAN(s, score(x[0]), score(x[1]))
		}).input(a, dims...).input(b, dims...),
		newLossCase("decoder GAN", func(s *graph.Scope, x []tensorflow.Output) tensorflow.Output {
			return DecoderGAN(s, score(x[0]), score(x[1]))
		}).input(a, dims...).input(b, dims...),
		newLossCase("feature matching", func(s *graph.Scope, x []tensorflow.Output) tensorflow.Output {
			return model.WeightedSum(s, FeatureMatching(s, score(x[0]), score(x[1])), []float64{10})
		}).input(a, dims...).input(b, dims...),
		newLossCase("perceptual", func(s *graph.Scope, x []tensorflow.Output) tensorflow.Output {
			target := s.Values(picture, 1, 32, 32, 3)
			terms, _ := model.Perceptual(s, vgg, model.NewPyramid(s, target), model.NewPyramid(s, x[0]), []float64{1, 0.5})
			return model.WeightedSum(s, terms, []float64{10, 10, 10, 10, 10})
		}).input(reversed(picture), 1, 32, 32, 3),
		newLossCase("equivariance of values", func(s *graph.Scope, x []tensorflow.Output) tensorflow.Output {
			return EquivarianceValue(s, transformOf(s, randomSplines()), kp(x[0], x[0]), kp(x[1], x[1]))
		}).input(drawn(63, 12), 2, 3, 2).input(drawn(64, 12), 2, 3, 2),
		newLossCase("equivariance of Jacobians", func(s *graph.Scope, x []tensorflow.Output) tensorflow.Output {
			return EquivarianceJacobian(s, transformOf(s, randomSplines()), kp(x[0], x[1]), kp(x[0], x[2]))
		}).input(drawn(65, 12), 2, 3, 2).input(matrices(66, 6), 2, 3, 2, 2).input(matrices(67, 6), 2, 3, 2, 2),
		newLossCase("points under keypoints drawn", func(s *graph.Scope, x []tensorflow.Output) tensorflow.Output {
			return s.L1(Gaussians(s, x[0], 5, 4, 0.3), s.Scalar(0.4))
		}).input(drawn(68, 12), 2, 3, 2),
	}
}

func reversed(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[len(out)-1-i] = v
	}
	return out
}

// TestLossGradients compares with central differences in float64, one input of
// every case at a time along random directions.
func TestLossGradients(t *testing.T) {
	s := graph.New(tensorflow.Double)
	cases := lossCases(model.NewVGG19(s.Sub("vgg"), 32))
	for i, c := range cases {
		at := s.At(fmt.Sprint("case", i))
		for j, dims := range c.dims {
			c.inputs = append(c.inputs, at.Placeholder(fmt.Sprint("x", j), tensorflow.Double, dims...))
		}
		c.loss = c.build(at, c.inputs)
		c.gradients = at.GradientsOf(c.loss, c.inputs)
	}
	session := tftest.NewSession(t, s)
	if err := graph.Initialize(session, s.Variables(), 5); err != nil {
		t.Fatal(err)
	}
	analytic := lossGradients(t, session, cases)
	const h = 1e-6
	for input := 0; input < 3; input++ {
		for direction := uint64(0); direction < 3; direction++ {
			up, down := movedLosses(t, session, cases, input, direction, h), movedLosses(t, session, cases, input, direction, -h)
			for i, c := range cases {
				if input >= len(c.inputs) {
					continue
				}
				numeric, got := (up[i]-down[i])/(2*h), 0.0
				for j, d := range drawn(1000+direction, len(c.values[input])) {
					got += d * analytic[i][input][j]
				}
				if scale := math.Max(math.Abs(numeric), 1e-2); !(math.Abs(got-numeric) <= 2e-6*scale) {
					t.Errorf("%s: the derivative by input %d along direction %d is %v, by differences %v", c.name, input, direction, got, numeric)
				}
			}
		}
	}
}

func lossGradients(t *testing.T, session *tf.Session, cases []*lossCase) [][][]float64 {
	t.Helper()
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	var fetches []tensorflow.Output
	for _, c := range cases {
		for j, x := range c.inputs {
			if g := c.gradients[j]; g.Op == nil || g.Index < 0 {
				t.Fatalf("%s: no gradient by input %d", c.name, j)
			}
			feeds[x] = tftest.Tensor(t, tensorflow.Double, c.values[j], c.dims[j]...)
		}
		fetches = append(fetches, c.gradients...)
	}
	out := tftest.Run(t, session, feeds, fetches...)
	grads := make([][][]float64, len(cases))
	for i, c := range cases {
		grads[i], out = out[:len(c.inputs)], out[len(c.inputs):]
	}
	return grads
}

// movedLosses are the losses with one input of each case moved by h.
func movedLosses(t *testing.T, session *tf.Session, cases []*lossCase, input int, direction uint64, h float64) []float64 {
	t.Helper()
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	fetches := make([]tensorflow.Output, len(cases))
	for i, c := range cases {
		fetches[i] = c.loss
		for j, x := range c.inputs {
			values := append([]float64(nil), c.values[j]...)
			if j == input {
				for e, d := range drawn(1000+direction, len(values)) {
					values[e] += h * d
				}
			}
			feeds[x] = tftest.Tensor(t, tensorflow.Double, values, c.dims[j]...)
		}
	}
	losses := make([]float64, len(cases))
	for i, v := range tftest.Run(t, session, feeds, fetches...) {
		losses[i] = v[0]
	}
	return losses
}
