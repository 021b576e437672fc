package tf

/*
#cgo LDFLAGS: -ldl
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tensorflow/c/c_api.h"

// TensorFlow exports these C++ functions (xla/tsl/util/determinism.h and
// tensor_float_32_utils.h of its platform), but its C API does not wrap them. They
// are looked up at run time, so that a TensorFlow without them still links.
static bool pc_enable_determinism(void) {
  void (*enable)(bool) =
      (void (*)(bool))dlsym(RTLD_DEFAULT, "_ZN3tsl19EnableOpDeterminismEb");
  if (enable == NULL) return false;
  enable(true);
  return true;
}

// pc_determinism is 1 when ops must be deterministic, 0 when not, -1 when
// unknown.
static int pc_determinism(void) {
  bool (*required)(void) =
      (bool (*)(void))dlsym(RTLD_DEFAULT, "_ZN3tsl21OpDeterminismRequiredEv");
  if (required == NULL) return -1;
  return required() ? 1 : 0;
}

static void pc_disable_tf32(void) {
  void (*enable)(bool) = (void (*)(bool))dlsym(
      RTLD_DEFAULT, "_ZN3tsl32enable_tensor_float_32_executionEb");
  if (enable != NULL) enable(false);
}

// pc_tf32 is 1 when TensorFloat-32 may be used, 0 when not, -1 when unknown.
static int pc_tf32(void) {
  bool (*enabled)(void) = (bool (*)(void))dlsym(
      RTLD_DEFAULT, "_ZN3tsl33tensor_float_32_execution_enabledEv");
  if (enabled == NULL) return -1;
  return enabled() ? 1 : 0;
}
*/
import "C"

import (
	"reflect"
	"runtime"
	"strings"
	"unsafe"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// enableDeterminism turns op determinism on for the whole process.
func enableDeterminism() { C.pc_enable_determinism() }

// determinism reports whether ops are required to be deterministic, and
// whether this TensorFlow could be asked. Asking latches the answer: after
// that TensorFlow reads TF_DETERMINISTIC_OPS no more.
func determinism() (on, known bool) {
	v := C.pc_determinism()
	return v == 1, v >= 0
}

// disableTF32 turns TensorFloat-32 off for the whole process.
func disableTF32() { C.pc_disable_tf32() }

// tf32 reports whether GPUs may use TensorFloat-32, and whether this TensorFlow
// could be asked.
func tf32() (on, known bool) {
	v := C.pc_tf32()
	return v == 1, v >= 0
}

// cEnv returns the value that C code sees for an environment variable.
func cEnv(name string) (string, bool) {
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	v := C.getenv(cName)
	if v == nil {
		return "", false
	}
	return C.GoString(v), true
}

// statusCode returns the TF_Code of an error that graft made. graft does not
// export the type of its errors, and their text has no code, but each is a
// pointer to a struct whose only field is the C status.
func statusCode(err error) (ErrorCode, bool) {
	v := reflect.ValueOf(err)
	if v.Kind() != reflect.Pointer || v.IsNil() || !isGraftStatus(v.Type().Elem()) {
		return Unknown, false
	}
	status := v.Elem().Field(0).UnsafePointer()
	if status == nil {
		return Unknown, false
	}
	code := ErrorCode(C.TF_GetCode((*C.TF_Status)(status)))
	runtime.KeepAlive(err)
	return code, true
}

// isGraftStatus reports whether t is the struct behind graft's errors, in the
// form that statusCode relies on.
func isGraftStatus(t reflect.Type) bool {
	if t.PkgPath() != reflect.TypeOf(tensorflow.Tensor{}).PkgPath() || t.Name() != "statusError" ||
		t.Kind() != reflect.Struct || t.NumField() != 1 {
		return false
	}
	f := t.Field(0).Type
	return f.Kind() == reflect.Pointer && strings.HasSuffix(f.Elem().Name(), "_Status")
}
