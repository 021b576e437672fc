// The entries of the mask's device code; see priority_cut_mask_device.h.

#include "prioritycut/kernels/priority_cut_mask_device.h"

namespace prioritycut {

template <typename T>
__device__ __forceinline__ void MaskOfBlock(const MaskArguments<T>& arguments) {
  __shared__ MaskShared shared;
  device::Block block;
  MaskOfSample(block, shared, arguments);
}

}  // namespace prioritycut

extern "C" __global__ void __launch_bounds__(prioritycut::kMaskThreads)
    priority_cut_mask_float(prioritycut::MaskArguments<float> arguments) {
  prioritycut::MaskOfBlock(arguments);
}

extern "C" __global__ void __launch_bounds__(prioritycut::kMaskThreads)
    priority_cut_mask_double(prioritycut::MaskArguments<double> arguments) {
  prioritycut::MaskOfBlock(arguments);
}
