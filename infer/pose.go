package infer

import (
	"fmt"
	"math"
	"sort"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
)

// Pose is what a model sees in N pictures and moves a source by: named tensors
// whose meaning is the family's, such as keypoints (Value, Jacobian, Variance).
type Pose struct {
	N     int
	Parts map[string]Part
}

// Part is a tensor of a pose, float32 [N, Dims...].
type Part struct {
	Dims   []int64
	Values []float32
}

// size is how many values belong to one picture.
func (p Part) size() int {
	n := 1
	for _, d := range p.Dims {
		n *= int(d)
	}
	return n
}

// At returns the pose of one picture.
func (p Pose) At(i int) Pose {
	one := Pose{N: 1, Parts: make(map[string]Part, len(p.Parts))}
	for name, part := range p.Parts {
		n := part.size()
		one.Parts[name] = Part{Dims: part.Dims, Values: part.Values[i*n : (i+1)*n]}
	}
	return one
}

// Keypoints are those of a pose; ok is false where the model has none.
func (p Pose) Keypoints() (kp Keypoints, ok bool) {
	value, ok := p.Parts[Value]
	if !ok || len(value.Dims) != 2 {
		return Keypoints{}, false
	}
	return Keypoints{N: p.N, K: int(value.Dims[0]), Value: value.Values, Jacobian: p.Parts[Jacobian].Values, Variance: p.Parts[Variance].Values}, true
}

// Points are the positions of the keypoints of one picture, none where the model
// has no keypoints.
func (p Pose) Points(i int) [][2]float64 {
	kp, ok := p.Keypoints()
	if !ok {
		return nil
	}
	return kp.Points(i)
}

// Relative moves source (one picture) as each of the poses has moved since
// initial (one picture): Keypoints.Relative. Poses without keypoints cannot be
// related.
func (p Pose) Relative(source, initial Pose, r Relation) (Pose, error) {
	driving, ok := p.Keypoints()
	from, okSource := source.Keypoints()
	since, okInitial := initial.Keypoints()
	if !ok || !okSource || !okInitial {
		return Pose{}, fmt.Errorf("the model has no keypoints, so that there is no relative motion: move absolutely")
	}
	moved, err := driving.Relative(from, since, r)
	if err != nil {
		return Pose{}, err
	}
	out := Pose{N: p.N, Parts: make(map[string]Part, len(p.Parts))}
	for name, part := range p.Parts {
		switch name {
		case Value:
			part.Values = moved.Value
		case Jacobian:
			part.Values = moved.Jacobian
		case Variance:
			part.Values = moved.Variance
		}
		out.Parts[name] = part
	}
	return out, nil
}

// poseOf reads the pose of n pictures from tensors by the names of its parts.
func poseOf(n int, tensors map[string]*tensorflow.Tensor) (Pose, error) {
	p := Pose{N: n, Parts: make(map[string]Part, len(tensors))}
	for name, t := range tensors {
		values, err := tf.Values[float32](t)
		if err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		shape := t.Shape()
		if len(shape) == 0 || shape[0] != int64(n) {
			return p, fmt.Errorf("%s: a tensor of %v is no pose of %d pictures", name, shape, n)
		}
		for _, v := range values {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return p, fmt.Errorf("the model finds keypoints that are not finite: its weights are damaged or diverged in training")
			}
		}
		p.Parts[name] = Part{Dims: shape[1:], Values: values}
	}
	return p, nil
}

// tensors are the parts as tensors.
func (p Pose) tensors() (map[string]*tensorflow.Tensor, error) {
	out := make(map[string]*tensorflow.Tensor, len(p.Parts))
	for name, part := range p.Parts {
		t, err := tf.NewTensor(part.Values, append([]int64{int64(p.N)}, part.Dims...)...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = t
	}
	return out, nil
}

// sorted lists the keys of a map in their order.
func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
