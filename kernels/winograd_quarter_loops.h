// The transforms of winograd_quarters.cc: the part of vector_loops.h that
// includes this file once for each set of instructions.

namespace prioritycut {
namespace kernels {
namespace {

// The points of one pair.
template <int pair>
PRIORITYCUT_INLINE void QuarterPair(const Vector* d, Vector* o, int out_step) {
  constexpr float at = kQuarterAt[pair], sum = QuarterSum(pair),
                  product = QuarterProduct(pair);
  const Vector even = at * (d[4] - sum * d[2] + product * d[0]);
  const Vector odd = d[5] - sum * d[3] + product * d[1];
  o[2 * pair * out_step] = even + odd;
  o[(2 * pair + 1) * out_step] = even - odd;
}

// 7 values -> 7 points, pair by pair, infinity last.
PRIORITYCUT_INLINE void QuarterInput(const Vector* d, Vector* o, int out_step) {
  QuarterPair<0>(d, o, out_step);
  QuarterPair<1>(d, o, out_step);
  QuarterPair<2>(d, o, out_step);
  constexpr double square = kQuarterAt[0] * kQuarterAt[0];
  constexpr float sum = square + QuarterSum(0);
  constexpr float products = square * QuarterSum(0) + QuarterProduct(0);
  constexpr float product = square * QuarterProduct(0);
  o[6 * out_step] = d[6] - sum * d[4] + products * d[2] - product * d[0];
}

// The sum of three values times the points' j-th powers.
template <int j>
PRIORITYCUT_INLINE Vector QuarterSumOf(Vector x, Vector y, Vector z) {
  constexpr float a = PowerOf(kQuarterAt[0], j), b = PowerOf(kQuarterAt[1], j),
                  c = PowerOf(kQuarterAt[2], j);
  return a * x + b * y + c * z;
}

// 7 points -> 4 values.
PRIORITYCUT_INLINE void QuarterOutput(const Vector* p, Vector* o,
                                      int out_step) {
  const Vector even_a = p[0] + p[1], odd_a = p[0] - p[1];
  const Vector even_b = p[2] + p[3], odd_b = p[2] - p[3];
  const Vector even_c = p[4] + p[5], odd_c = p[4] - p[5];
  o[0] = QuarterSumOf<0>(even_a, even_b, even_c);
  o[out_step] = QuarterSumOf<1>(odd_a, odd_b, odd_c);
  o[2 * out_step] = QuarterSumOf<2>(even_a, even_b, even_c);
  o[3 * out_step] = QuarterSumOf<3>(odd_a, odd_b, odd_c) + p[6];
}

// 4 gradients of outputs -> 7 points: the transpose of QuarterOutput, divided
// by the product of a point's distances from the others.
template <int pair>
PRIORITYCUT_INLINE void QuarterGradientPair(const Vector* d, Vector* o,
                                            int out_step) {
  constexpr double at = kQuarterAt[pair], square = at * at;
  constexpr double others =
      square * square - QuarterSum(pair) * square + QuarterProduct(pair);
  constexpr double scale = 1 / (2 * at * others);
  constexpr float even_0 = scale, odd_1 = scale * at, even_2 = scale * square,
                  odd_3 = scale * square * at;
  const Vector even = even_0 * d[0] + even_2 * d[2];
  const Vector odd = odd_1 * d[1] + odd_3 * d[3];
  o[2 * pair * out_step] = even + odd;
  o[(2 * pair + 1) * out_step] = even - odd;
}

PRIORITYCUT_INLINE void QuarterGradient(const Vector* d, Vector* o,
                                        int out_step) {
  QuarterGradientPair<0>(d, o, out_step);
  QuarterGradientPair<1>(d, o, out_step);
  QuarterGradientPair<2>(d, o, out_step);
  o[6 * out_step] = d[3];
}

template <bool kWhole>
PRIORITYCUT_APART void QuarterGradientRows(const float* map, const Square& s,
                                           int64_t c, Vector* rows) {
  for (int j = 0; j < 4; ++j) {
    Vector d[4];
    ReadColumn<4, kWhole>(map, s, j, c, d);
    QuarterGradient(d, rows + j, 4);
  }
}

PRIORITYCUT_APART void QuarterGradientRowsToPoints(const Vector* rows,
                                                   float* out,
                                                   int64_t point_stride) {
  for (int i = 0; i < kQuarterTile; ++i) {
    Vector points[kQuarterTile];
    QuarterGradient(rows + i * 4, points, 1);
    for (int j = 0; j < kQuarterTile; ++j) {
      Store(out + (i * kQuarterTile + j) * point_stride, points[j]);
    }
  }
}

void QuarterGradientPoints(const float* map, const Square& s, float* out,
                           int64_t point_stride) {
  Vector rows[4 * kQuarterTile];
  for (int64_t c = 0; c < s.channels; c += kLanes) {
    if (IsWhole(s, 4, c)) {
      QuarterGradientRows<true>(map, s, c, rows);
    } else {
      QuarterGradientRows<false>(map, s, c, rows);
    }
    QuarterGradientRowsToPoints(rows, out + c, point_stride);
  }
}

template <bool kWhole>
PRIORITYCUT_APART void QuarterRows(const float* map, const Square& s, int64_t c,
                                   Vector* rows) {
  for (int j = 0; j < kQuarterTile; ++j) {
    Vector d[kQuarterTile];
    ReadColumn<kQuarterTile, kWhole>(map, s, j, c, d);
    QuarterInput(d, rows + j, kQuarterTile);
  }
}

PRIORITYCUT_APART void QuarterRowsToPoints(const Vector* rows, float* out,
                                           int64_t point_stride) {
  for (int i = 0; i < kQuarterTile; ++i) {
    Vector points[kQuarterTile];
    QuarterInput(rows + i * kQuarterTile, points, 1);
    for (int j = 0; j < kQuarterTile; ++j) {
      Store(out + (i * kQuarterTile + j) * point_stride, points[j]);
    }
  }
}

void QuarterPoints(const float* map, const Square& s, float* out,
                   int64_t point_stride) {
  Vector rows[kQuarterPoints];
  for (int64_t c = 0; c < s.channels; c += kLanes) {
    if (IsWhole(s, kQuarterTile, c)) {
      QuarterRows<true>(map, s, c, rows);
    } else {
      QuarterRows<false>(map, s, c, rows);
    }
    QuarterRowsToPoints(rows, out + c, point_stride);
  }
}

// All points -> 4 rows of them.
PRIORITYCUT_APART void QuarterPointsToRows(const float* points,
                                           int64_t point_stride, Vector* rows) {
  for (int j = 0; j < kQuarterTile; ++j) {
    Vector d[kQuarterTile];
#pragma GCC unroll 7
    for (int i = 0; i < kQuarterTile; ++i) {
      d[i] = Load(points + (i * kQuarterTile + j) * point_stride);
    }
    QuarterOutput(d, rows + j, kQuarterTile);
  }
}

PRIORITYCUT_APART void QuarterRowsToPixels(const Vector* rows, float* pixels,
                                           int64_t pixel_stride) {
  for (int i = 0; i < 4; ++i) {
    Vector y[4];
    QuarterOutput(rows + i * kQuarterTile, y, 1);
    for (int j = 0; j < 4; ++j) {
      Store(pixels + (i * 4 + j) * pixel_stride, y[j]);
    }
  }
}

void QuarterPixels(const float* points, int64_t point_stride, int64_t channels,
                   float* pixels, int64_t pixel_stride) {
  Vector rows[4 * kQuarterTile];
  for (int64_t c = 0; c < channels; c += kLanes) {
    QuarterPointsToRows(points + c, point_stride, rows);
    QuarterRowsToPixels(rows, pixels + c, pixel_stride);
  }
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
