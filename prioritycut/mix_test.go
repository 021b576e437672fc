package prioritycut

import (
	"math"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

func drawValues(r *random.Rand, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = r.Normal()
	}
	return values
}

func drawMask(r *random.Rand, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = float64(r.IntN(2))
	}
	return values
}

func TestMixTakesRealWhereTheMaskIsOne(t *testing.T) {
	r := random.New(11)
	real, fake, mask := drawValues(r, 2*3*4*3), drawValues(r, 2*3*4*3), drawMask(r, 2*3*4)
	for _, dtype := range []tensorflow.DataType{tensorflow.Float, tensorflow.Double} {
		s := graph.New(dtype)
		mixed := Mix(s, s.Values(real, 2, 3, 4, 3), s.Values(fake, 2, 3, 4, 3), s.Values(mask, 2, 3, 4, 1))
		for i, got := range tftest.Evaluate(t, s, mixed)[0] {
			want := fake[i]
			if mask[i/3] == 1 {
				want = real[i]
			}
			if math.Abs(got-want) > 1e-6 {
				t.Fatalf("element %d is %v, want %v", i, got, want)
			}
		}
	}
}

func TestMixRefusesShapes(t *testing.T) {
	for name, dims := range map[string][3][]int64{
		"fake": {{2, 4, 4, 3}, {2, 4, 5, 3}, {2, 4, 4, 1}},
		"mask": {{2, 4, 4, 3}, {2, 4, 4, 3}, {2, 4, 4, 3}},
		"real": {{4, 3}, {4, 3}, {4, 1}},
	} {
		s := graph.New(tensorflow.Float)
		var in []tensorflow.Output
		for _, d := range dims {
			in = append(in, s.Placeholder("x", tensorflow.Float, d...))
		}
		Mix(s, in[0], in[1], in[2])
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), name+" is") {
			t.Errorf("%s of the wrong shape gives %v", name, err)
		}
	}
	s := graph.New(tensorflow.Float)
	x := s.Placeholder("x", tensorflow.Float, 2, 4, 4, 1)
	Consistency(s, s.Placeholder("mixed", tensorflow.Float, 2, 2, 2, 1), x, x, x)
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "mixed picture") {
		t.Errorf("scores of the wrong shape give %v", err)
	}
}

// consistencyOf is L_cons by its formula.
func consistencyOf(mixed, real, fake, mask []float64) float64 {
	sum := 0.0
	for i := range mixed {
		d := mixed[i] - (mask[i]*real[i] + (1-mask[i])*fake[i])
		sum += d * d
	}
	return sum / float64(len(mixed))
}

// TestConsistency compares value and gradients with the formula and with
// central differences of it: none of the three score maps is detached.
func TestConsistency(t *testing.T) {
	const n = 2 * 5 * 3
	r := random.New(12)
	values := [][]float64{drawValues(r, n), drawValues(r, n), drawValues(r, n)}
	mask := drawMask(r, n)
	s := graph.New(tensorflow.Double)
	var scores []tensorflow.Output
	for _, v := range values {
		scores = append(scores, s.Values(v, 2, 5, 3, 1))
	}
	loss := Consistency(s, scores[0], scores[1], scores[2], s.Values(mask, 2, 5, 3, 1))
	gradients := s.GradientsOf(loss, scores)
	got := tftest.Evaluate(t, s, append([]tensorflow.Output{loss}, gradients...)...)

	want := consistencyOf(values[0], values[1], values[2], mask)
	if math.Abs(got[0][0]-want) > 1e-13*want {
		t.Errorf("the loss is %v, want %v", got[0][0], want)
	}
	const step = 1e-5
	for i, name := range []string{"mixed", "real", "fake"} {
		for j := range values[i] {
			at := values[i][j]
			values[i][j] = at + step
			up := consistencyOf(values[0], values[1], values[2], mask)
			values[i][j] = at - step
			down := consistencyOf(values[0], values[1], values[2], mask)
			values[i][j] = at
			if difference := (up - down) / (2 * step); math.Abs(got[i+1][j]-difference) > 1e-9 {
				t.Fatalf("the gradient of %s at %d is %v, want %v", name, j, got[i+1][j], difference)
			}
		}
	}
}

// TestConsistencyOfConsistentScores: a decoder that judges every pixel for
// itself has no loss.
func TestConsistencyOfConsistentScores(t *testing.T) {
	s := graph.New(tensorflow.Float)
	r := random.New(13)
	real, fake := s.Values(drawValues(r, 32), 2, 4, 4, 1), s.Values(drawValues(r, 32), 2, 4, 4, 1)
	mask := s.Values(drawMask(r, 32), 2, 4, 4, 1)
	judge := func(x tensorflow.Output) tensorflow.Output { return s.Square(s.Shift(x, 0.5)) }
	loss := Consistency(s, judge(Mix(s, real, fake, mask)), judge(real), judge(fake), mask)
	if got := tftest.Evaluate(t, s, loss)[0][0]; got > 1e-12 {
		t.Errorf("the loss is %v, want 0", got)
	}
}
