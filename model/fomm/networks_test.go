package fomm

import (
	"fmt"
	"math"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// noise is a stack of random pictures in [0, 1].
func noise(s *graph.Scope, label uint64, dims ...int64) tensorflow.Output {
	r := random.New(20, label)
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	values := make([]float64, n)
	for i := range values {
		values[i] = r.Float64()
	}
	return s.Values(values, dims...)
}

// initialized is a session whose variables have their first values, but the
// Jacobians' weights, so that they differ from the identity.
func initialized(t *testing.T, s *graph.Scope) graph.Runner {
	t.Helper()
	session := tftest.NewSession(t, s)
	if err := graph.Initialize(session, s.Variables(), 3); err != nil {
		t.Fatal(err)
	}
	values := map[*graph.Variable]*tensorflow.Tensor{}
	for _, v := range s.Variables() {
		if strings.HasSuffix(v.Name, "jacobian.weight") {
			r := random.New(4)
			drawn := make([]float64, v.Size())
			for i := range drawn {
				drawn[i] = 0.02 * r.Normal()
			}
			values[v] = tftest.Tensor(t, v.DType, drawn, v.Dims...)
		}
	}
	if err := graph.Assign(session, values); err != nil {
		t.Fatal(err)
	}
	return session
}

func fetch(t *testing.T, session graph.Runner, outputs ...tensorflow.Output) [][]float64 {
	t.Helper()
	fetched, err := session.Run(nil, outputs, nil)
	if err != nil {
		t.Fatal(err)
	}
	values := make([][]float64, len(fetched))
	for i, f := range fetched {
		values[i] = tftest.Values(t, f)
	}
	return values
}

// expect fails where got is further than tol from want.
func expect(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d elements, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tol) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}

// TestKeypointsFromHeatmaps re-computes positions and Jacobians from logits
// and Jacobian maps, with a map for each keypoint and with a shared one.
func TestKeypointsFromHeatmaps(t *testing.T) {
	for _, single := range []bool{false, true} {
		s := graph.New(tensorflow.Double)
		p := goldenParams(true)
		p.KPDetector.SingleJacobianMap = single
		kp := NewKPDetector(s.Sub("kp_detector"), p.KPDetector, p.Common).Detect(s, noise(s, 1, 2, 64, 64, 3))
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		maps := 20
		if single {
			maps = 4
		}
		if got, want := s.Shape(kp.JacobianMap), []int{2, 10, 10, maps}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("Jacobian map is %v, want %v", got, want)
		}
		got := fetch(t, initialized(t, s), kp.Logits, kp.JacobianMap, kp.Heatmap, kp.Value, kp.Jacobian)
		var heat, value, jacobian []float64
		for n := 0; n < 2; n++ {
			for k := 0; k < 5; k++ {
				sum, weights := 0.0, make([]float64, 100)
				for i := range weights {
					weights[i] = math.Exp(got[0][(n*100+i)*5+k] / 0.1)
					sum += weights[i]
				}
				position, j := make([]float64, 2), make([]float64, 4)
				for i := range weights {
					weights[i] /= sum
					position[0] += weights[i] * (2*float64(i%10)/9 - 1)
					position[1] += weights[i] * (2*float64(i/10)/9 - 1)
					for e := range j {
						channel := 4*k + e
						if single {
							channel = e
						}
						j[e] += weights[i] * got[1][(n*100+i)*maps+channel]
					}
				}
				heat, value, jacobian = append(heat, weights...), append(value, position...), append(jacobian, j...)
			}
		}
		expect(t, "heatmap", got[2], heat, 1e-12)
		expect(t, "value", got[3], value, 1e-12)
		expect(t, "Jacobian", got[4], jacobian, 1e-12)
	}
}

