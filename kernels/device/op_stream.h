// The stream on which TensorFlow computes an op on a GPU.

#ifndef PRIORITYCUT_KERNELS_DEVICE_OP_STREAM_H_
#define PRIORITYCUT_KERNELS_DEVICE_OP_STREAM_H_

#include "kernels/device/driver.h"
#include "tensorflow/core/framework/device_base.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "xla/stream_executor/stream.h"

namespace prioritycut {
namespace kernels {

inline device::Stream StreamOf(tensorflow::OpKernelContext* context) {
  return context->op_device_context()
      ->stream()
      ->platform_specific_handle()
      .stream;
}

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_DEVICE_OP_STREAM_H_
