package savedmodel

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/tf"
)

// Model is a loaded SavedModel. Its methods may be called from several
// goroutines.
type Model struct {
	// Dir is the folder that was loaded, a version's where there are several.
	Dir string

	session    *tf.Session
	signatures map[string]SignatureDef
	feeds      map[string]tensorflow.Output // by tensor name
	unusable   map[string]error             // signatures that Call refuses
}

// Open loads the SavedModel in a folder, or the newest version in a
// folder of numbered versions: the graph tagged "serve" and its variables. The
// caller closes it.
//
// The file is read and checked in Go first: tags, sizes that TensorFlow would
// die of, weights that are no numbers, and what its operations may do. Those of
// the graph, its functions and its initialisation are compared with a list of
// such as only compute; a model with others is refused, unless the configuration
// trusts it. What was checked is what is loaded: TensorFlow does not read the
// file again, and reads nothing but the folder of variables.
func Open(dir string, config tf.SessionConfig) (*Model, error) {
	m, err := openModel(dir, config)
	if err != nil {
		return nil, fmt.Errorf("SavedModel %s: %w", dir, err)
	}
	return m, nil
}

// Check refuses what Open refuses of a model's file, without loading anything.
func Check(path string, trusted bool) error {
	dir, err := Dir(path)
	if err == nil {
		_, err = readMetaGraph(dir, trusted)
	}
	if err != nil {
		return fmt.Errorf("SavedModel %s: %w", path, err)
	}
	return nil
}

