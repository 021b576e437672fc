package tf

/*
#include <stdlib.h>

#include "tensorflow/c/c_api.h"
*/
import "C"

import (
	"fmt"
	"slices"
	"unsafe"

	kernels "github.com/wamuir/graft/tensorflow/core/framework/kernel_def_go_proto"
	"google.golang.org/protobuf/proto"
)

// KernelDevices returns the types of device ("CPU", "GPU", ...) for which this
// TensorFlow and the op libraries loaded so far have a kernel of an operation
// type, each once and in order. A device's kernels are registered whether or
// not there is such a device. An unknown operation has none.
func KernelDevices(opType string) ([]string, error) {
	name := C.CString(opType)
	defer C.free(unsafe.Pointer(name))
	status := C.TF_NewStatus()
	defer C.TF_DeleteStatus(status)
	buffer := C.TF_GetRegisteredKernelsForOp(name, status)
	if code := ErrorCode(C.TF_GetCode(status)); code != OK || buffer == nil {
		return nil, &Error{Code: code, Message: fmt.Sprintf("listing the kernels of %s: %s", opType, C.GoString(C.TF_Message(status)))}
	}
	defer C.TF_DeleteBuffer(buffer)
	var list kernels.KernelList
	if err := proto.Unmarshal(C.GoBytes(buffer.data, C.int(buffer.length)), &list); err != nil {
		return nil, fmt.Errorf("listing the kernels of %s: %w", opType, err)
	}
	var devices []string
	for _, k := range list.Kernel {
		devices = append(devices, k.DeviceType)
	}
	slices.Sort(devices)
	return slices.Compact(devices), nil
}
