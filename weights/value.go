package weights

import (
	"fmt"
	"math/big"
	"strings"
)

// Value is something that a checkpoint holds: nil, bool, int64, *big.Int (only
// beyond int64), float64, string, []byte, Class, *Tensor, Tuple, *List or
// *Dict. What has no meaning of its own, such as a storage without a tensor, is
// of an unexported kind. Values may be shared.
type Value any

// Tuple is a Python tuple.
type Tuple []Value

// List is a Python list.
type List struct{ items []Value }

// Len returns the number of items.
func (l *List) Len() int { return len(l.items) }

// At returns item i, counted from 0.
func (l *List) At(i int) Value { return l.items[i] }

// Class is the name of a Python object that stands for itself, such as
// "torch.float32".
type Class string

// Dict is a Python dictionary; it keeps the order of its keys. Keys are nil,
// bool, int64, float64 or string.
type Dict struct {
	entries []entry
	index   map[Value]int
}

type entry struct{ key, value Value }

// Len returns the number of entries.
func (d *Dict) Len() int { return len(d.entries) }

// At returns entry i in the order of insertion, counted from 0.
func (d *Dict) At(i int) (key, value Value) {
	return d.entries[i].key, d.entries[i].value
}

// Get returns the value of a key.
func (d *Dict) Get(key Value) (Value, bool) {
	if !hashable(key) {
		return nil, false
	}
	i, ok := d.index[key]
	if !ok {
		return nil, false
	}
	return d.entries[i].value, true
}

// set adds an entry or replaces its value, as Python does.
func (d *Dict) set(key, value Value) error {
	if !hashable(key) {
		return fmt.Errorf("a dictionary has a key of kind %s", kindOf(key))
	}
	// A longer one could name no tensor, and looking it up takes its length.
	if text, ok := key.(string); ok && len(text) > maxName {
		return fmt.Errorf("the key %.80q... has more than %d bytes", text, maxName)
	}
	if i, ok := d.index[key]; ok {
		d.entries[i].value = value
		return nil
	}
	if d.index == nil {
		d.index = map[Value]int{}
	}
	d.index[key] = len(d.entries)
	d.entries = append(d.entries, entry{key, value})
	return nil
}

func hashable(key Value) bool {
	switch k := key.(type) {
	case nil, bool, int64, string:
		return true
	case float64:
		return k == k // NaN would never be found again
	}
	return false
}

// kindOf names a value's kind without printing the value, which may be endless.
func kindOf(v Value) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []byte:
		return "bytes"
	case Class:
		return string(v)
	case *Tensor:
		return "tensor"
	case Tuple:
		return "tuple"
	case *List:
		return "list"
	case *Dict:
		return "dict"
	case *storage:
		return "storage"
	case constructor:
		return v.name
	}
	return "unknown"
}

// aKind is kindOf with its article, for sentences.
func aKind(v Value) string {
	kind := kindOf(v)
	switch v.(type) {
	case nil:
		return kind
	case []byte:
		return kind
	case Class:
		return "the class " + kind
	}
	if strings.ContainsAny(kind[:1], "aeiou") {
		return "an " + kind
	}
	return "a " + kind
}

// integer returns v as an int64 if it is a Python int (or bool).
func integer(v Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// number returns v as a float64 if it is a Python int or float.
func number(v Value) (float64, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	i, ok := integer(v)
	return float64(i), ok
}
