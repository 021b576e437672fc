package graph

import (
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// reflection is the orthogonal matrix 1 - 2 v v' of n rows, v drawn.
func reflection(r *random.Rand, n int) [][]float64 {
	v := make([]float64, n)
	UnitNormal.draw(r, v)
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
		for j := range m[i] {
			m[i][j] = -2 * v[i] * v[j]
		}
		m[i][i]++
	}
	return m
}

// decomposed is U diag(values) V' in rows*columns numbers, row-major.
func decomposed(u, v [][]float64, values []float64) []float64 {
	out := make([]float64, 0, len(u)*len(v))
	for i := range u {
		for j := range v {
			sum := 0.0
			for k, s := range values {
				sum += u[i][k] * s * v[j][k]
			}
			out = append(out, sum)
		}
	}
	return out
}

// grown are singular values of a matrix after the iterations, each by itself.
func grown(values []float64) []float64 {
	norm := 0.0
	for _, x := range values {
		norm = math.Hypot(norm, x)
	}
	out := make([]float64, len(values))
	for i, x := range values {
		x /= norm
		for range 5 {
			x = 3.4445*x - 4.7750*x*x*x + 2.0315*x*x*x*x*x
		}
		out[i] = x
	}
	return out
}

// The iteration works on singular values alone, on each by itself, and brings
// those that are not tiny near 1, in tall, wide and square matrices.
func TestOrthogonal(t *testing.T) {
	for name, dtype := range dtypes {
		for _, size := range [][2]int{{24, 9}, {9, 24}, {12, 12}} {
			rows, columns := size[0], size[1]
			r := random.New(3, uint64(rows))
			u, v := reflection(r, rows), reflection(r, columns)
			values := make([]float64, min(rows, columns))
			for i := range values {
				values[i] = 5 * math.Pow(0.55, float64(i)) // 5 to 0.04 of 9
			}
			want := grown(values)
			for i, x := range want {
				if values[i] > 0.1 && (x < 0.65 || x > 1.2) {
					t.Fatalf("singular value %v becomes %v", values[i], x)
				}
			}
			s := New(dtype)
			x := s.Values(decomposed(u, v, values), int64(rows), int64(columns))
			got := tftest.Run(t, tftest.NewSession(t, s), nil, s.orthogonal(x, rows, columns))[0]
			tol := 1e-11
			if dtype == tensorflow.Float {
				tol = 2e-5
			}
			near(t, name, got, decomposed(u, v, want), tol)
		}
	}
}

// TestMuon takes steps of two kernels, of which one is too narrow, and a bias, and
// compares with the formula and with Adam.
func TestMuon(t *testing.T) {
	const rate, scale = 0.01, 0.4
	const rows, columns = 9 * 8, 10
	s := New(tensorflow.Double)
	net := s.Sub("net")
	kernel := net.Variable("weight", Trainable, Ones, 3, 3, 8, columns)
	narrow := net.Variable("narrow", Trainable, Ones, 3, 3, 8, 7)
	bias := net.Variable("bias", Trainable, Ones, columns)
	g := s.Placeholder("gradient", tensorflow.Double, 3, 3, 8, columns)
	optimizer, lr := s.Sub("optimizer"), s.Scalar(rate)
	muon := NewMuon(optimizer, []*Variable{bias, kernel, narrow}, lr, scale, func(rest []*Variable) *Adam {
		return NewAdam(optimizer, "net", rest, lr, 0.5, 0.999, 1e-8)
	})
	names := ""
	for i := range 3 {
		for _, v := range muon.Slots(i) {
			names += v.Name + " "
		}
	}
	if want := "optimizer.net.bias.exp_avg optimizer.net.bias.exp_avg_sq optimizer.net.weight.momentum_buffer " +
		"optimizer.net.narrow.exp_avg optimizer.net.narrow.exp_avg_sq "; names != want {
		t.Errorf("slots %s", names)
	}
	rest := s.Scale(narrow.Value, 1) // any gradients
	barrier := s.Barrier(append(append(s.PendingUpdates(), muon.Reads()...), g, rest)...)
	ops := append(s.Commit(barrier), muon.Apply(s, []tensorflow.Output{s.Scale(bias.Value, -3), g, rest}, barrier)...)
	session := tftest.NewSession(t, s)
	if err := Initialize(session, s.Variables(), 0); err != nil {
		t.Fatal(err)
	}
	r := random.New(4)
	u, v := reflection(r, rows), reflection(r, columns)
	momentum, want := make([]float64, columns), decomposed(u, v, make([]float64, columns))
	for i := range want {
		want[i] = 1
	}
	adam := pytorchAdam{beta1: 0.5, beta2: 0.999, epsilon: 1e-8, w: 1}
	byAdam := [2]pytorchAdam{adam, adam} // the bias and the narrow kernel
	for step := range 3 {
		drawn, sum := make([]float64, columns), make([]float64, columns)
		for i := range drawn {
			drawn[i] = 1e-3 * r.Uniform(0.5, 2)
			if step == 2 {
				drawn[i] = 0
			}
			momentum[i] = 0.9*momentum[i] + 0.1*drawn[i]
			sum[i] = 0.9*momentum[i] + 0.1*drawn[i]
		}
		feed := map[tensorflow.Output]*tensorflow.Tensor{g: tftest.Of(t, decomposed(u, v, drawn), 3, 3, 8, columns)}
		if _, err := session.Run(feed, nil, ops); err != nil {
			t.Fatal(err)
		}
		for i, x := range decomposed(u, v, grown(sum)) {
			want[i] -= rate * scale * math.Sqrt(rows) * x
		}
		got := tftest.Run(t, session, nil, kernel.Value, bias.Value, narrow.Value, muon.Slots(1)[0].Value, muon.Adam.Step.Value)
		near(t, "kernel", got[0], want, 1e-11)
		near(t, "momentum", got[3], decomposed(u, v, momentum), 1e-14)
		byAdam[0].step(-3*byAdam[0].w, rate)
		byAdam[1].step(byAdam[1].w, rate)
		near(t, "bias, narrow kernel and Adam's count", []float64{got[1][0], got[2][0], got[4][0]},
			[]float64{byAdam[0].w, byAdam[1].w, float64(step + 1)}, 1e-11)
	}
	if muon.Apply(s, nil, nil) != nil || s.Err() == nil {
		t.Error("too few gradients are no error")
	}
}

// A gradient of nothing moves nothing.
func TestMuonOfZero(t *testing.T) {
	s := New(tensorflow.Float)
	x := s.orthogonal(s.Values(make([]float64, 12), 4, 3), 4, 3)
	near(t, "zero", tftest.Run(t, tftest.NewSession(t, s), nil, x)[0], make([]float64, 12), 0)
}
