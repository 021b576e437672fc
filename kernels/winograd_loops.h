// The transforms of Winograd's algorithm: the part of vector_loops.h that
// includes this file once for each set of instructions.

namespace prioritycut {
namespace kernels {
namespace {

// Winograd's algorithm with the points 0, +-kA, +-kB and infinity. kA * kB = 1
// saves products, and these points halve the rounding errors of 1 and 2.
constexpr double kA = 2.0 / 3, kB = 1.5;
constexpr double kA2 = kA * kA, kB2 = kB * kB;
// The product of a point's distances from the others.
constexpr double kScaleA = 2 * kA2 * (kA2 - kB2);
constexpr double kScaleB = 2 * kB2 * (kB2 - kA2);

constexpr float PowerOf(double base, int n) {
  double x = 1;
  for (; n > 0; --n) x *= base;
  return static_cast<float>(x);
}

// 6 values -> 6 points: the transposed matrix B of the algorithm.
PRIORITYCUT_INLINE void InputTransform(const Vector* d, int step, Vector* o,
                                       int out_step) {
  constexpr float kSum = static_cast<float>(kA2 + kB2);
  constexpr float a = kA, b = kB, a2 = kA2, b2 = kB2;
  const Vector d1 = d[step], d2 = d[2 * step], d3 = d[3 * step],
               d4 = d[4 * step];
  o[0] = d[0] - kSum * d2 + d4;
  const Vector even_a = d4 - b2 * d2, odd_a = a * (d3 - b2 * d1);
  o[out_step] = even_a + odd_a;
  o[2 * out_step] = even_a - odd_a;
  const Vector even_b = d4 - a2 * d2, odd_b = b * (d3 - a2 * d1);
  o[3 * out_step] = even_b + odd_b;
  o[4 * out_step] = even_b - odd_b;
  o[5 * out_step] = d1 - kSum * d3 + d[5 * step];
}

// 6 points -> n values, value j the sum of points times their j-th powers,
// infinity's in the last alone. Points +-a come divided by scale_a, b likewise.
template <int n>
PRIORITYCUT_INLINE void FromPoints(const Vector* p, int step, Vector* o,
                                   int out_step, float scale_a, float scale_b) {
  const Vector even_a = (p[step] + p[2 * step]) * scale_a;
  const Vector odd_a = (p[step] - p[2 * step]) * scale_a;
  const Vector even_b = (p[3 * step] + p[4 * step]) * scale_b;
  const Vector odd_b = (p[3 * step] - p[4 * step]) * scale_b;
#pragma GCC unroll 5
  for (int j = 0; j < n; ++j) {
    const float a = PowerOf(kA, j), b = PowerOf(kB, j);
    Vector y = j % 2 == 0 ? a * even_a + b * even_b : a * odd_a + b * odd_b;
    if (j == 0) y = y + p[0];
    if (j == n - 1) y = y + p[5 * step];
    o[j * out_step] = y;
  }
}

// The transpose of FromPoints: n values -> 6 points.
template <int n>
PRIORITYCUT_INLINE void ToPoints(const Vector* y, int step, Vector* o,
                                 int out_step, float scale_a, float scale_b) {
  Vector even_a = y[0], even_b = y[0], odd_a = {}, odd_b = {};
#pragma GCC unroll 5
  for (int j = 1; j < n; ++j) {
    const float a = PowerOf(kA, j), b = PowerOf(kB, j);
    if (j % 2 == 0) {
      even_a += a * y[j * step];
      even_b += b * y[j * step];
    } else {
      odd_a += a * y[j * step];
      odd_b += b * y[j * step];
    }
  }
  o[0] = y[0];
  o[out_step] = (even_a + odd_a) * scale_a;
  o[2 * out_step] = (even_a - odd_a) * scale_a;
  o[3 * out_step] = (even_b + odd_b) * scale_b;
  o[4 * out_step] = (even_b - odd_b) * scale_b;
  o[5 * out_step] = y[(n - 1) * step];
}

// Column j of a square's n rows; whole squares need no questions.
template <int n, bool kWhole>
PRIORITYCUT_INLINE void ReadColumn(const float* map, const Square& s, int j,
                                   int64_t channel, Vector* d) {
  const int64_t left = s.channels - channel;
  const float* from = map + (s.offset + j * s.pixel_stride + channel);
  const bool column = kWhole || (j >= s.column_from && j < s.column_to);
#pragma GCC unroll 8
  for (int i = 0; i < n; ++i) {
    if (kWhole) {
      d[i] = Load(from + i * s.row_stride);
    } else {
      const bool there = column && i >= s.row_from && i < s.row_to;
      d[i] = there ? LoadFirst(from + i * s.row_stride, left) : Vector{};
    }
  }
}

PRIORITYCUT_INLINE bool IsWhole(const Square& s, int n, int64_t channel) {
  return s.row_from == 0 && s.row_to == n && s.column_from == 0 &&
         s.column_to == n && s.channels - channel >= kLanes;
}

template <bool kWhole>
PRIORITYCUT_INLINE void InputPointsOf(const float* map, const Square& s,
                                      int64_t c, float* out,
                                      int64_t point_stride) {
  Vector rows[kPoints];
#pragma GCC unroll 6
  for (int j = 0; j < kTile; ++j) {
    Vector d[kTile];
    ReadColumn<kTile, kWhole>(map, s, j, c, d);
    InputTransform(d, 1, rows + j, kTile);
  }
#pragma GCC unroll 6
  for (int i = 0; i < kTile; ++i) {
    Vector points[kTile];
    InputTransform(rows + i * kTile, 1, points, 1);
    for (int j = 0; j < kTile; ++j) {
      Store(out + (i * kTile + j) * point_stride + c, points[j]);
    }
  }
}

void InputPoints(const float* map, const Square& s, float* out,
                 int64_t point_stride) {
  for (int64_t c = 0; c < s.channels; c += kLanes) {
    if (IsWhole(s, kTile, c)) {
      InputPointsOf<true>(map, s, c, out, point_stride);
    } else {
      InputPointsOf<false>(map, s, c, out, point_stride);
    }
  }
}

template <int m, bool kWhole>
PRIORITYCUT_INLINE void GradientPointsOf(const float* map, const Square& s,
                                         int64_t c, float* out,
                                         int64_t point_stride) {
  Vector rows[kTile * m];
#pragma GCC unroll 6
  for (int j = 0; j < m; ++j) {
    Vector d[m];
    ReadColumn<m, kWhole>(map, s, j, c, d);
    ToPoints<m>(d, 1, rows + j, m, 1, 1);
  }
#pragma GCC unroll 6
  for (int i = 0; i < kTile; ++i) {
    Vector points[kTile];
    ToPoints<m>(rows + i * m, 1, points, 1, 1, 1);
    for (int j = 0; j < kTile; ++j) {
      Store(out + (i * kTile + j) * point_stride, points[j]);
    }
  }
}

template <int m>
void GradientPointsOf(const float* map, const Square& s, float* out,
                      int64_t point_stride, int64_t panel_stride) {
  for (int64_t c = 0; c < s.channels; c += kLanes) {
    float* to = out + c / kColumns * panel_stride + c % kColumns;
    if (IsWhole(s, m, c)) {
      GradientPointsOf<m, true>(map, s, c, to, point_stride);
    } else {
      GradientPointsOf<m, false>(map, s, c, to, point_stride);
    }
  }
}

void GradientPoints(const float* map, const Square& s, int m, float* out,
                    int64_t point_stride, int64_t panel_stride) {
  if (m == 3) GradientPointsOf<3>(map, s, out, point_stride, panel_stride);
  if (m == 4) GradientPointsOf<4>(map, s, out, point_stride, panel_stride);
  if (m == 5) GradientPointsOf<5>(map, s, out, point_stride, panel_stride);
}

// 36 points -> n rows of 6, each for FromPoints once more.
template <int n>
PRIORITYCUT_INLINE void PointsToRows(const float* points, int64_t point_stride,
                                     float scale_a, float scale_b,
                                     Vector* rows) {
#pragma GCC unroll 6
  for (int j = 0; j < kTile; ++j) {
    Vector d[kTile];
    for (int i = 0; i < kTile; ++i) {
      d[i] = Load(points + (i * kTile + j) * point_stride);
    }
    FromPoints<n>(d, 1, rows + j, kTile, scale_a, scale_b);
  }
}

template <int m, bool kWhole, bool kResidual>
PRIORITYCUT_INLINE void OutputPixelsOf(const float* points,
                                       int64_t point_stride,
                                       const Epilogue& epilogue, float* map,
                                       const Square& s, int64_t c) {
  Vector rows[m * kTile];
  PointsToRows<m>(points + c, point_stride, 1, 1, rows);
  const Writer<kResidual> writer(epilogue, c);
#pragma GCC unroll 5
  for (int i = 0; i < m; ++i) {
    Vector y[m];
    FromPoints<m>(rows + i * kTile, 1, y, 1, 1, 1);
    const int64_t at = s.offset + i * s.row_stride + c;
#pragma GCC unroll 5
    for (int j = 0; j < m; ++j) {
      if (kWhole || (i >= s.row_from && i < s.row_to && j >= s.column_from &&
                     j < s.column_to)) {
        writer.template Write<kWhole>(y[j], map, at + j * s.pixel_stride,
                                      s.channels - c);
      }
    }
  }
}

template <int m, bool kResidual>
void OutputPixelsOf(const float* points, int64_t point_stride,
                    const Epilogue& epilogue, float* map, const Square& s) {
  for (int64_t c = 0; c < s.channels; c += kLanes) {
    if (IsWhole(s, m, c)) {
      OutputPixelsOf<m, true, kResidual>(points, point_stride, epilogue, map, s,
                                         c);
    } else {
      OutputPixelsOf<m, false, kResidual>(points, point_stride, epilogue, map,
                                          s, c);
    }
  }
}

template <int m>
void OutputPixelsOf(const float* points, int64_t point_stride,
                    const Epilogue& epilogue, float* map, const Square& s) {
  if (epilogue.residual != nullptr) {
    OutputPixelsOf<m, true>(points, point_stride, epilogue, map, s);
  } else {
    OutputPixelsOf<m, false>(points, point_stride, epilogue, map, s);
  }
}

void OutputPixels(const float* points, int64_t point_stride, int m,
                  const Epilogue& epilogue, float* map, const Square& s) {
  if (m == 3) OutputPixelsOf<3>(points, point_stride, epilogue, map, s);
  if (m == 4) OutputPixelsOf<4>(points, point_stride, epilogue, map, s);
  if (m == 5) OutputPixelsOf<5>(points, point_stride, epilogue, map, s);
}

constexpr float kInverseA = static_cast<float>(1 / kScaleA);
constexpr float kInverseB = static_cast<float>(1 / kScaleB);

template <int r>
void KernelPointsOf(const float* kernel, int64_t tap_stride, int64_t out,
                    float* points, int64_t point_stride) {
  for (int c = 0; c < kColumns; c += kLanes) {
    Vector d[r * r], rows[kTile * r];
#pragma GCC unroll 16
    for (int t = 0; t < r * r; ++t) {
      d[t] = LoadFirst(kernel + t * tap_stride + c, out - c);
    }
#pragma GCC unroll 4
    for (int j = 0; j < r; ++j) {
      ToPoints<r>(d + j, r, rows + j, r, kInverseA, kInverseB);
    }
#pragma GCC unroll 6
    for (int i = 0; i < kTile; ++i) {
      Vector u[kTile];
      ToPoints<r>(rows + i * r, 1, u, 1, kInverseA, kInverseB);
      for (int j = 0; j < kTile; ++j) {
        Store(points + (i * kTile + j) * point_stride + c, u[j]);
      }
    }
  }
}

void KernelPoints(const float* kernel, int64_t tap_stride, int r, int64_t out,
                  float* points, int64_t point_stride) {
  if (r == 2) KernelPointsOf<2>(kernel, tap_stride, out, points, point_stride);
  if (r == 3) KernelPointsOf<3>(kernel, tap_stride, out, points, point_stride);
  if (r == 4) KernelPointsOf<4>(kernel, tap_stride, out, points, point_stride);
}

template <int r>
void KernelGradientOf(const float* points, int64_t point_stride, int64_t out,
                      float* kernel, int64_t tap_stride) {
  for (int64_t c = 0; c < out; c += kLanes) {
    Vector rows[r * kTile];
    PointsToRows<r>(points + c, point_stride, kInverseA, kInverseB, rows);
#pragma GCC unroll 4
    for (int i = 0; i < r; ++i) {
      Vector g[r];
      FromPoints<r>(rows + i * kTile, 1, g, 1, kInverseA, kInverseB);
      for (int j = 0; j < r; ++j) {
        StoreFirst(kernel + (i * r + j) * tap_stride + c, g[j], out - c);
      }
    }
  }
}

void KernelGradient(const float* points, int64_t point_stride, int r,
                    int64_t out, float* kernel, int64_t tap_stride) {
  if (r == 2)
    KernelGradientOf<2>(points, point_stride, out, kernel, tap_stride);
  if (r == 3)
    KernelGradientOf<3>(points, point_stride, out, kernel, tap_stride);
  if (r == 4)
    KernelGradientOf<4>(points, point_stride, out, kernel, tap_stride);
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
