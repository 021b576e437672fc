// Package npz reads and writes numpy's .npy arrays and .npz archives of them.
//
// # Hostile input
//
// Files may come from strangers. No size is believed before it is checked: a
// stored array must fit into the file, a compressed one into what deflate can
// make of its bytes and into MaxInflated; memory for compressed arrays grows
// with the bytes that really arrive. Archive members may not overlap, names
// may not repeat, headers have at most MaxHeader bytes and are read by a small
// parser that evaluates nothing. Structured arrays are refused. Pickled
// ("object") arrays and those of other types that are not read may lie beside
// the others, and are refused when they are asked for. Checksums are verified.
package npz

import (
	"fmt"

	"github.com/prioritycut/prioritycut/internal/element"
)

// DType is an array's element type.
type DType = element.Type

// The element types of numpy that are read and written.
const (
	Bool = element.Bool
	U8   = element.U8
	I8   = element.I8
	U16  = element.U16
	I16  = element.I16
	F16  = element.F16
	U32  = element.U32
	I32  = element.I32
	F32  = element.F32
	U64  = element.U64
	I64  = element.I64
	F64  = element.F64
)

const (
	// MaxHeader is the largest .npy header that is read, in bytes. Numpy's own
	// limit for headers that it did not write is 10000.
	MaxHeader = 64 << 10
	// MaxDims is the largest number of dimensions; numpy's own limit.
	MaxDims = 64
	// MaxInflated is the largest sum of the sizes that the compressed members
	// of one archive may claim, in bytes.
	MaxInflated = 8 << 30
)

// Info describes an array.
type Info struct {
	Name  string
	DType DType
	Shape []int64 // empty for a scalar
	// Foreign is numpy's name of an element type that is not read ("<V2", as
	// JAX's bfloat16 is stored, or "|O"), empty otherwise. DType is invalid then.
	Foreign string
}

// Len returns the number of elements.
func (i Info) Len() int64 {
	n, err := element.Count(i.Shape)
	if err != nil {
		return 0
	}
	return n
}

// Array is an array in memory.
type Array struct {
	Info
	// Data holds the elements, little-endian, in C order (the last axis runs
	// fastest) whatever order the file had.
	Data []byte
}

// Float32s returns the elements, in C order, as float32; wider numbers are
// rounded.
func (a *Array) Float32s() []float32 {
	v, err := element.Float32s(a.DType, a.Data)
	if err != nil { // only an Array that no function of this package made
		return nil
	}
	return v
}

// Float64s returns the elements, in C order, as float64.
func (a *Array) Float64s() []float64 {
	v, err := element.Float64s(a.DType, a.Data)
	if err != nil {
		return nil
	}
	return v
}

// Int64s returns the elements, in C order, of an integer or boolean array. It
// is an error for floating-point arrays and for values beyond int64.
func (a *Array) Int64s() ([]int64, error) {
	v, err := element.Int64s(a.DType, a.Data)
	if err != nil {
		return nil, fmt.Errorf("array %.80q: %w", a.Name, err)
	}
	return v, nil
}

// Bytes returns the elements of a uint8 or boolean array as they are.
func (a *Array) Bytes() ([]byte, error) {
	if a.DType != U8 && a.DType != Bool {
		return nil, fmt.Errorf("array %.80q holds %v, not bytes", a.Name, a.DType)
	}
	return a.Data, nil
}

// FromFloat32s makes an array to be written; v is in C order.
func FromFloat32s(name string, shape []int64, v []float32) Array {
	return Array{Info{Name: name, DType: F32, Shape: shape}, element.AppendFloat32s(nil, v)}
}

// FromFloat64s makes an array to be written; v is in C order.
func FromFloat64s(name string, shape []int64, v []float64) Array {
	return Array{Info{Name: name, DType: F64, Shape: shape}, element.AppendFloat64s(nil, v)}
}

// FromInt64s makes an array to be written; v is in C order.
func FromInt64s(name string, shape []int64, v []int64) Array {
	return Array{Info{Name: name, DType: I64, Shape: shape}, element.AppendInt64s(nil, v)}
}

// FromBytes makes a uint8 array to be written; v is in C order.
func FromBytes(name string, shape []int64, v []byte) Array {
	return Array{Info{Name: name, DType: U8, Shape: shape}, v}
}
