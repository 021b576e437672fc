package weights

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/prioritycut/prioritycut/internal/element"
)

// maxDims bounds a tensor's dimensions; PyTorch's own limit.
const maxDims = 64

// constructors are the functions and classes that a checkpoint may call.
var constructors = map[string]func(m *machine, args Tuple) (Value, error){
	"collections.OrderedDict":                    buildDict,
	"collections.defaultdict":                    buildDefaultDict,
	"torch.Size":                                 buildSize,
	"torch.device":                               buildDevice,
	"torch._utils._rebuild_tensor":               rebuildTensor,
	"torch._utils._rebuild_tensor_v2":            rebuildTensor,
	"torch._utils._rebuild_tensor_v3":            rebuildTypedTensor,
	"torch._utils._rebuild_parameter":            buildParameter,
	"torch._utils._rebuild_parameter_with_state": buildParameter,
	"torch._tensor._rebuild_from_type_v2":        rebuildFromType,
	"torch.nn.parameter.Parameter":               buildParameter,
	"torch.nn.parameter.Buffer":                  buildParameter,
	"_codecs.encode":                             encodeText,
	"numpy.dtype":                                buildNumpyType,
	"numpy.core.multiarray.scalar":               buildNumpyScalar,
	"numpy._core.multiarray.scalar":              buildNumpyScalar,
	"numpy.dtypes.Float32DType":                  numpyTypeOf("f4"),
	"numpy.dtypes.Float64DType":                  numpyTypeOf("f8"),
	"numpy.dtypes.Int32DType":                    numpyTypeOf("i4"),
	"numpy.dtypes.Int64DType":                    numpyTypeOf("i8"),
	"numpy.dtypes.BoolDType":                     numpyTypeOf("b1"),
}

// classes may be named but not called.
var classes = map[string]bool{
	"builtins.dict": true, "__builtin__.dict": true,
	"builtins.int": true, "__builtin__.int": true,
	"builtins.float": true, "__builtin__.float": true,
	"builtins.list": true, "__builtin__.list": true,
	"torch.storage.UntypedStorage": true, "torch.UntypedStorage": true, "torch.Tensor": true,
	"numpy.float32": true, "numpy.float64": true, "numpy.int64": true, "numpy.bool_": true,
}

// findTorch looks a name up in the list of what checkpoints may contain.
func findTorch(module, name string) (Value, error) {
	full := module + "." + name
	if build, ok := constructors[full]; ok {
		return constructor{full, build}, nil
	}
	if _, ok := elemOf(name); ok && module == "torch" {
		return Class(full), nil
	}
	if module == "torch" || module == "torch.cuda" {
		if kind, ok := strings.CutSuffix(name, "Storage"); ok {
			if _, known := storageElem(kind); known {
				return Class(full), nil
			}
		}
		if kind, ok := strings.CutSuffix(name, "Tensor"); ok && storageTypes[kind] != element.Invalid {
			return constructor{full, buildEmptyTensor}, nil
		}
	}
	if classes[full] {
		return Class(full), nil
	}
	return nil, notAllowed(module, name)
}

