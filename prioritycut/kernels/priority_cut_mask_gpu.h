// The mask of a batch on a GPU, free of TensorFlow.

#ifndef PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_GPU_H_
#define PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_GPU_H_

#include <cstdint>
#include <string>

#include "kernels/device/driver.h"
#include "prioritycut/kernels/priority_cut_mask.h"

namespace prioritycut {

// Queues the mask of each sample on a stream; a sample's outputs have the bits
// that ComputeMask gives. The pointers are the device's. Returns at once:
// empty, or what is wrong.
template <typename T>
std::string LaunchMask(device::Stream stream, int64_t samples,
                       const MaskArguments<T>& arguments);

}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_GPU_H_
