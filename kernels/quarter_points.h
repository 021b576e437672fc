// The points at which quarters of large kernels are multiplied
// (winograd_quarters.cc):
// +-a, +-b, +-c and infinity, seven for outputs of 4 and kernels of 4. Without
// 0 they come in pairs, whose transforms share their even and odd parts.

#ifndef PRIORITYCUT_KERNELS_QUARTER_POINTS_H_
#define PRIORITYCUT_KERNELS_QUARTER_POINTS_H_

namespace prioritycut {
namespace kernels {

// They round least of all threes of simple fractions that were tried: half as
// much as 1/2, 1 and 3/2.
constexpr double kQuarterAt[3] = {0.25, 0.875, 1.75};

// The others of a pair's point, squared: their sum and product.
constexpr double QuarterSum(int pair) {
  const double p = kQuarterAt[(pair + 1) % 3], q = kQuarterAt[(pair + 2) % 3];
  return p * p + q * q;
}
constexpr double QuarterProduct(int pair) {
  const double p = kQuarterAt[(pair + 1) % 3], q = kQuarterAt[(pair + 2) % 3];
  return p * p * q * q;
}

constexpr float PowerOf(double base, int n) {
  double x = 1;
  for (; n > 0; --n) x *= base;
  return static_cast<float>(x);
}

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_QUARTER_POINTS_H_
