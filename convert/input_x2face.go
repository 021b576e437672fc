package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/model/x2face"
	"github.com/prioritycut/prioritycut/weights"
)

// X2Face's files hold both networks in one state dict, and one optimiser.

// x2faceNetworks begin the names of its tensors.
var x2faceNetworks = []string{x2face.EmbeddingScope, x2face.DrivingScope}

// x2faceOptimizer is the key of its optimiser's state.
const x2faceOptimizer = "optimizer"

// isX2Face reports whether tensors are X2Face's.
func isX2Face(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, _, ok := cutX2Face(name)
		return ok
	})
}

// cutX2Face divides a name into what stands before the network's or its
// optimiser's, and the rest.
func cutX2Face(name string) (before, own string, ok bool) {
	parts := strings.Split(name, ".")
	for i, part := range parts[:len(parts)-1] {
		if slices.Contains(x2faceNetworks, strings.TrimPrefix(part, optimizerPrefix)) {
			return strings.Join(parts[:i], "."), strings.Join(parts[i:], "."), true
		}
	}
	return "", "", false
}

// liftX2Face takes off what stands before the networks' names, and finds the
// optimiser.
func (in *input) liftX2Face(root weights.Value) error {
	var lifted []string
	view, err := in.Renamed(func(name string) (string, bool) {
		before, own, ok := cutX2Face(name)
		if !ok {
			if first, _, _ := strings.Cut(name, "."); first != x2faceOptimizer {
				in.aside = append(in.aside, name)
			}
			return "", false
		}
		if before != "" && !slices.Contains(lifted, before) {
			lifted = append(lifted, before)
		}
		return own, true
	})
	if err != nil {
		return err
	}
	in.StateDict = view
	for _, before := range lifted {
		in.notes = append(in.notes, before+". was taken off the names")
	}
	if state := findAdam(root, x2faceOptimizer, 4); state != nil {
		in.adam[generator] = state
	}
	return nil
}

// x2faceSizes are settings that describe the networks of a file; nil where it
// does not tell.
func x2faceSizes(s *input) []string {
	first := func(name string) int64 {
		if t, ok := s.Tensor(name); ok && len(t.Shape()) == 4 {
			return t.Shape()[0]
		}
		return 0
	}
	at, levels := x2face.EmbeddingScope+".netG.model", 1
	inner := x2face.DrivingScope + ".netG.model"
	expansion, widest := first(at+".down.0.weight"), first(at+".down.0.weight")
	for {
		deeper := first(at + ".submodule.down.1.weight")
		if deeper == 0 {
			break
		}
		at, inner, levels = at+".submodule", inner+".submodule", levels+1
		widest = max(widest, deeper)
	}
	code := first(inner + ".down.1.weight")
	if expansion == 0 || code == 0 || levels < 3 || levels > 12 {
		return nil
	}
	side := 1 << levels
	return []string{
		fmt.Sprintf("x2face_params.num_levels=%d", levels), fmt.Sprintf("x2face_params.block_expansion=%d", expansion),
		fmt.Sprintf("x2face_params.max_features=%d", widest), fmt.Sprintf("x2face_params.inner_features=%d", code),
		fmt.Sprintf("dataset_params.frame_shape=[%d, %d, 3]", side, side),
	}
}
