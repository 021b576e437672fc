package weights

import (
	"strings"

	"github.com/prioritycut/prioritycut/internal/element"
)

// elem is an element type of PyTorch's: one that is read, or the name and the
// size of one that is not.
type elem struct {
	dtype   DType
	foreign string
	size    int64 // bytes of an element, at least 1
}

func (e elem) String() string {
	if e.foreign != "" {
		return e.foreign
	}
	return e.dtype.String()
}

// storageTypes are the classes of PyTorch's storages, without "Storage".
// Tensors of PyTorch before 0.2 have classes of the same names with "Tensor".
var storageTypes = map[string]DType{
	"Double":   element.F64,
	"Float":    element.F32,
	"Half":     element.F16,
	"BFloat16": element.BF16,
	"Long":     element.I64,
	"Int":      element.I32,
	"Short":    element.I16,
	"Char":     element.I8,
	"Byte":     element.U8,
	"Bool":     element.Bool,
}

// torchTypes are PyTorch's element types by name.
var torchTypes = map[string]DType{
	"float64": element.F64, "double": element.F64,
	"float32": element.F32, "float": element.F32,
	"float16": element.F16, "half": element.F16,
	"bfloat16": element.BF16,
	"int64":    element.I64, "long": element.I64,
	"int32": element.I32, "int": element.I32,
	"int16": element.I16, "short": element.I16,
	"int8": element.I8, "uint8": element.U8,
	"uint16": element.U16, "uint32": element.U32, "uint64": element.U64,
	"bool": element.Bool,
}

// foreignTypes are PyTorch's element types that are not read, by name, and the
// bytes of an element. They may stand in a checkpoint beside what is wanted.
var foreignTypes = map[string]int64{
	"float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1,
	"float4_e2m1fn_x2": 1, "complex32": 4, "complex64": 8, "complex128": 16,
}

// foreignStorages are the classes of storages of such elements, without
// "Storage".
var foreignStorages = map[string]string{"ComplexFloat": "complex64", "ComplexDouble": "complex128"}

// elemOf is the element type of that name.
func elemOf(name string) (elem, bool) {
	if size, ok := foreignTypes[name]; ok {
		return elem{foreign: name, size: size}, true
	}
	dtype := torchTypes[name]
	return elem{dtype: dtype, size: int64(dtype.Size())}, dtype != element.Invalid
}

// storageElem is the element type of a class of storages, given without
// "Storage".
func storageElem(kind string) (elem, bool) {
	if name, ok := foreignStorages[kind]; ok {
		return elemOf(name)
	}
	dtype := storageTypes[kind]
	return elem{dtype: dtype, size: int64(dtype.Size())}, dtype != element.Invalid
}

// typeOfStorage returns the element type of a storage's class, and whether
// the class is one of a storage. Untyped storages count bytes.
func typeOfStorage(class Value) (elem, bool) {
	c, ok := class.(Class)
	if !ok {
		return elem{}, false
	}
	if strings.HasSuffix(string(c), ".UntypedStorage") {
		return elemOf("uint8")
	}
	name := string(c)[strings.LastIndexByte(string(c), '.')+1:]
	kind, ok := strings.CutSuffix(name, "Storage")
	if !ok {
		return elem{}, false
	}
	return storageElem(kind)
}
