// The one-dimensional transforms of Winograd's algorithm, for points that are
// 0, infinity and pairs +-x: the part of vector_loops.h that includes this file
// once for each set of instructions.

namespace prioritycut {
namespace kernels {
namespace {

// Pairs of points. Their product is 1 in each set, so that 0 and infinity need
// no factors.
struct FourPoints {
  static constexpr int kPairs = 1, kSide = 4;
  static constexpr double kAt[kPairs] = {1};
};
struct SixPoints {
  // These halve the rounding errors of 1 and 2.
  static constexpr int kPairs = 2, kSide = 6;
  static constexpr double kAt[kPairs] = {2.0 / 3, 1.5};
};
struct TenPoints {
  static constexpr int kPairs = 4, kSide = 10;
  static constexpr double kAt[kPairs] = {3.0 / 7, 0.8, 1.25, 7.0 / 3};
};

// What the transforms multiply by.
template <class Set>
struct Factors {
  static constexpr int kPairs = Set::kPairs;

  float at[kPairs] = {}, power[kPairs][Set::kSide] = {};
  // The reciprocal product of a point's distances from the others.
  float inverse[kPairs] = {};
  // Coefficients of the product of all (t - x * x), the constant one first, and
  // of the product without one pair.
  float all[kPairs + 1] = {}, others[kPairs][kPairs] = {};
  // What each point takes of a kernel's three taps.
  float of_tap[Set::kSide][3] = {};
};

template <class Set>
constexpr Factors<Set> FactorsOf() {
  constexpr int n = Set::kPairs;
  Factors<Set> f;
  for (int left = 0; left <= n; ++left) {
    const double x = left < n ? Set::kAt[left] : 0;
    double product[n + 1] = {1}, distances = 2 * x * x;
    for (int k = 0; k < n; ++k) {
      if (k == left) continue;
      const double square = Set::kAt[k] * Set::kAt[k];
      distances *= x * x - square;
      for (int j = n; j > 0; --j) {
        product[j] = product[j - 1] - square * product[j];
      }
      product[0] *= -square;
    }
    for (int j = 0; j < n + (left == n); ++j) {
      const float value = static_cast<float>(product[j]);
      (left < n ? f.others[left][j] : f.all[j]) = value;
    }
    if (left == n) continue;
    f.at[left] = static_cast<float>(x);
    f.inverse[left] = static_cast<float>(1 / distances);
    double power = 1;
    for (int j = 0; j < Set::kSide; ++j, power *= x) {
      f.power[left][j] = static_cast<float>(power);
      if (j >= 3) continue;
      const float tap = static_cast<float>(power / distances);
      f.of_tap[1 + 2 * left][j] = tap;
      f.of_tap[2 + 2 * left][j] = j == 1 ? -tap : tap;
    }
  }
  f.of_tap[0][0] = f.of_tap[Set::kSide - 1][2] = 1;
  return f;
}

template <class Set>
constexpr Factors<Set> kFactors = FactorsOf<Set>();

// As many values -> the points: the transposed matrix B of the algorithm.
template <class Set>
PRIORITYCUT_INLINE void InputTransform(const Vector* d, int step, Vector* o,
                                       int out_step) {
  constexpr const Factors<Set>& f = kFactors<Set>;
  constexpr int n = Set::kPairs;
  Vector zero = d[2 * n * step], infinity = d[(2 * n + 1) * step];
#pragma GCC unroll 4
  for (int j = n - 1; j >= 0; --j) {
    zero += f.all[j] * d[2 * j * step];
    infinity += f.all[j] * d[(2 * j + 1) * step];
  }
  // The squares that were subtracted are an odd number in some sets.
  o[0] = n % 2 == 0 ? zero : -zero;
  o[(2 * n + 1) * out_step] = infinity;
#pragma GCC unroll 4
  for (int k = 0; k < n; ++k) {
    Vector even = d[2 * n * step], odd = d[(2 * n - 1) * step];
#pragma GCC unroll 4
    for (int j = n - 2; j >= 0; --j) {
      even += f.others[k][j] * d[(2 * j + 2) * step];
      odd += f.others[k][j] * d[(2 * j + 1) * step];
    }
    odd *= f.at[k];
    o[(1 + 2 * k) * out_step] = even + odd;
    o[(2 + 2 * k) * out_step] = even - odd;
  }
}

// Points -> n values, value j the sum of points times their j-th powers,
// infinity's in the last alone. Scaled, pairs are divided by their distances.
template <class Set, int n, bool kScaled>
PRIORITYCUT_INLINE void FromPoints(const Vector* p, int step, Vector* o,
                                   int out_step) {
  constexpr const Factors<Set>& f = kFactors<Set>;
  Vector even[Set::kPairs], odd[Set::kPairs];
#pragma GCC unroll 4
  for (int k = 0; k < Set::kPairs; ++k) {
    even[k] = p[(1 + 2 * k) * step] + p[(2 + 2 * k) * step];
    odd[k] = p[(1 + 2 * k) * step] - p[(2 + 2 * k) * step];
    if (kScaled) {
      even[k] *= f.inverse[k];
      odd[k] *= f.inverse[k];
    }
  }
#pragma GCC unroll 8
  for (int j = 0; j < n; ++j) {
    Vector y = f.power[0][j] * (j % 2 == 0 ? even[0] : odd[0]);
#pragma GCC unroll 4
    for (int k = 1; k < Set::kPairs; ++k) {
      y += f.power[k][j] * (j % 2 == 0 ? even[k] : odd[k]);
    }
    if (j == 0) y += p[0];
    if (j == n - 1) y += p[(Set::kSide - 1) * step];
    o[j * out_step] = y;
  }
}

// The transpose of FromPoints: n values -> points.
template <class Set, int n, bool kScaled>
PRIORITYCUT_INLINE void ToPoints(const Vector* y, int step, Vector* o,
                                 int out_step) {
  constexpr const Factors<Set>& f = kFactors<Set>;
  o[0] = y[0];
  o[(Set::kSide - 1) * out_step] = y[(n - 1) * step];
#pragma GCC unroll 4
  for (int k = 0; k < Set::kPairs; ++k) {
    Vector even = y[0], odd = f.at[k] * y[step];
#pragma GCC unroll 8
    for (int j = 2; j < n; ++j) {
      (j % 2 == 0 ? even : odd) += f.power[k][j] * y[j * step];
    }
    const Vector plus = even + odd, minus = even - odd;
    o[(1 + 2 * k) * out_step] = kScaled ? plus * f.inverse[k] : plus;
    o[(2 + 2 * k) * out_step] = kScaled ? minus * f.inverse[k] : minus;
  }
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