func buildDict(m *machine, args Tuple) (Value, error) {
	d := &Dict{}
	if len(args) == 0 {
		return d, nil
	}
	// Python 2 hands the entries over as a list of pairs.
	list, ok := args[0].(*List)
	if !ok || len(args) > 1 {
		return nil, fmt.Errorf("called with %s", kindsOf(args))
	}
	if err := m.charge(2 * len(list.items)); err != nil {
		return nil, err
	}
	for _, item := range list.items {
		var pair []Value
		switch item := item.(type) {
		case Tuple:
			pair = item
		case *List:
			pair = item.items
		}
		if len(pair) != 2 {
			return nil, fmt.Errorf("an entry is %s, no pair", aKind(item))
		}
		if err := d.set(pair[0], pair[1]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func buildDefaultDict(_ *machine, args Tuple) (Value, error) {
	if len(args) == 1 {
		if _, ok := args[0].(Class); !ok && args[0] != nil {
			return nil, fmt.Errorf("called with %s", kindsOf(args))
		}
	}
	if len(args) > 1 {
		return nil, fmt.Errorf("called with %s", kindsOf(args))
	}
	return &Dict{}, nil
}

func buildSize(_ *machine, args Tuple) (Value, error) {
	if len(args) == 1 {
		if size, ok := args[0].(Tuple); ok {
			return size, nil
		}
	}
	return nil, fmt.Errorf("called with %s", kindsOf(args))
}

func buildDevice(_ *machine, args Tuple) (Value, error) {
	if len(args) > 0 {
		if name, ok := args[0].(string); ok {
			return Class("torch.device " + name[:min(len(name), 40)]), nil
		}
	}
	return nil, fmt.Errorf("called with %s", kindsOf(args))
}

// buildParameter returns the tensor of a parameter, or an empty one whose
// state follows.
func buildParameter(m *machine, args Tuple) (Value, error) {
	if len(args) == 0 {
		return buildEmptyTensor(m, args)
	}
	if t, ok := args[0].(*Tensor); ok && len(args) <= 4 {
		return t, nil
	}
	return nil, fmt.Errorf("called with %s", kindsOf(args))
}

// rebuildFromType takes a function, a class of tensors, the function's
// arguments and attributes that somebody gave the tensor.
func rebuildFromType(m *machine, args Tuple) (Value, error) {
	if len(args) == 4 {
		rebuild, ok := args[0].(constructor)
		inner, ok2 := args[2].(Tuple)
		if ok && ok2 && args[1] == Class("torch.Tensor") && strings.HasPrefix(rebuild.name, "torch._utils._rebuild_") {
			return rebuild.build(m, inner)
		}
	}
	return nil, fmt.Errorf("called with %s", kindsOf(args))
}

func buildEmptyTensor(_ *machine, args Tuple) (Value, error) {
	if len(args) != 0 {
		return nil, fmt.Errorf("called with %s", kindsOf(args))
	}
	return &Tensor{}, nil
}

// setState fills an empty tensor of an early PyTorch: a tensor's state is
// (storage, offset, size, stride), a variable's (tensor, gradient, ...).
func (t *Tensor) setState(m *machine, state Value) error {
	parts, ok := state.(Tuple)
	if !ok || t.source != nil {
		return fmt.Errorf("a tensor gets the state of %s", aKind(state))
	}
	switch len(parts) {
	case 4:
		v, err := rebuildTensor(m, parts)
		if err != nil {
			return err
		}
		*t = *v.(*Tensor)
		return nil
	case 5:
		if data, ok := parts[0].(*Tensor); ok && data.source != nil {
			*t = *data
			return nil
		}
	}
	return fmt.Errorf("a tensor gets the state (%s)", kindsOf(parts))
}

// rebuildTensor takes (storage, offset, size, stride), then what matters to
// training only: requires_grad, hooks, metadata.
func rebuildTensor(m *machine, args Tuple) (Value, error) {
	if len(args) < 4 || len(args) > 7 {
		return nil, fmt.Errorf("called with %s", kindsOf(args))
	}
	if len(args) == 7 && !isEmpty(args[6]) {
		return nil, fmt.Errorf("tensors with metadata (conjugate or negative views) are not supported")
	}
	s, ok := args[0].(*storage)
	if !ok {
		return nil, fmt.Errorf("called with %s", kindsOf(args))
	}
	return viewOf(m, s, s.elem, args[1:4])
}

// rebuildTypedTensor is rebuildTensor for an untyped storage; the element
// type is the seventh argument.
func rebuildTypedTensor(m *machine, args Tuple) (Value, error) {
	if len(args) < 7 || len(args) > 8 || len(args) == 8 && !isEmpty(args[7]) {
		return nil, fmt.Errorf("called with %s", kindsOf(args))
	}
	s, ok := args[0].(*storage)
	class, ok2 := args[6].(Class)
	kind, ok3 := elemOf(strings.TrimPrefix(string(class), "torch."))
	if !ok || !ok2 || !ok3 {
		return nil, fmt.Errorf("called with %s", kindsOf(args))
	}
	return viewOf(m, s, kind, args[1:4])
}

// viewOf checks offset, size and stride, counted in elements, and makes the
// tensor.
func viewOf(m *machine, s *storage, kind elem, place []Value) (Value, error) {
	offset, ok := integer(place[0])
	if !ok {
		return nil, fmt.Errorf("the storage offset is %s", aKind(place[0]))
	}
	shape, err := dimensions("size", place[1])
	if err != nil {
		return nil, err
	}
	stride, err := dimensions("stride", place[2])
	if err != nil {
		return nil, err
	}
	if err := m.charge(4 * (len(shape) + 4)); err != nil {
		return nil, err
	}
	v := &view{storage: s, itemSize: kind.size, offset: offset, shape: shape, stride: stride}
	if err := v.check(); err != nil {
		return nil, err
	}
	return &Tensor{dtype: kind.dtype, foreign: kind.foreign, shape: shape, source: v}, nil
}

func dimensions(what string, v Value) ([]int64, error) {
	t, ok := v.(Tuple)
	if !ok || len(t) > maxDims {
		return nil, fmt.Errorf("a tensor's %s is %s or has more than %d dimensions", what, aKind(v), maxDims)
	}
	dims := make([]int64, len(t))
	for i, d := range t {
		dims[i], ok = integer(d)
		_, huge := d.(*big.Int)
		switch {
		case huge:
			return nil, fmt.Errorf("dimension %d of a tensor's %s is beyond 64 bits", i, what)
		case !ok:
			return nil, fmt.Errorf("dimension %d of a tensor's %s is %s, no whole number", i, what, aKind(d))
		case dims[i] < 0:
			return nil, fmt.Errorf("dimension %d of a tensor's %s is negative, %d", i, what, dims[i])
		}
	}
	return dims, nil
}

// isEmpty reports whether v is None or an empty dictionary.
func isEmpty(v Value) bool {
	d, ok := v.(*Dict)
	return v == nil || ok && d.Len() == 0
}

// kindsOf names the kinds of the first arguments.
func kindsOf(args Tuple) string {
	const most = 9
	var kinds []string
	for _, a := range args[:min(len(args), most)] {
		kinds = append(kinds, kindOf(a))
	}
	if len(args) > most {
		kinds = append(kinds, "...")
	}
	return "arguments " + strings.Join(kinds, ", ")
}
