// Runs the GPU's kernels of the op library alone, without TensorFlow.

#ifndef PRIORITYCUT_TOOLS_GPU_CHECK_H_
#define PRIORITYCUT_TOOLS_GPU_CHECK_H_

#include <cstdint>
#include <cstdio>

namespace prioritycut {

struct CheckSizes {
  int64_t masks = 64, side = 256;               // maps of masks
  int64_t warps = 8, channels = 256, map = 64;  // maps of warps
  int fuzzed = 100;                             // small batches of random sizes
  int repeated = 20;                            // calls that are timed together
};

// Compares each kernel with the CPU's: bits where they are promised, else to
// rounding, and bits of two calls; then times it beside a copy on the device of
// as many bytes as its inputs and outputs have. Writes a table. Returns the
// number of failures; without a GPU that is 1, and the table says why.
int CheckKernels(const CheckSizes& sizes, std::FILE* out);

}  // namespace prioritycut

#endif  // PRIORITYCUT_TOOLS_GPU_CHECK_H_
