package monkeynet

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Keypoints are what the detector finds in a picture.
type Keypoints struct {
	// Mean [N, K, 2] are the positions (x, y) in [-1, 1].
	Mean tensorflow.Output
	// Var [N, K, 2, 2] are the variances, or [N, K, 1, 1] where kp_variance is
	// single; it does not exist where kp_variance is a number.
	Var tensorflow.Output
}

// Detach returns kp with no gradient behind it.
func (kp Keypoints) Detach(s *graph.Scope) Keypoints {
	out := Keypoints{Mean: s.StopGradient(kp.Mean)}
	if kp.Var.Op != nil {
		out.Var = s.StopGradient(kp.Var)
	}
	return out
}

// KPDetector finds keypoints without being told where they are: heatmaps of an
// hourglass on a shrunken picture, of which mean and variance are taken.
type KPDetector struct {
	params    KPDetectorParams
	common    CommonParams
	predictor *hourglass
}

// NewKPDetector makes the variables of the detector in scope s.
func NewKPDetector(s *graph.Scope, p KPDetectorParams, c CommonParams) *KPDetector {
	return &KPDetector{
		params: p, common: c,
		predictor: newHourglass(s.Sub("predictor"), c.NumChannels, c.NumKP, p.UNetParams, graph.ConvOptions{}),
	}
}

// Detection is what Detect computes, stage by stage.
type Detection struct {
	Keypoints
	// Encoded and Decoded are the activations of the hourglass; the first of
	// Encoded is the shrunken picture.
	Encoded, Decoded []tensorflow.Output
	// Logits [N, h, w, K] are the heatmaps before the softmax.
	Logits tensorflow.Output
	// Heatmap [N, K, h*w] sums to 1 for each keypoint.
	Heatmap tensorflow.Output
}

// heatFloor is added to every value of a heatmap, which then sums to a little
// more than 1.
const heatFloor = 1e-7

// Detect finds the keypoints of pictures x [N, H, W, 3] in [0, 1].
func (d *KPDetector) Detect(s *graph.Scope, x tensorflow.Output) Detection {
	var out Detection
	small := shrink(s, x, d.params.ScaleFactor)
	out.Logits, out.Encoded, out.Decoded = d.predictor.apply(s.At("predictor"), small)
	dims := s.Shape(out.Logits)
	if s.Err() != nil {
		return out
	}
	h, w, k := dims[1], dims[2], d.common.NumKP
	out.Heatmap = s.Heatmaps(out.Logits, d.params.Temperature)
	heat := s.Shift(out.Heatmap, heatFloor)
	grid := s.Grid(h, w)            // [1, h*w, 2]
	out.Mean = s.MatMul(heat, grid) // [N, K, 2]
	if _, constant := d.common.KPVariance.constant(); constant {
		return out
	}
	offset := s.Minus(s.ExpandDims(grid, 1), s.ExpandDims(out.Mean, 2)) // [N, K, h*w, 2]
	weighted := s.Mul(offset, s.ExpandDims(heat, 3))
	if d.common.KPVariance == SingleVariance {
		out.Var = s.Reshape(s.Scale(s.Sum(s.Mul(weighted, offset), 2, 3), 0.5), -1, k, 1, 1)
		return out
	}
	out.Var = s.MatMul(s.Transpose(weighted, 0, 1, 3, 2), offset) // [N, K, 2, 2]
	if d.params.ClipVariance > 0 {
		out.Var = clipVariance(s, out.Var, d.params.ClipVariance)
	}
	return out
}

// DetectBoth finds the keypoints of both pictures in one call, as training
// does: batch norm takes its statistics over both.
func (d *KPDetector) DetectBoth(s *graph.Scope, source, driving tensorflow.Output) (kpSource, kpDriving Detection) {
	dims := s.Shape(source)
	if s.Err() != nil {
		return
	}
	both := d.Detect(s, s.Concat(0, source, driving))
	return both.slice(s, 0, dims[0]), both.slice(s, dims[0], dims[0])
}

// slice takes n samples from the begin-th on.
func (d Detection) slice(s *graph.Scope, begin, n int) Detection {
	take := func(x tensorflow.Output) tensorflow.Output {
		if x.Op == nil {
			return x
		}
		from, size := make([]int, len(s.Shape(x))), make([]int, len(s.Shape(x)))
		for i := range size {
			size[i] = -1
		}
		if len(size) > 0 {
			from[0], size[0] = begin, n
		}
		return s.Slice(x, from, size)
	}
	all := func(list []tensorflow.Output) []tensorflow.Output {
		out := make([]tensorflow.Output, len(list))
		for i, x := range list {
			out[i] = take(x)
		}
		return out
	}
	return Detection{
		Keypoints: Keypoints{Mean: take(d.Mean), Var: take(d.Var)},
		Encoded:   all(d.Encoded), Decoded: all(d.Decoded),
		Logits: take(d.Logits), Heatmap: take(d.Heatmap),
	}
}
