// Samples of maps and their gradients on a GPU, free of TensorFlow.

#ifndef PRIORITYCUT_KERNELS_SAMPLE_GPU_H_
#define PRIORITYCUT_KERNELS_SAMPLE_GPU_H_

#include <string>

#include "kernels/device/driver.h"
#include "kernels/sample_device.h"

namespace prioritycut {
namespace kernels {

// Queue their kernels on a stream; the pointers of the arguments are the
// device's. They return at once: empty, or what is wrong.

// out = y, with the bits that Sample gives.
std::string LaunchSample(device::Stream stream, const SampleArguments& a);
// out = dx, the same bits each time. Needs the scratch.
std::string LaunchSampleMapGradient(device::Stream stream,
                                    const SampleArguments& a);
// out = dgrid, the same bits each time.
std::string LaunchSampleGridGradient(device::Stream stream,
                                     const SampleArguments& a);

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_SAMPLE_GPU_H_
