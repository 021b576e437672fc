package infer

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model/fomm"
)

// outputs are named tensors of a graph.
type outputs map[string]tensorflow.Output

// family is FOMM as inference sees it: a pose is keypoints, perhaps with
// Jacobians; of a source the shrunken picture and the generator's features are
// kept. Scopes are in inference mode.
type family struct{ *fomm.Animator }

// encode computes what depends on the source pictures [N, H, W, 3] alone.
func (f family) encode(s *graph.Scope, source tensorflow.Output) outputs {
	kp := f.KPDetector.Detect(s.At("kp_source"), source).Keypoints
	e := f.Generator.Encode(s, source)
	out := outputs{Small: e.Small, Features: e.Features, KPSourceValue: kp.Value}
	if kp.Jacobian.Op != nil {
		out[KPSourceJacobian] = kp.Jacobian
	}
	return out
}

// pose is what moves a source as in pictures [N, H, W, 3].
func (f family) pose(s *graph.Scope, pictures tensorflow.Output) outputs {
	return partsOf(f.KPDetector.Detect(s, pictures).Keypoints)
}

// relate moves the source's pose as driving has moved since initial.
func (f family) relate(s *graph.Scope, source, driving, initial outputs, jacobian bool) outputs {
	from := fomm.Keypoints{Value: source[KPSourceValue], Jacobian: source[KPSourceJacobian]}
	return partsOf(fomm.Relative(s, from, keypointsOf(driving), keypointsOf(initial), tensorflow.Output{}, jacobian))
}

// spread repeats one encoded source for each of the poses. Keypoints need not be
// repeated: they are only added and multiplied.
func (f family) spread(s *graph.Scope, source, pose outputs) outputs {
	out := outputs{}
	for name, o := range source {
		out[name] = o
	}
	repeat := repeater(s, pose[Value])
	out[Small], out[Features] = repeat(source[Small]), repeat(source[Features])
	return out
}

// repeater returns a function that repeats maps [1, h, w, C] as often as there
// are keypoints [N, K, 2]: zeros [N, 1, 1, 1] are added.
func repeater(s *graph.Scope, value tensorflow.Output) func(tensorflow.Output) tensorflow.Output {
	zeros := s.Scale(s.ExpandDims(s.Slice(value, []int{0, 0, 0}, []int{-1, 1, 1}), 3), 0)
	return func(x tensorflow.Output) tensorflow.Output { return s.Add(x, zeros) }
}

// decode moves encoded sources to poses: Prediction, and at its size Background
// and OcclusionMap, where there is one. Given the source pictures themselves
// [N, H, W, 3] (or [1, H, W, 3]) it also tells what motion alone makes of them.
func (f family) decode(s *graph.Scope, h, w int, source, pose outputs, pictures tensorflow.Output) outputs {
	e := fomm.Encoded{Small: source[Small], Features: source[Features]}
	from := fomm.Keypoints{Value: source[KPSourceValue], Jacobian: source[KPSourceJacobian]}
	g := f.Generator.Decode(s, e, from, keypointsOf(pose))
	out := outputs{Prediction: g.Prediction, Background: s.ResizeBilinear(g.Background(s), h, w)}
	if g.OcclusionMap.Op != nil {
		out[OcclusionMap] = s.ResizeBilinear(g.OcclusionMap, h, w)
	}
	if pictures.Op != nil {
		out[Deformed] = f.Generator.Deformed(s, repeater(s, pose[Value])(pictures), g.Motion)
	}
	return out
}

// keypointsOf are the keypoints of a pose.
func keypointsOf(pose outputs) fomm.Keypoints {
	return fomm.Keypoints{Value: pose[Value], Jacobian: pose[Jacobian]}
}

// partsOf is keypointsOf backwards.
func partsOf(kp fomm.Keypoints) outputs {
	if kp.Jacobian.Op == nil {
		return outputs{Value: kp.Value}
	}
	return outputs{Value: kp.Value, Jacobian: kp.Jacobian}
}
