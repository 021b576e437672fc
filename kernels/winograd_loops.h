// The transforms of Winograd's algorithm: the part of vector_loops.h that
// includes this file once for each set of instructions.

#include "kernels/winograd_points.h"

namespace prioritycut {
namespace kernels {
namespace {

using SmallSet = FourPoints;
using LargeSet = TenPoints;
static_assert(SmallSet::kSide == kSmallTile && SixPoints::kSide == kTile &&
              LargeSet::kSide == kLargeTile);

// Column j of a square's n rows; whole squares need no questions.
template <int n, bool kWhole>
PRIORITYCUT_INLINE void ReadColumn(const float* map, const Square& s, int j,
                                   int64_t channel, Vector* d) {
  const int64_t left = s.channels - channel;
  const float* from = map + (s.offset + j * s.pixel_stride + channel);
  const bool column = kWhole || (j >= s.column_from && j < s.column_to);
#pragma GCC unroll 10
  for (int i = 0; i < n; ++i) {
    if (kWhole) {
      d[i] = Load(from + i * s.row_stride);
    } else {
      const bool there = column && i >= s.row_from && i < s.row_to;
      d[i] = there ? LoadFirst(from + i * s.row_stride, left) : Vector{};
    }
  }
}

PRIORITYCUT_INLINE bool IsWhole(const Square& s, int n, int64_t channel,
                                int64_t channels = kLanes) {
  return s.row_from == 0 && s.row_to == n && s.column_from == 0 &&
         s.column_to == n && s.channels - channel >= channels;
}

// Floats of a panel in a line of the cache. Lines that are about to be written
// are asked for beforehand, some at once: one after the other, each would be
// waited for.
constexpr int kLine = kColumns < 16 ? kColumns : 16;

template <class Set, bool kWhole>
PRIORITYCUT_APART void InputRows(const float* map, const Square& s, int64_t c,
                                 Vector* rows) {
  constexpr int n = Set::kSide;
  for (int j = 0; j < n; ++j) {
    Vector d[n];
    ReadColumn<n, kWhole>(map, s, j, c, d);
    InputTransform<Set>(d, 1, rows + j, n);
  }
}

template <class Set>
PRIORITYCUT_APART void InputRowsToPoints(const Vector* rows, float* out,
                                         int64_t point_stride) {
  constexpr int n = Set::kSide;
  for (int i = 0; i < n; ++i) {
    Vector points[n];
    InputTransform<Set>(rows + i * n, 1, points, 1);
    for (int j = 0; j < n; ++j) {
      Store(out + (i * n + j) * point_stride, points[j]);
    }
  }
}

template <class Set, bool kWhole>
PRIORITYCUT_INLINE void InputPointsOf(const float* map, const Square& s,
                                      int64_t c, float* out,
                                      int64_t point_stride) {
  Vector rows[Set::kSide * Set::kSide];
  InputRows<Set, kWhole>(map, s, c, rows);
  InputRowsToPoints<Set>(rows, out + c, point_stride);
}

template <class Set>
void InputPoints(const float* map, const Square& s, float* out,
                 int64_t point_stride) {
  for (int64_t c = 0; c < s.channels; c += kLanes) {
    if (c % kLine == 0) {
      for (int p = 0; p < Set::kSide * Set::kSide; ++p) {
        __builtin_prefetch(out + p * point_stride + c, 1);
      }
    }
    if (IsWhole(s, Set::kSide, c)) {
      InputPointsOf<Set, true>(map, s, c, out, point_stride);
    } else {
      InputPointsOf<Set, false>(map, s, c, out, point_stride);
    }
  }
}

template <int m, bool kWhole>
PRIORITYCUT_APART void GradientRows(const float* map, const Square& s,
                                    int64_t c, Vector* rows) {
  for (int j = 0; j < m; ++j) {
    Vector d[m];
    ReadColumn<m, kWhole>(map, s, j, c, d);
    ToPoints<SixPoints, m, false>(d, 1, rows + j, m);
  }
}

// n rows of points -> all of them: the transpose of PointsToRows.
template <class Set, int n, bool kScaled>
PRIORITYCUT_APART void RowsToPoints(const Vector* rows, float* out,
                                    int64_t point_stride) {
  constexpr int side = Set::kSide;
  for (int i = 0; i < side; ++i) {
    Vector points[side];
    ToPoints<Set, n, kScaled>(rows + i * n, 1, points, 1);
    for (int j = 0; j < side; ++j) {
      Store(out + (i * side + j) * point_stride, points[j]);
    }
  }
}

template <int m, bool kWhole>
PRIORITYCUT_INLINE void GradientPointsOf(const float* map, const Square& s,
                                         int64_t c, float* out,
                                         int64_t point_stride) {
  Vector rows[kTile * m];
  GradientRows<m, kWhole>(map, s, c, rows);
  RowsToPoints<SixPoints, m, false>(rows, out, point_stride);
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

// All points -> n rows of them, each for FromPoints once more.
template <class Set, int n, bool kScaled>
PRIORITYCUT_APART void PointsToRows(const float* points, int64_t point_stride,
                                    Vector* rows) {
  constexpr int side = Set::kSide;
  for (int j = 0; j < side; ++j) {
    Vector d[side];
#pragma GCC unroll 10
    for (int i = 0; i < side; ++i) {
      d[i] = Load(points + (i * side + j) * point_stride);
    }
    FromPoints<Set, n, kScaled>(d, 1, rows + j, side);
  }
}

// Asks for the lines of a row of pixels that are about to be written.
template <bool kResidual>
PRIORITYCUT_INLINE void AskForRow(const Epilogue& epilogue, const float* map,
                                  const Square& s, int row, int64_t c) {
  if (row < s.row_from || row >= s.row_to) return;
  int64_t at =
      s.offset + row * s.row_stride + s.column_from * s.pixel_stride + c;
  for (int j = s.column_from; j < s.column_to; ++j, at += s.pixel_stride) {
    __builtin_prefetch(map + at, 1);
    if (!kResidual) continue;
    __builtin_prefetch(epilogue.residual + at);
    if (epilogue.normed != nullptr) __builtin_prefetch(epilogue.normed + at, 1);
  }
}

// A line of each pixel, whole before the next row's: pixels lie so far apart
// that lines of few rows stay in the first-level cache.
template <class Set, int m, bool kWhole, bool kResidual>
PRIORITYCUT_INLINE void OutputPixelsOf(const float* points,
                                       int64_t point_stride,
                                       const Epilogue& epilogue, float* map,
                                       const Square& s, int64_t c) {
  AskForRow<kResidual>(epilogue, map, s, 0, c);
  constexpr int kVectors = kLine / kLanes;
  Vector rows[kVectors][m * Set::kSide];
  for (int v = 0; v < kVectors && (kWhole || c + v * kLanes < s.channels);
       ++v) {
    PointsToRows<Set, m, false>(points + c + v * kLanes, point_stride, rows[v]);
  }
  for (int i = 0; i < m; ++i) {
    if (!kWhole && (i < s.row_from || i >= s.row_to)) continue;
    if (i + 1 < m) AskForRow<kResidual>(epilogue, map, s, i + 1, c);
    for (int v = 0; v < kVectors && (kWhole || c + v * kLanes < s.channels);
         ++v) {
      const int64_t channel = c + v * kLanes;
      const Writer<kResidual> writer(epilogue, channel);
      Vector y[m];
      FromPoints<Set, m, false>(rows[v] + i * Set::kSide, 1, y, 1);
      const int64_t at = s.offset + i * s.row_stride + channel;
#pragma GCC unroll 8
      for (int j = 0; j < m; ++j) {
        if (kWhole || (j >= s.column_from && j < s.column_to)) {
          writer.template Write<kWhole>(y[j], map, at + j * s.pixel_stride,
                                        s.channels - channel);
        }
      }
    }
  }
}

template <class Set, int m, bool kResidual>
void OutputPixelsOf(const float* points, int64_t point_stride,
                    const Epilogue& epilogue, float* map, const Square& s) {
  for (int64_t c = 0; c < s.channels; c += kLine) {
    if (IsWhole(s, m, c, kLine)) {
      OutputPixelsOf<Set, m, true, kResidual>(points, point_stride, epilogue,
                                              map, s, c);
    } else {
      OutputPixelsOf<Set, m, false, kResidual>(points, point_stride, epilogue,
                                               map, s, c);
    }
  }
}

template <class Set, int m>
void OutputPixelsOf(const float* points, int64_t point_stride,
                    const Epilogue& epilogue, float* map, const Square& s) {
  if (epilogue.residual != nullptr) {
    OutputPixelsOf<Set, m, true>(points, point_stride, epilogue, map, s);
  } else {
    OutputPixelsOf<Set, m, false>(points, point_stride, epilogue, map, s);
  }
}

void OutputPixels(const float* points, int64_t point_stride, int m,
                  const Epilogue& epilogue, float* map, const Square& s) {
  using Set = SixPoints;
  if (m == 3) OutputPixelsOf<Set, 3>(points, point_stride, epilogue, map, s);
  if (m == 4) OutputPixelsOf<Set, 4>(points, point_stride, epilogue, map, s);
  if (m == 5) OutputPixelsOf<Set, 5>(points, point_stride, epilogue, map, s);
}

void SmallOutputPixels(const float* points, int64_t point_stride, int m,
                       const Epilogue& epilogue, float* map, const Square& s) {
  using Set = SmallSet;
  if (m == 2) OutputPixelsOf<Set, 2>(points, point_stride, epilogue, map, s);
  if (m == 3) OutputPixelsOf<Set, 3>(points, point_stride, epilogue, map, s);
}

template <class Set, int r>
PRIORITYCUT_APART void KernelRows(const float* kernel, int64_t tap_stride,
                                  int64_t left, Vector* rows) {
  for (int j = 0; j < r; ++j) {
    Vector d[r];
#pragma GCC unroll 4
    for (int i = 0; i < r; ++i) {
      d[i] = LoadFirst(kernel + (i * r + j) * tap_stride, left);
    }
    ToPoints<Set, r, true>(d, 1, rows + j, r);
  }
}

template <class Set, int r>
void KernelPointsOf(const float* kernel, int64_t tap_stride, int64_t out,
                    float* points, int64_t point_stride) {
  for (int c = 0; c < kColumns && c < out; c += kLanes) {
    Vector rows[Set::kSide * r];
    KernelRows<Set, r>(kernel + c, tap_stride, out - c, rows);
    RowsToPoints<Set, r, true>(rows, points + c, point_stride);
  }
}

void KernelPoints(const float* kernel, int64_t tap_stride, int r, int64_t out,
                  float* points, int64_t point_stride) {
  using Set = SixPoints;
  if (r == 2)
    KernelPointsOf<Set, 2>(kernel, tap_stride, out, points, point_stride);
  if (r == 3)
    KernelPointsOf<Set, 3>(kernel, tap_stride, out, points, point_stride);
  if (r == 4)
    KernelPointsOf<Set, 4>(kernel, tap_stride, out, points, point_stride);
}

void SmallKernelPoints(const float* kernel, int64_t tap_stride, int r,
                       int64_t out, float* points, int64_t point_stride) {
  using Set = SmallSet;
  if (r == 2)
    KernelPointsOf<Set, 2>(kernel, tap_stride, out, points, point_stride);
  if (r == 3)
    KernelPointsOf<Set, 3>(kernel, tap_stride, out, points, point_stride);
}

template <int r>
void KernelGradientOf(const float* points, int64_t point_stride, int64_t out,
                      float* kernel, int64_t tap_stride) {
  for (int64_t c = 0; c < out; c += kLanes) {
    Vector rows[r * kTile];
    PointsToRows<SixPoints, r, true>(points + c, point_stride, rows);
    for (int i = 0; i < r; ++i) {
      Vector g[r];
      FromPoints<SixPoints, r, true>(rows + i * kTile, 1, g, 1);
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

void LargeKernelPoints(const float* taps, int64_t channels, int row,
                       float* points, int64_t point_stride) {
  const float* factors = kFactors<LargeSet>.of_tap[row];
  const Vector top = All(factors[0]), middle = All(factors[1]),
               bottom = All(factors[2]);
  for (int64_t c = 0; c < channels; ++c, taps += 9 * kColumns) {
    for (int o = 0; o < kColumns; o += kLanes) {
      const float* from = taps + o;
      Vector d[3], u[kLargeTile];
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j, from += kColumns) {
        d[j] = top * Load(from) + middle * Load(from + 3 * kColumns) +
               bottom * Load(from + 6 * kColumns);
      }
      ToPoints<LargeSet, 3, true>(d, 1, u, 1);
      float* to = points + c * kColumns + o;
#pragma GCC unroll 10
      for (int j = 0; j < kLargeTile; ++j) Store(to + j * point_stride, u[j]);
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