// TestNoJacobian: without Jacobians keypoints only shift the source.
func TestNoJacobian(t *testing.T) {
	s := graph.New(tensorflow.Double)
	p := goldenParams(true)
	p.Common.EstimateJacobian = false
	nets := NewAnimator(s, p)
	source, driving := noise(s, 1, 1, 64, 64, 3), noise(s, 2, 1, 64, 64, 3)
	a, b := nets.KPDetector.Detect(s.At("a"), source), nets.KPDetector.Detect(s.At("b"), driving)
	if a.Jacobian.Op != nil || a.JacobianMap.Op != nil || s.VariableNamed("kp_detector.jacobian.weight") != nil {
		t.Error("a detector without Jacobians has some")
	}
	if detached := a.Keypoints.Detach(s); detached.Jacobian.Op != nil {
		t.Error("detached keypoints have Jacobians")
	}
	gen := nets.Generator.Generate(s, source, a.Keypoints, b.Keypoints)
	got := fetch(t, initialized(t, s), gen.SparseMotion, a.Value, b.Value)
	want := make([]float64, 0, len(got[0]))
	for k := 0; k <= 5; k++ {
		for i := 0; i < 256; i++ {
			for axis, at := range []int{i % 16, i / 16} {
				z := 2*float64(at)/15 - 1
				if k > 0 {
					z += got[1][2*(k-1)+axis] - got[2][2*(k-1)+axis]
				}
				want = append(want, z)
			}
		}
	}
	expect(t, "sparse motion", got[0], want, 1e-12)
}

// TestNoOcclusionMap: without it features pass the warp undimmed.
func TestNoOcclusionMap(t *testing.T) {
	s := graph.New(tensorflow.Double)
	p := goldenParams(true)
	p.Generator.EstimateOcclusionMap = false
	nets := NewAnimator(s, p)
	source := noise(s, 1, 1, 64, 64, 3)
	kp := nets.KPDetector.Detect(s, source).Keypoints
	gen := nets.Generator.Generate(s, source, kp, kp)
	if gen.OcclusionMap.Op != nil || s.VariableNamed("generator.dense_motion_network.occlusion.weight") != nil {
		t.Error("a generator without occlusion map has one")
	}
	if gen.FeatOccluded != gen.FeatDeformed {
		t.Error("features are dimmed by nothing")
	}
	// Equal keypoints and the identity's sampling: nothing moves.
	got := fetch(t, initialized(t, s), gen.FeatDeformed, gen.Features, gen.Background(s), gen.Motion.Mask)
	expect(t, "features under no motion", got[0], got[1], 1e-12)
	for i, v := range got[2] {
		if v != got[3][6*i] {
			t.Fatal("the background is not channel 0 of the mask")
		}
	}
}

// TestGaussians compares with the formula.
func TestGaussians(t *testing.T) {
	s := graph.New(tensorflow.Double)
	kp := []float64{0, 0, 0.5, -1}
	got := fetch(t, tftest.NewSession(t, s), Gaussians(s, s.Values(kp, 1, 2, 2), 3, 5, 0.01))[0]
	var want []float64
	for k := 0; k < 2; k++ {
		for i := 0; i < 15; i++ {
			dx, dy := 2*float64(i%5)/4-1-kp[2*k], 2*float64(i/5)/2-1-kp[2*k+1]
			want = append(want, math.Exp(-(dx*dx+dy*dy)/0.02))
		}
	}
	expect(t, "drawn keypoints", got, want, 1e-14)
}

// TestDenseMotionShapes: the sizes of what the dense motion network computes,
// with an open batch, for weights that run at twice the size.
func TestDenseMotionShapes(t *testing.T) {
	s := graph.New(tensorflow.Float)
	p := goldenParams(true)
	p.KPDetector.ScaleFactor, p.Generator.DenseMotion.ScaleFactor = 0.125, 0.125
	nets := NewAnimator(s, p)
	source := s.Placeholder("source", tensorflow.Float, -1, 128, 192, 3)
	kp := nets.KPDetector.Detect(s, source).Keypoints
	gen := nets.Generator.Generate(s, source, kp, kp)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		got  tensorflow.Output
		want string
	}{
		"value":           {kp.Value, "[-1 5 2]"},
		"Jacobian":        {kp.Jacobian, "[-1 5 2 2]"},
		"heatmap":         {gen.Heatmap, "[-1 6 16 24]"},
		"sparse motion":   {gen.SparseMotion, "[-1 6 16 24 2]"},
		"sparse deformed": {gen.SparseDeformed, "[-1 6 16 24 3]"},
		"mask":            {gen.Motion.Mask, "[-1 16 24 6]"},
		"deformation":     {gen.Deformation, "[-1 16 24 2]"},
		"occlusion map":   {gen.OcclusionMap, "[-1 16 24 1]"},
		"features":        {gen.FeatOccluded, "[-1 32 48 32]"},
		"prediction":      {gen.Prediction, "[-1 128 192 3]"},
	} {
		if got := fmt.Sprint(s.Shape(c.got)); got != c.want {
			t.Errorf("%s is %s, want %s", what, got, c.want)
		}
	}
}
