package graph

import (
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// channel statistics of maps [count][c]: mean, biased and unbiased variance.
func statistics(values []float64, c int) (mean, biased, unbiased []float64) {
	count := float64(len(values) / c)
	mean, biased, unbiased = make([]float64, c), make([]float64, c), make([]float64, c)
	for i, v := range values {
		mean[i%c] += v / count
	}
	for i, v := range values {
		biased[i%c] += (v - mean[i%c]) * (v - mean[i%c]) / count
	}
	for i, v := range biased {
		unbiased[i] = v * count / (count - 1)
	}
	return
}

// TestBatchNormAverages calls one layer twice in a step: the averages move by
// the first batch and then by the second, with unbiased variances.
func TestBatchNormAverages(t *testing.T) {
	const c = 3
	r := random.New(9)
	first, second := normals(r, 2*2*3*c), normals(r, 1*2*2*c)
	mean, variance := []float64{1, -2, 0.5}, []float64{0.25, 2, 1}
	for i := range second {
		second[i] = float64(float32(3*second[i] + 1))
	}
	for name, dtype := range dtypes {
		s := New(dtype)
		n := NewBatchNorm(s.Sub("norm"), c)
		training := s.WithTraining(true)
		a := n.Apply(training, s.Values(first, 2, 2, 3, c))
		b := n.Apply(training, s.Values(second, 1, 2, 2, c))
		outside := n.Apply(s, s.Values(first, 2, 2, 3, c)) // moves nothing
		if len(s.PendingUpdates()) != 2 {
			t.Fatalf("%s: %d updates are pending, want those of mean and variance", name, len(s.PendingUpdates()))
		}
		done := s.AddOp("NoOp", nil, s.Commit(s.Barrier(s.PendingUpdates()...)))
		session := tftest.NewSession(t, s)
		values := map[*Variable]*tensorflow.Tensor{
			n.Weight: tftest.Tensor(t, dtype, []float64{1, 2, -1}, c), n.Bias: tftest.Tensor(t, dtype, []float64{0, 1, 2}, c),
			n.RunningMean: tftest.Tensor(t, dtype, mean, c), n.RunningVar: tftest.Tensor(t, dtype, variance, c),
		}
		if err := Assign(session, values); err != nil {
			t.Fatal(err)
		}
		fetched, err := session.Run(nil, []tensorflow.Output{a, b, outside}, []*tensorflow.Operation{done})
		if err != nil {
			t.Fatal(err)
		}
		tol := map[string]float64{"float": 2e-6, "double": 1e-13}[name]
		near(t, name+": first batch", tftest.Values(t, fetched[0]), affineOf(first, c, nil, nil), tol)
		near(t, name+": second batch", tftest.Values(t, fetched[1]), affineOf(second, c, nil, nil), tol)
		near(t, name+": averages", tftest.Values(t, fetched[2]), affineOf(first, c, mean, variance), tol)

		m1, _, v1 := statistics(first, c)
		m2, _, v2 := statistics(second, c)
		wantMean, wantVar := make([]float64, c), make([]float64, c)
		for i := range wantMean {
			wantMean[i] = 0.9*(0.9*mean[i]+0.1*m1[i]) + 0.1*m2[i]
			wantVar[i] = 0.9*(0.9*variance[i]+0.1*v1[i]) + 0.1*v2[i]
		}
		after := tftest.Run(t, session, nil, n.RunningMean.Value, n.RunningVar.Value)
		near(t, name+": running mean", after[0], wantMean, tol)
		near(t, name+": running variance", after[1], wantVar, tol)
	}
}

// affineOf normalises by given statistics, or by the batch's biased ones, with
// the weights 1, 2, -1 and biases 0, 1, 2.
func affineOf(values []float64, c int, mean, variance []float64) []float64 {
	if mean == nil {
		mean, variance, _ = statistics(values, c)
	}
	out := make([]float64, len(values))
	for i, v := range values {
		k := i % c
		out[i] = (v-mean[k])/math.Sqrt(variance[k]+1e-5)*[]float64{1, 2, -1}[k] + float64(k)
	}
	return out
}

// TestInstanceNorm normalises each sample on its own, by the biased variance;
// with an open batch size too.
func TestInstanceNorm(t *testing.T) {
	const c = 3
	x := normals(random.New(10), 2*4*c)
	want := append(affineOf(x[:4*c], c, nil, nil), affineOf(x[4*c:], c, nil, nil)...)
	for name, dtype := range dtypes {
		s := New(dtype)
		n := NewInstanceNorm(s.Sub("norm"), c)
		open := s.Placeholder("x", dtype, -1, 2, 2, c)
		known, unknown := n.Apply(s, s.Values(x, 2, 2, 2, c)), n.Apply(s, open)
		got := tftest.Run(t, tftest.NewSession(t, s), map[tensorflow.Output]*tensorflow.Tensor{
			open:           tftest.Tensor(t, dtype, x, 2, 2, 2, c),
			n.Weight.Value: tftest.Tensor(t, dtype, []float64{1, 2, -1}, c),
			n.Bias.Value:   tftest.Tensor(t, dtype, []float64{0, 1, 2}, c),
		}, known, unknown)
		tol := map[string]float64{"float": 2e-6, "double": 1e-13}[name]
		near(t, name, got[0], want, tol)
		near(t, name+", open batch", got[1], want, tol)
	}
}
