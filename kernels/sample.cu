// The entries of the sampler's device code; see sample_device.h.

#include "kernels/sample_device.h"

using prioritycut::device::Block;
using namespace prioritycut::kernels;

extern "C" __global__ void __launch_bounds__(kSampleThreads)
    sample(SampleArguments arguments) {
  __shared__ SampleTile tile;
  Block block;
  SampleOfBlock(block, tile, arguments);
}

extern "C" __global__ void __launch_bounds__(kSampleThreads)
    sample_clear_sums(SampleArguments arguments) {
  Block block;
  ClearSumsOfBlock(block, arguments);
}

extern "C" __global__ void __launch_bounds__(kSampleThreads)
    sample_find_largest(SampleArguments arguments) {
  __shared__ prioritycut::uint32_t largest;
  Block block;
  FindLargestOfBlock(block, largest, arguments);
}

extern "C" __global__ void __launch_bounds__(kSampleThreads)
    sample_add_gradients(SampleArguments arguments) {
  __shared__ SampleTile tile;
  Block block;
  AddGradientsOfBlock(block, tile, arguments);
}

extern "C" __global__ void __launch_bounds__(kSampleThreads)
    sample_map_gradient(SampleArguments arguments) {
  Block block;
  MapGradientOfBlock(block, arguments);
}

extern "C" __global__ void __launch_bounds__(kSampleThreads)
    sample_grid_gradient(SampleArguments arguments) {
  __shared__ SampleSums sums;
  Block block;
  GridGradientOfBlock(block, sums, arguments);
}
