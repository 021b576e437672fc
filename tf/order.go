package tf

/*
#cgo LDFLAGS: -ldl
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdbool.h>

#include "tensorflow/c/c_api.h"

// TensorFlow exports this for its Python, and no header of the C API names it.
static bool pc_run_after(TF_Graph* graph, TF_Operation* op, TF_Operation* first) {
  void (*add)(TF_Graph*, TF_Operation*, TF_Operation*) =
      (void (*)(TF_Graph*, TF_Operation*, TF_Operation*))dlsym(
          RTLD_DEFAULT, "TF_AddOperationControlInput");
  if (add == NULL) return false;
  add(graph, op, first);
  return true;
}
*/
import "C"

import (
	"errors"
	"reflect"
	"runtime"
	"unsafe"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// RunAfter lets op of a graph start only when first, which may have been added
// later, has run. The two must not make a circle, and no session may have run the
// graph yet: TensorFlow's C API lets an operation wait only for those that were
// there before it.
func RunAfter(op, first *tensorflow.Operation) error {
	own, graph := graftPointers(op)
	other, of := graftPointers(first)
	if own == nil || graph == nil || other == nil {
		return errors.New("ordering operations: this graft keeps them in another form")
	}
	if graph != of {
		return errors.New("ordering operations: " + op.Name() + " and " + first.Name() + " are of different graphs")
	}
	ordered := C.pc_run_after((*C.TF_Graph)(graph), (*C.TF_Operation)(own), (*C.TF_Operation)(other))
	runtime.KeepAlive(op)
	runtime.KeepAlive(first)
	if !ordered {
		return errors.New("ordering operations: this TensorFlow has no TF_AddOperationControlInput")
	}
	return nil
}

// graftPointers are the C operation and the C graph behind an operation, nil where
// graft does not keep them as a pointer and a graph, whose only field is a pointer.
func graftPointers(op *tensorflow.Operation) (own, graph unsafe.Pointer) {
	if op == nil {
		return nil, nil
	}
	v := reflect.ValueOf(op).Elem()
	if v.NumField() != 2 || v.Field(0).Kind() != reflect.Pointer || v.Field(1).Type() != reflect.TypeFor[*tensorflow.Graph]() {
		return nil, nil
	}
	g := v.Field(1).Elem()
	if g.NumField() != 1 || g.Field(0).Kind() != reflect.Pointer {
		return nil, nil
	}
	return v.Field(0).UnsafePointer(), g.Field(0).UnsafePointer()
}
