package weights

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxDepth = 32   // of nested dictionaries, lists and tuples
	maxName  = 1024 // bytes of a flattened name
	maxNodes = 1 << 20
)

// StateDict is an open weight file: tensors by name, in the order of the
// file, and the tree that they come from.
type StateDict struct {
	format  Format
	meta    map[string]string
	root    Value
	closer  io.Closer
	names   []string
	tensors map[string]*Tensor
	// unchecked: see Checked.
	unchecked bool
}

// Format returns the file's format.
func (s *StateDict) Format() Format { return s.format }

// Checked is false for an archive of PyTorch's that was written without
// checksums (torch.serialization.set_crc32_options): damage would not be seen.
// Formats that know none are as good as their readers can tell.
func (s *StateDict) Checked() bool { return !s.unchecked }

// Meta returns the metadata of a safetensors file, nil for other formats.
func (s *StateDict) Meta() map[string]string { return s.meta }

// Root returns the tree of everything that the file holds: a *Dict, or a
// *List or Tuple if that is what was saved.
func (s *StateDict) Root() Value { return s.root }

// Names returns the tensors' names. Keys of nested dictionaries and indices of
// lists are joined by dots: "kp_detector.kp.weight",
// "optimizer_generator.state.0.exp_avg".
func (s *StateDict) Names() []string { return append([]string{}, s.names...) }

// Tensor returns the named tensor, if there is one.
func (s *StateDict) Tensor(name string) (*Tensor, bool) {
	t, ok := s.tensors[name]
	return t, ok
}

// Sub returns the tensors whose names begin with prefix and a dot, without
// both. Its Root is the dictionary of that name where there is one, else nil.
// It has no tensors if no name begins so. Closing is up to s.
func (s *StateDict) Sub(prefix string) *StateDict {
	sub := &StateDict{format: s.format, meta: s.meta, tensors: map[string]*Tensor{}}
	if d, ok := s.root.(*Dict); ok {
		sub.root, _ = d.Get(prefix)
	}
	for _, name := range s.names {
		if rest, ok := strings.CutPrefix(name, prefix+"."); ok {
			sub.names = append(sub.names, rest)
			sub.tensors[rest] = s.tensors[name]
		}
	}
	return sub
}

// Close closes the file. Tensors cannot be read any more.
func (s *StateDict) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}

// flatten names every tensor below root; size is the file's.
func (s *StateDict) flatten(root Value, size int64) error {
	s.root = root
	s.tensors = map[string]*Tensor{}
	w := walker{dict: s, nodes: maxNodes, bytes: maxExpanded + 4*size, letters: maxName + 16*size}
	if s.format == NPZ {
		w.bytes = 1 << 62 // compressed: the reader has bounds of its own
	}
	if _, ok := root.(*Tensor); ok {
		return fmt.Errorf("the file is one tensor without a name; save a dictionary")
	}
	return w.walk("", root, 0)
}

// walker visits a tree whose values may be shared, and, in a forged file,
// contain themselves; what it may visit and collect is bounded.
type walker struct {
	dict    *StateDict
	nodes   int
	bytes   int64 // of the tensors' elements
	letters int64 // of their names
}

func (w *walker) walk(name string, v Value, depth int) error {
	if w.nodes--; w.nodes < 0 || depth > maxDepth {
		return fmt.Errorf("the structure at %.80q is nested too deeply or too large", name)
	}
	switch v := v.(type) {
	case *Tensor:
		return w.add(name, v)
	case *Dict:
		for _, e := range v.entries {
			key, ok := keyText(e.key)
			if !ok {
				return fmt.Errorf("a key at %.80q is %s", name, aKind(e.key))
			}
			if err := w.walkChild(name, key, e.value, depth); err != nil {
				return err
			}
		}
	case *List:
		return w.walkItems(name, v.items, depth)
	case Tuple:
		return w.walkItems(name, v, depth)
	}
	return nil
}

func (w *walker) walkItems(name string, items []Value, depth int) error {
	for i, item := range items {
		if err := w.walkChild(name, strconv.Itoa(i), item, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) walkChild(parent, key string, v Value, depth int) error {
	if len(parent)+1+len(key) > maxName {
		return fmt.Errorf("the name %.80q... has more than %d bytes", parent+"."+key[:min(len(key), 80)], maxName)
	}
	if parent != "" {
		key = parent + "." + key
	}
	return w.walk(key, v, depth+1)
}

func keyText(key Value) (string, bool) {
	switch k := key.(type) {
	case string:
		return k, true
	case int64:
		return strconv.FormatInt(k, 10), true
	case bool:
		return strconv.FormatBool(k), true
	case float64:
		return strconv.FormatFloat(k, 'g', -1, 64), true
	case nil:
		return "None", true
	}
	return "", false
}

func (w *walker) add(name string, t *Tensor) error {
	if t.source == nil {
		return fmt.Errorf("the parameter %.80q has no data", name)
	}
	if _, twice := w.dict.tensors[name]; twice {
		return fmt.Errorf("two tensors are named %.80q", name)
	}
	w.bytes -= t.Len() * int64(t.dtype.Size())
	w.letters -= int64(len(name))
	if w.bytes < 0 || w.letters < 0 {
		return fmt.Errorf("the tensors up to %.80q take far more than the file has", name)
	}
	w.dict.names = append(w.dict.names, name)
	w.dict.tensors[name] = t
	return nil
}
