package tf

/*
#include "tensorflow/c/c_api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	opdefpb "github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
	"google.golang.org/protobuf/proto"
)

// RegisteredOps returns the types of operations that this process knows, by
// name.
func RegisteredOps() (map[string]*opdefpb.OpDef, error) {
	buffer := C.TF_GetAllOpList()
	if buffer == nil {
		return nil, errors.New("TensorFlow does not list its operations")
	}
	defer C.TF_DeleteBuffer(buffer)
	list := &opdefpb.OpList{}
	if err := proto.Unmarshal(unsafe.Slice((*byte)(buffer.data), int(buffer.length)), list); err != nil {
		return nil, fmt.Errorf("reading TensorFlow's list of operations: %w", err)
	}
	known := map[string]*opdefpb.OpDef{}
	for _, op := range list.GetOp() {
		known[op.GetName()] = op
	}
	return known, nil
}
