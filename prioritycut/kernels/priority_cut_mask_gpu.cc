#include "prioritycut/kernels/priority_cut_mask_gpu.h"

// Made of priority_cut_mask.cu.
extern const char prioritycut_ptx_priority_cut_mask[];

namespace prioritycut {
namespace {

template <typename T>
std::string Launch(const char* name, device::Stream stream, int64_t samples,
                   const MaskArguments<T>& arguments) {
  static device::Kernel* const kernel =
      new device::Kernel(prioritycut_ptx_priority_cut_mask, name);
  if (samples == 0) return "";
  return kernel->Launch(stream, samples, kMaskThreads, &arguments);
}

}  // namespace

template <>
std::string LaunchMask(device::Stream stream, int64_t samples,
                       const MaskArguments<float>& arguments) {
  return Launch("priority_cut_mask_float", stream, samples, arguments);
}

template <>
std::string LaunchMask(device::Stream stream, int64_t samples,
                       const MaskArguments<double>& arguments) {
  return Launch("priority_cut_mask_double", stream, samples, arguments);
}

}  // namespace prioritycut
