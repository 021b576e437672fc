// Bilinear samples of float32 maps [samples, height, width, channels] at points
// [samples, points, 2], (x, y) in [-1, 1], and the gradients at both.

#ifndef PRIORITYCUT_KERNELS_SAMPLE_H_
#define PRIORITYCUT_KERNELS_SAMPLE_H_

#include <cstdint>

#include "kernels/conv.h"
#include "kernels/sample_point.h"

namespace prioritycut {
namespace kernels {

// y [samples, points, channels].
void Sample(const SampleShape& s, const float* x, const float* grid, float* y,
            Runtime& runtime);
// dx is as x. The same bits at every number of threads.
void SampleMapGradient(const SampleShape& s, const float* grid, const float* dy,
                       float* dx, Runtime& runtime);
// dgrid is as grid.
void SampleGridGradient(const SampleShape& s, const float* x, const float* grid,
                        const float* dy, float* dgrid, Runtime& runtime);

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_SAMPLE_H_