func openModel(path string, config tf.SessionConfig) (*Model, error) {
	dir, err := Dir(path)
	if err != nil {
		return nil, err
	}
	meta, err := readMetaGraph(dir, config.TrustSavedModel)
	if err != nil {
		return nil, err
	}
	m := &Model{Dir: dir}
	var graph *tensorflow.Graph
	if config.TrustSavedModel {
		graph, m.session, err = tf.LoadSavedModel(dir, []string{ServeTag}, config)
	} else {
		graph, m.session, err = loadChecked(dir, meta, config)
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	m.bind(graph, meta)
	return m, nil
}

// bind finds the tensors of all signatures in the graph. What is wrong with a
// signature is an error of its calls: the others work.
func (m *Model) bind(graph *tensorflow.Graph, meta *pb.MetaGraphDef) {
	m.signatures, m.unusable = map[string]SignatureDef{}, map[string]error{}
	m.feeds = map[string]tensorflow.Output{}
	for name, p := range meta.GetSignatureDef() {
		if strings.HasPrefix(name, "__") && len(p.GetInputs()) == 0 {
			continue // TensorFlow's own: __saved_model_init_op
		}
		s, err := signatureOf(name, p)
		for _, specs := range []map[string]TensorSpec{s.Inputs, s.Outputs} {
			for _, key := range sortedKeys(specs) {
				if err == nil {
					specs[key], err = m.bindTensor(graph, specs[key])
				}
			}
		}
		m.signatures[name] = s
		if err != nil {
			m.unusable[name] = err
		}
	}
}

// bindTensor finds a tensor in the graph and returns its spec with the sizes
// that only the graph knows: an operation that gets what it was not built for
// may end the process.
func (m *Model) bindTensor(graph *tensorflow.Graph, spec TensorSpec) (TensorSpec, error) {
	name, index, err := outputOf(spec.Tensor)
	if err != nil {
		return spec, err
	}
	op := graph.Operation(name)
	if op == nil || index >= op.NumOutputs() {
		return spec, fmt.Errorf("the graph has no tensor %q", spec.Tensor)
	}
	o := op.Output(index)
	if o.DataType() != spec.DType {
		return spec, fmt.Errorf("tensor %q is %s, its signature says %s", spec.Tensor, tf.TypeName(o.DataType()), tf.TypeName(spec.DType))
	}
	shape, ok := mergeShapes(spec.Shape, SpecOf(o).Shape)
	if !ok {
		return spec, fmt.Errorf("tensor %q is %v, its signature says %v", spec.Tensor, SpecOf(o), spec)
	}
	spec.Shape = shape
	m.feeds[spec.Tensor] = o
	return spec, nil
}

// mergeShapes returns what both shapes say together; false when they disagree.
func mergeShapes(a, b []int64) ([]int64, bool) {
	if a == nil {
		return b, true
	}
	if b == nil {
		return a, true
	}
	if len(a) != len(b) {
		return nil, false
	}
	merged := slices.Clone(a)
	for i, d := range b {
		if merged[i] >= 0 && d >= 0 && merged[i] != d {
			return nil, false
		}
		merged[i] = max(merged[i], d)
	}
	return merged, true
}

// Signatures returns the functions of the model by name.
func (m *Model) Signatures() map[string]SignatureDef { return maps.Clone(m.signatures) }

// Devices returns what the model can run on.
func (m *Model) Devices() []tensorflow.Device { return m.session.Devices() }

// Call runs a signature on named tensors and returns its outputs by name. It is
// an error when a name is unknown or missing, or when a tensor's type, rank or a
// size that the signature fixes is another.
func (m *Model) Call(signature string, inputs map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
	return m.CallFor(signature, inputs)
}

// CallFor is Call that computes and returns only the named outputs; all
// without names.
func (m *Model) CallFor(signature string, inputs map[string]*tensorflow.Tensor, outputs ...string) (map[string]*tensorflow.Tensor, error) {
	results, err := m.call(signature, inputs, outputs)
	if err != nil {
		return nil, fmt.Errorf("signature %q: %w", signature, err)
	}
	return results, nil
}

func (m *Model) call(signature string, inputs map[string]*tensorflow.Tensor, outputs []string) (map[string]*tensorflow.Tensor, error) {
	s, ok := m.signatures[signature]
	if !ok {
		return nil, fmt.Errorf("the model has none of this name; it has %s", orNone(strings.Join(sortedKeys(m.signatures), ", ")))
	}
	if err := m.unusable[signature]; err != nil {
		return nil, err
	}
	if err := s.Check(inputs); err != nil {
		return nil, err
	}
	if len(outputs) == 0 {
		outputs = sortedKeys(s.Outputs)
	}
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	for key, t := range inputs {
		feeds[m.feeds[s.Inputs[key].Tensor]] = t
	}
	fetches := make([]tensorflow.Output, len(outputs))
	for i, key := range outputs {
		spec, ok := s.Outputs[key]
		if !ok {
			return nil, fmt.Errorf("it has no output %q; it has %s", key, strings.Join(sortedKeys(s.Outputs), ", "))
		}
		fetches[i] = m.feeds[spec.Tensor]
	}
	values, err := m.session.Run(feeds, fetches, nil)
	if err != nil {
		return nil, err
	}
	results := map[string]*tensorflow.Tensor{}
	for i, key := range outputs {
		results[key] = values[i]
	}
	return results, nil
}

// Check reports inputs that the signature does not take.
func (s SignatureDef) Check(inputs map[string]*tensorflow.Tensor) error {
	for _, key := range sortedKeys(inputs) {
		if _, ok := s.Inputs[key]; !ok {
			return fmt.Errorf("it has no input %q; it has %s", key, orNone(strings.Join(sortedKeys(s.Inputs), ", ")))
		}
	}
	for _, key := range sortedKeys(s.Inputs) {
		t, ok := inputs[key]
		if !ok || t == nil {
			return fmt.Errorf("input %q, %v, is missing", key, s.Inputs[key])
		}
		if !s.Inputs[key].fits(t) {
			given := TensorSpec{DType: t.DataType(), Shape: append([]int64{}, t.Shape()...)}
			return fmt.Errorf("input %q is %v, want %v", key, given, s.Inputs[key])
		}
	}
	return nil
}

// fits reports whether a tensor is as the spec says.
func (s TensorSpec) fits(t *tensorflow.Tensor) bool {
	shape := t.Shape()
	if t.DataType() != s.DType || (s.Shape != nil && len(shape) != len(s.Shape)) {
		return false
	}
	for i, d := range s.Shape {
		if d >= 0 && shape[i] != d {
			return false
		}
	}
	return true
}

// maxExtraBytes bounds a file beside the model.
const maxExtraBytes = 64 << 20

// Extra reads a file that lies beside the model, under assets.extra; an error
// that is fs.ErrNotExist says that there is none. It is at most 64 MiB.
func (m *Model) Extra(name string) ([]byte, error) { return Extra(m.Dir, name) }

// Extra is Model.Extra of the SavedModel that a path names, without loading
// it.
func Extra(path, name string) ([]byte, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, fmt.Errorf("%q is not the name of a file", name)
	}
	dir, err := Dir(path)
	if err != nil {
		return nil, fmt.Errorf("SavedModel %s: %w", path, err)
	}
	return localfile.Read(filepath.Join(dir, extraDir, filepath.FromSlash(name)), maxExtraBytes)
}

// Close waits for calls in flight and frees the model. Closing twice is fine.
func (m *Model) Close() error {
	if m == nil || m.session == nil {
		return nil
	}
	return m.session.Close()
}
