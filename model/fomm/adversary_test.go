package fomm

import (
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// TestCrossEntropy compares with -log of the probability that a score gives, and
// its gradient with finite differences.
func TestCrossEntropy(t *testing.T) {
	s := graph.New(tensorflow.Double)
	r := random.New(4)
	judged := func(offset float64) (Judgement, [][]float64) {
		values := [][]float64{make([]float64, 6), make([]float64, 8)}
		for _, v := range values {
			for i := range v {
				v[i] = 3*r.Normal() + offset
			}
		}
		return Judgement{
			Scores: []tensorflow.Output{s.Values(values[0], 1, 2, 3, 1)}, Pixels: s.Values(values[1], 1, 2, 4, 1),
		}, values
	}
	real, realValues := judged(1)
	fake, fakeValues := judged(-1)
	loss := func(values []float64, real bool) float64 {
		sum := 0.0
		for _, x := range values {
			p := 1 / (1 + math.Exp(-x))
			if !real {
				p = 1 - p
			}
			sum -= math.Log(p) / float64(len(values))
		}
		return sum / 2
	}
	x := fake.Scores[0]
	generator := CrossEntropy.Generator(s, fake)
	got := tftest.Evaluate(t, s, generator, CrossEntropy.Encoder(s, real, fake), CrossEntropy.Decoder(s, real, fake),
		s.GradientsOf(generator, []tensorflow.Output{x})[0])
	for i, want := range []float64{
		loss(fakeValues[0], true) + loss(fakeValues[1], true),
		loss(realValues[0], true) + loss(fakeValues[0], false),
		loss(realValues[1], true) + loss(fakeValues[1], false),
	} {
		if math.Abs(got[i][0]-want) > 1e-12 {
			t.Errorf("loss %d is %v, want %v", i, got[i][0], want)
		}
	}
	const h = 1e-5
	for i, g := range got[3] {
		up, down := append([]float64(nil), fakeValues[0]...), append([]float64(nil), fakeValues[0]...)
		up[i], down[i] = up[i]+h, down[i]-h
		if want := (loss(up, true) - loss(down, true)) / (2 * h); math.Abs(g-want) > 1e-8 {
			t.Errorf("gradient %d is %v, want %v", i, g, want)
		}
	}
}

// TestScoresFarOut: a score of any size has a finite loss.
func TestScoresFarOut(t *testing.T) {
	s := graph.New(tensorflow.Float)
	far := Judgement{Scores: []tensorflow.Output{s.Values([]float64{-1e4, 1e4}, 1, 1, 2, 1)}}
	if got := tftest.Evaluate(t, s, CrossEntropy.Generator(s, far))[0][0]; math.Abs(got-2500) > 1 {
		t.Errorf("the loss is %v, want 2500", got)
	}
}

// TestDecoderMatching: features of the decoder are compared beside the encoder's.
func TestDecoderMatching(t *testing.T) {
	s := graph.New(tensorflow.Double)
	one := func(v float64) tensorflow.Output { return s.Values([]float64{v, v}, 1, 1, 2, 1) }
	real := Judgement{Features: [][]tensorflow.Output{{one(1)}}, Decoded: []tensorflow.Output{one(2), one(5)}}
	fake := Judgement{Features: [][]tensorflow.Output{{one(3)}}, Decoded: []tensorflow.Output{one(2.5), one(1)}}
	w := LossWeights{FeatureMatching: []float64{10}, DecoderMatching: []float64{2, 0.5}}
	if got := tftest.Evaluate(t, s, weighedMatching(s, w, real, fake))[0][0]; math.Abs(got-(20+1+2)) > 1e-12 {
		t.Errorf("the term is %v, want 23", got)
	}
	w.DecoderMatching = nil
	if got := tftest.Evaluate(t, s, weighedMatching(s, w, real, fake))[0][0]; got != 20 {
		t.Errorf("without the decoder it is %v, want 20", got)
	}
}
