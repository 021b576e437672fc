// Package safetensors reads and writes files of named tensors in the
// safetensors format: eight bytes that hold the length of a JSON header, the
// header, and the tensors' bytes one after another.
//
// # Hostile input
//
// A header is read only when the file is long enough for it and it has at
// most MaxHeader bytes. It may hold what the format defines and nothing else,
// so it cannot nest. Names may not repeat; tensors must lie within the file,
// one behind the other without gap or overlap, and each must have exactly the
// bytes that its shape takes. Tensors of element types that are not read (8-bit
// floats and smaller, complex numbers) may lie beside the others and are
// refused when they are asked for.
package safetensors

import (
	"github.com/prioritycut/prioritycut/internal/element"
)

// DType is a tensor's element type.
type DType = element.Type

// The element types that are read and written. Bool takes one byte.
const (
	Bool = element.Bool
	U8   = element.U8
	I8   = element.I8
	U16  = element.U16
	I16  = element.I16
	F16  = element.F16
	BF16 = element.BF16
	U32  = element.U32
	I32  = element.I32
	F32  = element.F32
	U64  = element.U64
	I64  = element.I64
	F64  = element.F64
)

const (
	// MaxHeader is the largest header that is read or written, in bytes; the
	// format's own limit.
	MaxHeader = 100_000_000
	// MaxDims is the largest number of dimensions.
	MaxDims = 64
)

// Info describes a tensor of a file.
type Info struct {
	Name  string
	DType DType
	Shape []int64 // empty for a scalar
	// Offset is where the tensor's bytes start, counted from the file's first
	// byte; Size is their number.
	Offset, Size int64
	// Foreign is the file's name of an element type that is not read, such as
	// "F8_E4M3"; empty otherwise. DType is invalid then.
	Foreign string
}
