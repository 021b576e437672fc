package infer

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
)

// outputs are named tensors of a graph.
type outputs = model.Tensors

// framesFrom moves encoded sources to poses: Prediction, and at its size Background
// and OcclusionMap, where there are such maps. Given the source pictures
// themselves [N, H, W, 3] (or [1, H, W, 3]) it also tells what motion alone makes
// of them.
func framesFrom(a model.Animator, s *graph.Scope, h, w int, source, pose outputs, pictures tensorflow.Output) outputs {
	decoded := a.Decode(s, source, pose)
	out := outputs{Prediction: decoded[Prediction]}
	for _, name := range []string{Background, OcclusionMap} {
		if o, ok := decoded[name]; ok {
			out[name] = s.ResizeBilinear(o, h, w)
		}
	}
	if pictures.Op != nil {
		out.Put("", outputs{Deformed: a.Deform(s, pictures, decoded)})
	}
	return out
}
