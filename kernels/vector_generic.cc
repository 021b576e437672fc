// The loops of vector.h for any processor with vectors of 4 floats, and for
// compilers that spell them out where there are none.

#include "kernels/quarter_points.h"
#include "kernels/vector.h"

#define PRIORITYCUT_LANES 4
#define PRIORITYCUT_ROWS 4
#include "kernels/vector_loops.h"

namespace prioritycut {
namespace kernels {

const Vectors* GenericVectors() {
  static constexpr Vectors kTable = TableNamed("generic");
  return &kTable;
}

}  // namespace kernels
}  // namespace prioritycut
