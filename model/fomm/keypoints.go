package fomm

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Keypoints are what the detector finds in a picture.
type Keypoints struct {
	// Value [N, K, 2] are the positions (x, y) in [-1, 1].
	Value tensorflow.Output
	// Jacobian [N, K, 2, 2] is the local affine map at each keypoint; it does
	// not exist where the configuration has estimate_jacobian off.
	Jacobian tensorflow.Output
}

// Detach returns kp with no gradient behind it.
func (kp Keypoints) Detach(s *graph.Scope) Keypoints {
	out := Keypoints{Value: s.StopGradient(kp.Value)}
	if kp.Jacobian.Op != nil {
		out.Jacobian = s.StopGradient(kp.Jacobian)
	}
	return out
}

// KPDetector finds keypoints without being told where they are: an hourglass
// on a shrunken picture, whose heatmaps are averaged to positions (FOMM, 3.1).
type KPDetector struct {
	params      KPDetectorParams
	common      CommonParams
	predictor   *graph.Hourglass
	kp          *graph.Conv2D
	jacobian    *graph.Conv2D
	jacobianSet int // Jacobian maps: K, or 1 when shared
}

// headKernel is the size of the detector's and the dense motion's heads.
const headKernel = 7

// NewKPDetector makes the variables of the detector in scope s.
func NewKPDetector(s *graph.Scope, p KPDetectorParams, c CommonParams) *KPDetector {
	d := &KPDetector{params: p, common: c}
	d.predictor = graph.NewHourglass(s.Sub("predictor"), c.NumChannels, p.BlockExpansion, p.MaxFeatures, p.NumBlocks)
	head := graph.ConvOptions{PadBefore: p.Pad, PadAfter: p.Pad}
	features := d.predictor.OutChannels()
	d.kp = graph.NewConv2D(s.Sub("kp"), features, c.NumKP, headKernel, head)
	if c.EstimateJacobian {
		d.jacobianSet = c.NumKP
		if p.SingleJacobianMap {
			d.jacobianSet = 1
		}
		// Every Jacobian starts as the identity.
		identity := graph.Repeat(1, 0, 0, 1)
		head.KernelInit, head.BiasInit = &graph.Zeros, &identity
		d.jacobian = graph.NewConv2D(s.Sub("jacobian"), features, 4*d.jacobianSet, headKernel, head)
	}
	return d
}

// Detection is what Detect computes, stage by stage.
type Detection struct {
	Keypoints
	// Small [N, h, w, 3] is the shrunken picture.
	Small tensorflow.Output
	// Encoded are the hourglass's encoder activations, Small first.
	Encoded []tensorflow.Output
	// Feature [N, h, w, C] is the hourglass's output.
	Feature tensorflow.Output
	// Logits [N, h', w', K] are the heatmaps before the softmax.
	Logits tensorflow.Output
	// Heatmap [N, K, h'*w'] sums to 1 for each keypoint.
	Heatmap tensorflow.Output
	// JacobianMap [N, h', w', 4K] (or 4) is averaged under the heatmaps.
	JacobianMap tensorflow.Output
}

// Detect finds the keypoints of pictures x [N, H, W, 3] in [0, 1].
func (d *KPDetector) Detect(s *graph.Scope, x tensorflow.Output) Detection {
	var out Detection
	out.Small = s.AntiAlias(x, d.params.ScaleFactor)
	out.Feature, out.Encoded = d.predictor.Apply(s, out.Small)
	if dims := s.Shape(out.Feature); s.Err() == nil {
		if reach := headKernel - 2*d.params.Pad; dims[1] < reach || dims[2] < reach {
			s.Failf("maps of %dx%d are too small for heads of %d pixels", dims[1], dims[2], headKernel)
		}
	}
	out.Logits = d.kp.Apply(s, out.Feature)
	dims := s.Shape(out.Logits)
	if s.Err() != nil {
		return out
	}
	h, w, k := dims[1], dims[2], d.common.NumKP

	out.Heatmap = s.Heatmaps(out.Logits, d.params.Temperature)
	out.Value = s.MatMul(out.Heatmap, s.Grid(h, w)) // [N, K, 2]
	if d.jacobian == nil {
		return out
	}
	out.JacobianMap = d.jacobian.Apply(s, out.Feature)
	var mean tensorflow.Output
	if d.jacobianSet == 1 {
		mean = s.MatMul(out.Heatmap, s.Reshape(out.JacobianMap, -1, h*w, 4)) // [N, K, 4]
	} else {
		maps := s.Transpose(s.Reshape(out.JacobianMap, -1, h*w, k, 4), 0, 2, 1, 3) // [N, K, h*w, 4]
		mean = s.MatMul(s.ExpandDims(out.Heatmap, 2), maps)                        // [N, K, 1, 4]
	}
	out.Jacobian = s.Reshape(mean, -1, k, 2, 2)
	return out
}

// Gaussians draws keypoints [N, K, 2] as maps [N, K, h, w]:
// exp(-|z - kp|^2 / (2 variance)) at each point z of the corner-to-corner grid.
func Gaussians(s *graph.Scope, value tensorflow.Output, h, w int, variance float64) tensorflow.Output {
	// A line and a column make a map: TensorFlow is slow on axes of two elements.
	at := s.ExpandDims(value, 2) // [N, K, 1, 2]
	x := s.Minus(s.Axis(w), s.Channels(at, 0, 1))
	y := s.Minus(s.Reshape(s.Axis(h), h, 1), s.Channels(at, 1, 2))
	return s.Exp(s.Scale(s.Add(s.Square(x), s.Square(y)), -0.5/variance))
}
