// The loops of vector.h for AVX2.

#include "kernels/quarter_points.h"
#include "kernels/vector.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define PRIORITYCUT_LANES 8
#define PRIORITYCUT_ROWS 6
#include "kernels/vector_loops.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace prioritycut {
namespace kernels {

const Vectors* Avx2Vectors() {
  static constexpr Vectors kTable = TableNamed("avx2");
  return &kTable;
}

}  // namespace kernels
}  // namespace prioritycut

#else

namespace prioritycut {
namespace kernels {

const Vectors* Avx2Vectors() { return nullptr; }

}  // namespace kernels
}  // namespace prioritycut

#endif
