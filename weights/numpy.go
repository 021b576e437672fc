package weights

import (
	"fmt"

	"github.com/prioritycut/prioritycut/internal/element"
)

// Scalars of numpy occur in checkpoints as epochs and best losses. They
// become plain numbers.

// numpyType is a numpy.dtype.
type numpyType struct {
	dtype     DType
	bigEndian bool
}

var numpyTypes = map[string]DType{
	"b1": element.Bool,
	"i1": element.I8, "u1": element.U8,
	"i2": element.I16, "u2": element.U16, "f2": element.F16,
	"i4": element.I32, "u4": element.U32, "f4": element.F32,
	"i8": element.I64, "u8": element.U64, "f8": element.F64,
}

func buildNumpyType(_ *machine, args Tuple) (Value, error) {
	if len(args) > 0 && len(args) <= 3 {
		if name, ok := args[0].(string); ok && numpyTypes[name] != element.Invalid {
			return &numpyType{dtype: numpyTypes[name]}, nil
		}
	}
	return nil, fmt.Errorf("called with %s", kindsOf(args))
}

func numpyTypeOf(name string) func(*machine, Tuple) (Value, error) {
	return func(*machine, Tuple) (Value, error) {
		return &numpyType{dtype: numpyTypes[name]}, nil
	}
}

// setState takes (version, byte order, ...).
func (t *numpyType) setState(state Value) error {
	parts, ok := state.(Tuple)
	if ok && len(parts) >= 2 {
		switch parts[1] {
		case "<", "|":
			return nil
		case ">":
			t.bigEndian = true
			return nil
		}
	}
	return fmt.Errorf("a numpy.dtype gets an unknown state")
}

// buildNumpyScalar takes the type and the number's bytes.
func buildNumpyScalar(_ *machine, args Tuple) (Value, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("called with %s", kindsOf(args))
	}
	t, ok := args[0].(*numpyType)
	raw, ok2 := args[1].([]byte)
	if s, isText := args[1].(string); isText {
		raw, ok2 = []byte(s[:min(len(s), 9)]), true
	}
	if !ok || !ok2 || len(raw) != t.dtype.Size() {
		return nil, fmt.Errorf("called with %s", kindsOf(args))
	}
	raw = append([]byte{}, raw...)
	if t.bigEndian {
		element.Swap(t.dtype, raw)
	}
	if t.dtype.IsFloat() {
		v, err := element.Float64s(t.dtype, raw)
		if err != nil {
			return nil, err
		}
		return v[0], nil
	}
	v, err := element.Int64s(t.dtype, raw)
	if err != nil {
		return nil, err
	}
	if t.dtype == element.Bool {
		return v[0] != 0, nil
	}
	return v[0], nil
}

// encodeText is how protocol 2 writes bytes: as a str of Latin-1 letters.
func encodeText(m *machine, args Tuple) (Value, error) {
	if len(args) < 1 || len(args) > 2 {
		return nil, fmt.Errorf("called with %s", kindsOf(args))
	}
	s, ok := args[0].(string)
	if !ok || len(args) == 2 && args[1] != "latin1" && args[1] != "latin-1" {
		return nil, fmt.Errorf("called with %s", kindsOf(args))
	}
	if err := m.charge(len(s)); err != nil {
		return nil, err
	}
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 255 {
			return nil, fmt.Errorf("the text is not Latin-1")
		}
		raw = append(raw, byte(r))
	}
	return raw, nil
}
