package graph

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// ownNormCases are norms with all that may stand behind them, and warps.
func ownNormCases() []gradientCase {
	instance := func(name string, dims []int, slope float64, pool bool) gradientCase {
		return gradientCase{name: name, inputs: [][]int{dims},
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
				return NewInstanceNorm(s.Sub("norm"), dims[3]).ApplyLeaky(s.WithTraining(true), x[0], slope, pool)
			}}
	}
	batch := func(name string, dims []int, pool bool) gradientCase {
		return gradientCase{name: name, inputs: [][]int{dims},
			build: func(s *Scope, x []tensorflow.Output) tensorflow.Output {
				return NewBatchNorm(s.Sub("norm"), dims[3]).ApplyRelu(s.WithTraining(true), x[0], pool)
			}}
	}
	cases := []gradientCase{
		instance("instance norm", []int{3, 6, 5, 7}, 1, false),
		instance("leaky instance norm", []int{2, 9, 4, 33}, 0.2, false),
		instance("pooled instance norm", []int{3, 7, 9, 5}, 0.2, true),
		batch("batch norm and ReLU", []int{2, 5, 6, 19}, false),
		batch("pooled batch norm", []int{3, 6, 9, 4}, true),
	}
	for _, alignCorners := range []bool{false, true} {
		cases = append(cases,
			warpCase("warp with zeros", ZeroPadding, alignCorners), warpCase("warp with reflection", ReflectPadding, alignCorners))
	}
	return cases
}

func TestOwnNormsAndWarps(t *testing.T) {
	own, composed := ownScope(t), New(tensorflow.Float)
	names, exact := valuesAndGradients(t, New(tensorflow.Double), ownNormCases())
	_, got := valuesAndGradients(t, own, ownNormCases())
	for _, op := range own.Graph().Operations() {
		if strings.HasPrefix(op.Type(), "FusedBatchNorm") || op.Type() == "GatherV2" {
			t.Errorf("%s is TensorFlow's %s", op.Name(), op.Type())
		}
	}
	_, without := valuesAndGradients(t, composed, ownNormCases())
	for i := range exact {
		nearOrBelow(t, names[i], got[i], exact[i], 1e-5, 2)
		nearOrBelow(t, names[i]+", composed", without[i], exact[i], 1e-5, 2)
	}
}

// TestOwnRunningAverages: our own norm moves the averages as TensorFlow's does.
func TestOwnRunningAverages(t *testing.T) {
	x := normals(random.New(12), 2*5*3*4)
	after := func(s *Scope) [][]float64 {
		n := NewBatchNorm(s.Sub("norm"), 4)
		y := n.ApplyRelu(s.WithTraining(true), s.Values(x, 2, 5, 3, 4), false)
		moved := s.Commit(s.Barrier(y))
		session := tftest.NewSession(t, s)
		if err := Initialize(session, s.Variables(), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Run(nil, nil, moved); err != nil {
			t.Fatal(err)
		}
		return tftest.Run(t, session, nil, n.RunningMean.Value, n.RunningVar.Value)
	}
	want, got := after(New(tensorflow.Double)), after(ownScope(t))
	near(t, "running mean", got[0], want[0], 2e-6)
	near(t, "running variance", got[1], want[1], 2e-6)
}

// TestSharedMapsAndPoints: one map serves many lists of points and the other way
// round, in the gradients too.
func TestSharedMapsAndPoints(t *testing.T) {
	for name, dims := range map[string][][]int{
		"one map":  {{1, 4, 5, 3}, {3, 2, 2, 2}},
		"one grid": {{3, 4, 5, 3}, {1, 2, 2, 2}},
	} {
		shared := warpCase(name, ZeroPadding, false)
		shared.inputs = dims
		names, exact := valuesAndGradients(t, New(tensorflow.Double), []gradientCase{shared})
		_, got := valuesAndGradients(t, ownScope(t), []gradientCase{shared})
		for i := range exact {
			near(t, names[i], got[i], exact[i], 1e-5)
		}
	}
}
