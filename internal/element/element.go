// Package element names the element types of stored arrays and converts
// little-endian bytes to Go numbers. It is shared by the readers and writers
// of weight files, so that a type has one name and one conversion.
package element

import "fmt"

// Type is the type of one element of an array.
type Type uint8

// The element types. BF16 is the upper half of a float32; Bool takes a byte,
// zero for false.
const (
	Invalid Type = iota
	Bool
	U8
	I8
	U16
	I16
	F16
	BF16
	U32
	I32
	F32
	U64
	I64
	F64
)

var types = [...]struct {
	name string
	size int
}{
	Invalid: {"invalid", 0},
	Bool:    {"BOOL", 1},
	U8:      {"U8", 1},
	I8:      {"I8", 1},
	U16:     {"U16", 2},
	I16:     {"I16", 2},
	F16:     {"F16", 2},
	BF16:    {"BF16", 2},
	U32:     {"U32", 4},
	I32:     {"I32", 4},
	F32:     {"F32", 4},
	U64:     {"U64", 8},
	I64:     {"I64", 8},
	F64:     {"F64", 8},
}

// Parse returns the type of that name ("F32", "BOOL", ...), the names that
// safetensors files use.
func Parse(name string) (Type, error) {
	for t, d := range types {
		if Type(t) != Invalid && d.name == name {
			return Type(t), nil
		}
	}
	return Invalid, fmt.Errorf("element type %.40q is not supported", name)
}

// Valid reports whether t is one of the named types.
func (t Type) Valid() bool { return t > Invalid && int(t) < len(types) }

// String returns the type's name, as in safetensors files.
func (t Type) String() string {
	if !t.Valid() {
		return types[Invalid].name
	}
	return types[t].name
}

// Size returns the bytes that one element takes, 0 for an invalid type.
func (t Type) Size() int {
	if !t.Valid() {
		return 0
	}
	return types[t].size
}

// IsFloat reports whether t is a floating-point type.
func (t Type) IsFloat() bool { return t == F16 || t == BF16 || t == F32 || t == F64 }

// maxElements keeps products of dimensions and element sizes inside an int64
// and an int on every platform that the project builds for.
const maxElements = int64(1) << 56

// Count returns the number of elements of a shape. It is an error when a
// dimension is negative or the product is beyond what any file can hold.
func Count(shape []int64) (int64, error) {
	n := int64(1)
	empty := false
	for _, d := range shape {
		switch {
		case d < 0:
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		case d == 0:
			empty = true
		case n > maxElements/d:
			return 0, fmt.Errorf("shape %v has too many elements", shape)
		default:
			n *= d
		}
	}
	if empty {
		return 0, nil
	}
	return n, nil
}

// Bytes returns the number of bytes that an array of this type and shape
// takes.
func (t Type) Bytes(shape []int64) (int64, error) {
	if !t.Valid() {
		return 0, fmt.Errorf("the element type is invalid")
	}
	n, err := Count(shape)
	if err != nil {
		return 0, err
	}
	return n * int64(t.Size()), nil
}
