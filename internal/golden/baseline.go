package golden

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Baselines is the folder of the reference results of the other families of
// networks, part of the names that Load takes: Baselines + "monkey_vox_forward".
const Baselines = "baselines/"

// What counts as equal for the baselines.
var (
	MonkeyForward      = Rule{Tol: 3e-4, Floor: 1e-3} // monkey_*_forward, full; float32 graphs
	X2FaceForward      = Rule{Tol: 5e-5, Floor: 1e-3} // x2face_forward, full; float32 graphs
	X2FacePictures     = Rule{Tol: 6e-4, Floor: 1e-3} // of those emb_face*, prediction*
	MonkeyGradients    = Rule{Tol: 2e-3, Floor: 1e-3} // monkey_*_grads, float32
	X2FaceGradients    = Rule{Tol: 2e-3, Floor: 1e-4} // x2face_grads, float32
	BaselineTrain      = Rule{Tol: 1e-6, Floor: 1e-3} // train3: other values of the first step, float64
	MonkeyTrainDeltas  = Rule{Tol: 1e-5, Floor: 1e-3} // monkey_*_train3: delta3.*, float64
	X2FaceTrainDeltas  = Rule{Tol: 1e-5, Floor: 1e-6} // x2face_train3: delta3.*, float64
	BaselineOptimizers = Rule{Tol: 0, Floor: 1}       // *_optimizer
)

// Sample is an array of the baselines' files, in the file's order of axes: all
// of it, or 1024 of its elements.
type Sample struct {
	Name   string
	Shape  []int
	Values []float64
	// Entries are the row-major places of Values; nil where all are there.
	Entries []int
}

const sampleSize = 1024

// Sample returns the array of that name, whether it is whole or sampled.
func (f *File) Sample(name string) (Sample, error) {
	if slices.Contains(f.Names(name), name) {
		a, err := f.Array(name)
		return Sample{Name: name, Shape: a.Shape, Values: a.Data}, err
	}
	values, err := f.Array(name + "@entries")
	if err != nil {
		return Sample{}, err
	}
	shape, err := f.Array(name + "@shape")
	if err != nil {
		return Sample{}, err
	}
	s := Sample{Name: name, Values: values.Data, Entries: make([]int, sampleSize)}
	size := uint64(1)
	for _, d := range shape.Data {
		s.Shape = append(s.Shape, int(d))
		size *= uint64(d)
	}
	for i := range s.Entries {
		s.Entries[i] = int(uint64(i) * 2654435761 % size)
	}
	return s, nil
}

// SampleNames returns the names of all arrays that begin with prefix, sampled
// or whole, in the order of the file.
func (f *File) SampleNames(prefix string) []string {
	var names []string
	for _, n := range f.Names(prefix) {
		n, sampled := strings.CutSuffix(n, "@entries")
		if sampled || !strings.Contains(n, "@") {
			names = append(names, n)
		}
	}
	return names
}

// Of takes from values, all elements in the file's order of axes, those that
// the sample has.
func (s Sample) Of(values []float64) ([]float64, error) {
	size := 1
	for _, d := range s.Shape {
		size *= d
	}
	if len(values) != size {
		return nil, fmt.Errorf("%s: got %d elements, want %v", s.Name, len(values), s.Shape)
	}
	if s.Entries == nil {
		return values, nil
	}
	out := make([]float64, len(s.Entries))
	for i, at := range s.Entries {
		out[i] = values[at]
	}
	return out, nil
}

// BaselineConfig decodes a part of the baselines' config.json into v: path are
// the keys that lead to it.
func BaselineConfig(v any, path ...string) error {
	data, err := Bytes(Baselines + "config.json")
	if err != nil {
		return err
	}
	for _, key := range path {
		var section map[string]json.RawMessage
		if err := json.Unmarshal(data, &section); err != nil {
			return fmt.Errorf("config.json, %s: %w", key, err)
		}
		if data = section[key]; data == nil {
			return fmt.Errorf("config.json has no %s", strings.Join(path, "."))
		}
	}
	return json.Unmarshal(data, v)
}

// ByFormula gives the n elements of a tensor of full.npz: element i lies
// between lo and hi by the i-th value of a generator that starts from the
// tensor's name and the file's seed.
func ByFormula(name string, seed uint64, n int, lo, hi float64) []float64 {
	const step = 0x9E3779B97F4A7C15
	s := uint64(14695981039346656037)
	for _, c := range []byte(name) {
		s = (s ^ uint64(c)) * 1099511628211
	}
	s += seed * step
	values := make([]float64, n)
	for i := range values {
		z := s + uint64(i+1)*step
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		values[i] = lo + (hi-lo)*(float64(z>>40)/(1<<24))
	}
	return values
}
